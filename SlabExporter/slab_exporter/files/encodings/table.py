"""The volume files that can be written: a new kind is one class and one row here."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import RequestError
from ...core.naming import volume_extension
from .encoding import VolumeEncoding
from .nifti import GzippedNifti, Nifti
from .nrrd import Nrrd

ENCODINGS: dict[str, VolumeEncoding] = {
    encoding.extension: encoding
    for encoding in (
        GzippedNifti(),
        Nifti(),
        Nrrd(),
    )
}
WRITABLE = tuple(ENCODINGS)


def encoding_of(path: Path) -> VolumeEncoding:
    """Return how a file of this name is written, by its extension.

    Raises:
        RequestError: there is no such encoding.

    >>> encoding_of(Path("ct.nii.gz")).compressed
    True
    """
    extension = volume_extension(path)
    if extension not in ENCODINGS:
        raise RequestError(f"The output {path} must end in {', '.join(WRITABLE[:-1])} or {WRITABLE[-1]}.")
    return ENCODINGS[extension]
