"""What reading the voxels of a NIfTI file gives: the values, and the header that places them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy.typing as npt

from .nifti import NiftiHeader


@dataclass(frozen=True)
class StoredVolume:
    """The voxels of one volume of a NIfTI file.

    Attributes:
        path: of the file.
        voxels_kji: scaled values in native byte order, C-contiguous.
        sha256: of the file's bytes.
        header: of the file, which states the affine.
        frame: which frame of a 4D file; None for 3D files.
        warnings: sentences about what is unusual in the file.
    """

    path: Path
    voxels_kji: npt.NDArray
    sha256: str
    header: NiftiHeader
    frame: int | None = None
    warnings: tuple[str, ...] = ()
