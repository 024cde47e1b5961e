"""Registrations between FSL and Slicer: FLIRT's matrices, ITK's transforms, matrices in RAS mm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError, OutputError, RequestError
from ..core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry
from ..core.manifest import Manifest
from ..core.text import Option, Sentence
from ..core.volume import SourceVolume
from ..files.network.addresses import is_address
from ..files.nifti import NiftiHeader, read_header
from ..files.nifti_voxels import is_as_recorded
from ..mrml.runtime import open_runtime
from ..mrml.volume_files import is_nifti
from ..volumes.choice import FileChoice
from ..volumes.reading import open_for_geometry
from .transform_files import is_itk, read_itk, read_matrix, write_itk, write_matrix


@dataclass(frozen=True)
class FslGrid:
    """Coordinates of one image in FSL and in Slicer.

    Attributes:
        geometry: shape and affine (RAS).
        voxel_size: along i, j, k in mm as FSL uses it (a NIfTI's pixdim).
        x_flipped: whether FSL counts x from the other end: its affine's determinant is positive.
    """

    geometry: VolumeGeometry
    voxel_size: tuple[float, float, float]
    x_flipped: bool

    @classmethod
    def of(cls, geometry: VolumeGeometry) -> FslGrid:
        """Return the grid of a geometry alone: spacing and handedness are those of the affine."""
        i, j, k = (float(s) for s in geometry.spacing)
        return cls(geometry, (i, j, k), geometry.is_right_handed)

    @property
    def fsl_from_ijk(self) -> FloatArray:
        """Matrix (4x4), voxel index -> FSL's scaled voxels in mm."""
        result = np.diag([*self.voxel_size, 1.0])
        if self.x_flipped:
            result[0, 0] *= -1
            result[0, 3] = (self.geometry.shape_ijk[0] - 1) * self.voxel_size[0]
        return result

    @property
    def ras_from_fsl(self) -> FloatArray:
        """Matrix (4x4), FSL's scaled voxels in mm -> RAS in mm."""
        return self.geometry.affine_ras @ np.linalg.inv(self.fsl_from_ijk)


def ras_from_flirt(matrix: FloatArray, moving: FslGrid, reference: FslGrid) -> FloatArray:
    """Return a FLIRT matrix as 4x4, RAS mm of the moving image -> RAS mm of the reference."""
    return reference.ras_from_fsl @ matrix @ np.linalg.inv(moving.ras_from_fsl)


def flirt_from_ras(matrix: FloatArray, moving: FslGrid, reference: FslGrid) -> FloatArray:
    """Return the FLIRT matrix for a 4x4, RAS mm of the moving image -> RAS mm of the reference."""
    return np.linalg.inv(reference.ras_from_fsl) @ matrix @ moving.ras_from_fsl


def itk_from_ras(matrix: FloatArray) -> FloatArray:
    """Return the ITK transform for a 4x4, RAS moving -> RAS reference: LPS reference -> LPS moving.

    ITK's transforms pull: they say where in the moving image to look for a point of the reference.
    """
    return RAS_TO_LPS @ np.linalg.inv(matrix) @ RAS_TO_LPS


def ras_from_itk(matrix: FloatArray) -> FloatArray:
    """Return the inverse of ``itk_from_ras``, which has the same formula."""
    return itk_from_ras(matrix)


# Gives an image as FSL sees it, or raises InputError where FSL cannot have seen it.
GridMaker = Callable[[], FslGrid]
KINDS = ("flirt", "itk", "ras")
_KIND_OF_EXTENSION = {".tfm": "itk", ".h5": "itk", ".hdf5": "itk", ".mat": "flirt", ".txt": "ras"}


@dataclass(frozen=True)
class Registration:
    """A linear registration of a moving onto a reference image.

    Attributes:
        ras: 4x4, RAS mm of the moving image -> RAS mm of the reference.
        moving: the moving image as FSL sees it.
        reference: the reference image as FSL sees it.
        warnings: unusual things about the two images.
    """

    ras: FloatArray
    moving: FslGrid
    reference: FslGrid
    warnings: tuple[str, ...] = ()

    @property
    def flirt(self) -> FloatArray:
        """Matrix of FLIRT."""
        return flirt_from_ras(self.ras, self.moving, self.reference)

    def write(self, path: Path, overwrite: bool = False) -> None:
        """Write it as the extension says: .tfm and .h5 (ITK, LPS, reference -> moving), .mat (FLIRT) or .txt (RAS).

        Raises:
            RequestError: the extension is another one.
            OutputError: the file exists, or cannot be written.
        """
        kind = kind_to_write(path)
        if kind == "itk":
            write_itk(path, itk_from_ras(self.ras), overwrite)
        else:
            write_matrix(path, self.flirt if kind == "flirt" else self.ras, overwrite)

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        return {
            "ras_moving_to_reference": self.ras.tolist(),
            "flirt": self.flirt.tolist(),
            "itk_lps_reference_to_moving": itk_from_ras(self.ras).tolist(),
            "warnings": list(self.warnings),
        }


def fsl_grid(volume: SourceVolume) -> FslGrid:
    """Return the grid of a volume as FSL sees it.

    Raises:
        InputError: it is not a NIfTI file.
    """
    if volume.header is None:
        raise InputError(
            f"{volume.name} is not a NIfTI file (.nii, .nii.gz), and FLIRT never read it: its coordinates depend on "
            "the order in which voxels are stored. Give the NIfTI file that FLIRT read."
        )
    return grid_of_header(NiftiHeader(Path(volume.name), volume.header), volume.geometry)


def grid_of_header(header: NiftiHeader, geometry: VolumeGeometry) -> FslGrid:
    """Return the grid of a NIfTI file as FSL sees it.

    Voxel sizes are the header's pixdim, and the handedness is the sform's where its code is set,
    otherwise the qform's, otherwise left-handed (FSL takes a file without either for radiological).

    Args:
        header: of the file.
        geometry: shape and affine (RAS) in use, by sform or qform.
    """
    i, j, k = (abs(float(size)) or 1.0 for size in header.fields["pixdim"][1:4])
    affine = header.sform if header.sform is not None else header.qform
    flipped = affine is not None and bool(np.linalg.det(affine[:3, :3]) > 0)
    return FslGrid(geometry, (i, j, k), flipped)


def exported_grid(manifest: Manifest, folder: Path) -> FslGrid:
    """Return the grid of an export's source as FSL sees it.

    Slabs keep one affine, without the pixdim and the second transform by which FSL counts: the source has to be there.

    Args:
        manifest: of the case.
        folder: that the manifest lies in.

    Raises:
        InputError: the source is not a NIfTI file, is gone, or has been changed.
    """
    record = manifest.source
    path = None if record.path is None or is_address(record.path) else folder / record.path
    if path is None:
        source = "does not name its source" if record.path is None else f"names {record.path} as its source"
        raise InputError(
            f"The manifest of {manifest.case} {source}, and FLIRT's coordinates cannot be computed "
            "from the slabs. Give the NIfTI file that FLIRT read instead of the export."
        )
    if not path.is_file() or not is_nifti(path):
        raise InputError(
            f"The source of {manifest.case} ({record.path}) is gone or not a NIfTI file, and FLIRT's coordinates "
            "cannot be computed from the slabs. Give the NIfTI file that FLIRT read instead of the export."
        )
    if not is_as_recorded(path, record):
        raise InputError(
            f"The source {path} has been changed since the export (its checksum differs). Give the NIfTI file "
            "that FLIRT read instead of the export."
        )
    return grid_of_header(read_header(path), manifest.source.geometry)


def kind_to_write(path: Path) -> str:
    """Return what a file of this name is to hold: one of ``KINDS``.

    Raises:
        RequestError: its extension says nothing.
    """
    kind = _KIND_OF_EXTENSION.get(path.suffix.lower())
    if kind is None:
        raise RequestError(
            f"The output {path} must end in .tfm or .h5 (Slicer, ITK), .mat (FLIRT) or .txt (4 x 4 in RAS mm)."
        )
    return kind


def read_ras(path: Path, moving: GridMaker, reference: GridMaker, kind: str | None = None) -> FloatArray:
    """Return a transform file as 4x4, RAS mm of the moving image -> RAS mm of the reference.

    Args:
        path: FLIRT's matrix, an ITK transform file, or a 4x4 in RAS mm (moving -> reference).
        moving: gives the image that was registered ("in" in FLIRT); called for FLIRT's matrix only.
        reference: the same for the image that it was registered to.
        kind: one of ``KINDS``; None: ITK's by how it begins, otherwise FLIRT's.

    Raises:
        InputError: the file cannot be used.
        RequestError: it is not of the kind that it should be.
    """
    found = "itk" if is_itk(path) else kind or "flirt"
    if kind is not None and found != kind:
        raise RequestError(f"{path} is an ITK transform file, not what ", Option.to("kind", kind), " says.")
    if found == "itk":
        return ras_from_itk(read_itk(path))
    matrix = read_matrix(path)
    return matrix if found == "ras" else ras_from_flirt(matrix, moving(), reference())


def convert(
    path: Path, moving: FileChoice, reference: FileChoice, output: Path, kind: str | None, overwrite: bool
) -> Registration:
    """Read a transform and write it as what the output's extension says.

    Raises:
        SlabExporterError: a file cannot be used or written, or the extension says nothing.
    """
    kind_to_write(output)
    if output.resolve() in {source.resolve() for source in (path, moving.path, reference.path)}:
        raise OutputError(f"{output} is what the registration is read from, and stays as it is; choose another name.")
    with open_runtime() as runtime:
        images = open_for_geometry(runtime, moving), open_for_geometry(runtime, reference)
    warnings = tuple(Sentence(f"{image.name}: ", text) for image in images for text in image.warnings)
    grids = fsl_grid(images[0]), fsl_grid(images[1])
    ras = read_ras(path, lambda: grids[0], lambda: grids[1], kind)
    registration = Registration(ras, *grids, warnings)
    registration.write(output, overwrite)
    return registration


def describe_grid(name: str, grid: FslGrid) -> str:
    """Return one line on how FSL counts an image."""
    if grid.x_flipped:
        rule = "right-handed (positive determinant), so FSL counts x from the last voxel"
    else:
        rule = "left-handed (negative determinant), so FSL counts x from the first voxel"
    return f"{name}: {grid.geometry.orientation}, {rule}"
