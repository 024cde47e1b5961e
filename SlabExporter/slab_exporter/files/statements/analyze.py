"""Pairs of .hdr and .img: NIfTI-1, or the Analyze 7.5 from which NIfTI was made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import InputError
from ...core.naming import volume_stem
from ..nifti import HEADER_DTYPE, HEADER_SIZE, NiftiHeader, judge_fields
from ..nifti_transforms import refuse_unusable, transform_warnings
from .statement import Statement


def pair_statement(path: Path, transform: str | None = None) -> Statement:
    """Read what the header of a pair states.

    Args:
        path: of the .hdr or of the .img file.
        transform: "sform" or "qform" of a NIfTI pair to insist on one.

    Raises:
        InputError: the header is missing, or its forms cannot be used.
    """
    fields = _fields(path)
    if fields is not None and fields["magic"] in (b"ni1", b"n+1"):
        header = NiftiHeader(path, fields)
        judge_fields(header)
        _ = header.scaling  # raises where it is not finite
        # ITK never returns from some matrices that are not finite, whether it would use them or not
        numbers = np.concatenate([fields[name].ravel() for name in ("pixdim", "srow", "quatern", "qoffset")])
        if not np.all(np.isfinite(numbers)):
            raise InputError(f"{path} is damaged: its header places voxels by numbers that are not finite.")
        refuse_unusable(header, transform)
        return Statement(1.0, tuple(transform_warnings(header, transform)), header)
    warnings = [
        "Analyze 7.5 states no orientation: left and right, front and back, and all positions, are a guess, and "
        "programs guess differently (ITK and Slicer LPS; SPM, FSL and nibabel LAS, which is the mirror image)."
    ]
    matrix = path.with_name(f"{volume_stem(path)}.mat")
    if matrix.is_file():
        warnings.append(
            f"The matrix that SPM has put into {matrix.name} beside it is ignored: the slabs lie elsewhere than SPM "
            "shows the image, perhaps rotated or mirrored. Save it as NIfTI with SPM, which puts the matrix into "
            "the header."
        )
    return Statement(1.0, tuple(warnings))


def is_nifti_pair(path: Path) -> bool:
    """Return whether a .hdr or .img file belongs to a NIfTI pair."""
    fields = _fields(path)
    return fields is not None and fields["magic"] in (b"ni1", b"n+1")


def _fields(path: Path) -> np.ndarray | None:
    header = next((h for end in (".hdr", ".HDR") if (h := path.with_name(f"{volume_stem(path)}{end}")).is_file()), None)
    if header is None:
        raise InputError(f"{path} has no header: the .hdr file does not lie beside it.")
    with header.open("rb") as file:
        raw = file.read(HEADER_SIZE)
    if len(raw) < HEADER_SIZE:
        raise InputError(f"{header} is damaged: it holds {len(raw)} bytes, fewer than a header.")
    for dtype in (HEADER_DTYPE.newbyteorder("<"), HEADER_DTYPE.newbyteorder(">")):
        fields: np.ndarray = np.frombuffer(raw, dtype)[0]
        if int(fields["sizeof_hdr"]) == HEADER_SIZE:
            return fields
    return None
