"""Which reader of headers goes with which extension."""

from __future__ import annotations

from pathlib import Path

from ...core.naming import volume_extension
from .analyze import is_nifti_pair, pair_statement
from .metaimage import metaimage_statement
from .nrrd import nrrd_statement
from .statement import Statement

_PAIRS = (".hdr", ".img", ".img.gz")


def read_statement(path: Path, transform: str | None = None) -> Statement:
    """Read what the header of a file states that ITK reads.

    Args:
        path: of the file.
        transform: "sform" or "qform" of a NIfTI pair to insist on one.

    Raises:
        InputError: it contradicts itself.
    """
    extension = volume_extension(path)
    if extension in (".nrrd", ".nhdr"):
        return nrrd_statement(path)
    if extension in (".mha", ".mhd"):
        return metaimage_statement(path)
    return pair_statement(path, transform) if extension in _PAIRS else Statement()


def has_forms(path: Path) -> bool:
    """Return whether a file has an sform and a qform to choose from.

    >>> has_forms(Path("ct.nii.gz")), has_forms(Path("ct.nrrd"))
    (True, False)
    """
    extension = volume_extension(path)
    return extension in (".nii", ".nii.gz") or (extension in _PAIRS and is_nifti_pair(path))
