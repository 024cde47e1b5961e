"""What reading a file without Slicer gives: voxels, and what is needed to place them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy.typing as npt

from ..core.geometry import FloatArray
from .nifti import NiftiHeader


@dataclass(frozen=True)
class StoredVolume:
    """The voxels of one volume of a file.

    Attributes:
        path: of the file.
        voxels_kji: scaled values in native byte order, C-contiguous.
        sha256: of the file's bytes.
        header: of a NIfTI file, from which Slicer derives the affine; None for other formats.
        affine_ras: 4x4, IJK -> RAS mm, for formats that state it plainly; None for NIfTI.
        frame: which frame of a 4D file; None for 3D files.
        warnings: sentences about what was odd.
    """

    path: Path
    voxels_kji: npt.NDArray
    sha256: str
    header: NiftiHeader | None = None
    affine_ras: FloatArray | None = None
    frame: int | None = None
    warnings: tuple[str, ...] = ()
