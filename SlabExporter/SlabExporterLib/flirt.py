"""Registrations between FSL and Slicer: FLIRT's matrices, ITK's transforms, matrices in RAS mm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .files.matrix_files import is_itk, itk_text, matrix_text, parse_itk, parse_matrix, read_text, write_text
from .files.nifti import NiftiHeader
from .mrml.runtime import SlicerRuntime, open_runtime
from .open_volume import first_frame, open_any
from .pure.errors import RequestError
from .pure.fsl import FslGrid, flirt_from_ras, itk_from_ras, ras_from_flirt, ras_from_itk
from .pure.geometry import FloatArray
from .pure.source import SourceVolume

KINDS = ("flirt", "itk", "ras")
_KIND_OF_EXTENSION = {".tfm": "itk", ".mat": "flirt", ".txt": "ras"}


@dataclass(frozen=True)
class Registration:
    """A linear registration of a moving onto a reference image.

    Attributes:
        ras: 4x4, RAS mm of the moving image -> RAS mm of the reference.
        moving: the moving image as FSL sees it.
        reference: the reference image as FSL sees it.
    """

    ras: FloatArray
    moving: FslGrid
    reference: FslGrid

    @property
    def flirt(self) -> FloatArray:
        """As FLIRT's matrix."""
        return flirt_from_ras(self.ras, self.moving, self.reference)

    def text(self, kind: str) -> str:
        """As a file of that kind: "flirt", "itk" (LPS, reference -> moving) or "ras"."""
        if kind == "itk":
            return itk_text(itk_from_ras(self.ras))
        return matrix_text(self.flirt if kind == "flirt" else self.ras)

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "ras_moving_to_reference": self.ras.tolist(),
            "flirt": self.flirt.tolist(),
            "itk_lps_reference_to_moving": itk_from_ras(self.ras).tolist(),
        }


def fsl_grid(volume: SourceVolume) -> FslGrid:
    """How FSL sees a volume.

    For a NIfTI file: voxel sizes are the header's pixdim, and the handedness is the sform's where
    its code is set, otherwise the qform's, otherwise left-handed (FSL takes a file without either
    for radiological).
    """
    if volume.header is None:
        return FslGrid.of(volume.geometry)
    header = NiftiHeader(Path(volume.name), volume.header)
    i, j, k = (abs(float(size)) or 1.0 for size in volume.header["pixdim"][1:4])
    affine = header.sform if header.sform is not None else header.qform
    flipped = affine is not None and bool(np.linalg.det(affine[:3, :3]) > 0)
    return FslGrid(volume.geometry, (i, j, k), flipped)


def open_grid(runtime: SlicerRuntime, path: Path) -> FslGrid:
    """The grid of an image file; of a 4D file all volumes share one.

    Raises:
        InputError: it cannot be used.
    """
    return fsl_grid(open_any(runtime, path, first_frame(path, None)))


def read_registration(path: Path, moving: FslGrid, reference: FslGrid, kind: str | None = None) -> Registration:
    """A transform file with the two images that it belongs to.

    Args:
        path: FLIRT's matrix, an ITK text transform, or a 4x4 in RAS mm (moving -> reference).
        moving: the image that was registered ("in" in FLIRT).
        reference: the image that it was registered to.
        kind: one of ``KINDS``; None: ITK's by its first line, otherwise FLIRT's.

    Raises:
        InputError: the file cannot be used.
        RequestError: it is not of the kind that it should be.
    """
    text = read_text(path)
    found = "itk" if is_itk(text) else kind or "flirt"
    if kind is not None and found != kind:
        raise RequestError(f"{path} is an ITK transform file, not what --from {kind} says.")
    if found == "itk":
        ras = ras_from_itk(parse_itk(text, str(path)))
    else:
        matrix = parse_matrix(text, str(path))
        ras = matrix if found == "ras" else ras_from_flirt(matrix, moving, reference)
    return Registration(ras, moving, reference)


def convert(path: Path, moving: Path, reference: Path, output: Path, kind: str | None, overwrite: bool) -> Registration:
    """Read a transform and write it as what the output's extension says.

    Raises:
        SlabExporterError: a file cannot be used or written, or the extension says nothing.
    """
    target = _KIND_OF_EXTENSION.get(output.suffix.lower())
    if target is None:
        raise RequestError(
            f"The output {output} must end in .tfm (Slicer, ITK), .mat (FLIRT) or .txt (4 x 4 in RAS mm)."
        )
    with open_runtime() as runtime:
        registration = read_registration(path, open_grid(runtime, moving), open_grid(runtime, reference), kind)
    write_text(output, registration.text(target), overwrite)
    return registration


def describe_grid(name: str, grid: FslGrid) -> str:
    """One line on how FSL counts an image."""
    if grid.x_flipped:
        rule = "right-handed (positive determinant), so FSL counts x from the last voxel"
    else:
        rule = "left-handed (negative determinant), so FSL counts x from the first voxel"
    return f"{name}: {grid.geometry.orientation}, {rule}"
