"""FLIRT matrices and millimetres.

FSL's linear registration (FLIRT) works in "scaled voxels": the voxel index times the voxel size,
with the first axis counted from the other end where the affine's determinant is positive, so that
x always runs as in a radiological (left-handed) image. A FLIRT matrix takes a point of the moving
("in") image to the reference image, both in these coordinates.

Sources: FSL's FLIRT FAQ ("What is the format of the matrix used by FLIRT, and how does it relate
to the transformation parameters?"); M. Jenkinson, "Coordinate systems and FLIRT";
fslpy, ``fsl.data.image.Nifti.getAffine('voxel', 'fsl')``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import InputError
from ..core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry


@dataclass(frozen=True)
class FslGrid:
    """What FSL and Slicer know of one image.

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
        """From a geometry alone: spacing and handedness are those of the affine."""
        i, j, k = (float(s) for s in geometry.spacing)
        return cls(geometry, (i, j, k), geometry.is_right_handed)

    @property
    def fsl_from_ijk(self) -> FloatArray:
        """4x4, voxel index -> FSL's scaled voxels in mm."""
        result = np.diag([*self.voxel_size, 1.0])
        if self.x_flipped:
            result[0, 0] *= -1
            result[0, 3] = (self.geometry.shape_ijk[0] - 1) * self.voxel_size[0]
        return result

    @property
    def ras_from_fsl(self) -> FloatArray:
        """4x4, FSL's scaled voxels in mm -> RAS in mm."""
        return self.geometry.affine_ras @ np.linalg.inv(self.fsl_from_ijk)


def ras_from_flirt(matrix: FloatArray, moving: FslGrid, reference: FslGrid) -> FloatArray:
    """A FLIRT matrix as 4x4, RAS mm of the moving image -> RAS mm of the reference."""
    return reference.ras_from_fsl @ matrix @ np.linalg.inv(moving.ras_from_fsl)


def flirt_from_ras(matrix: FloatArray, moving: FslGrid, reference: FslGrid) -> FloatArray:
    """The FLIRT matrix for a 4x4, RAS mm of the moving image -> RAS mm of the reference."""
    return np.linalg.inv(reference.ras_from_fsl) @ matrix @ moving.ras_from_fsl


def itk_from_ras(matrix: FloatArray) -> FloatArray:
    """The ITK transform for a 4x4, RAS moving -> RAS reference: LPS reference -> LPS moving.

    ITK's transforms pull: they say where in the moving image to look for a point of the reference.
    """
    return RAS_TO_LPS @ np.linalg.inv(matrix) @ RAS_TO_LPS


def ras_from_itk(matrix: FloatArray) -> FloatArray:
    """The inverse of ``itk_from_ras``; it is its own formula."""
    return itk_from_ras(matrix)


def require_affine(matrix: FloatArray, name: str) -> FloatArray:
    """Refuse what is no invertible affine matrix.

    Raises:
        InputError: with the name of the file.
    """
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
        raise InputError(f"{name} does not hold a 4 x 4 matrix of finite numbers.")
    if not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-8):
        raise InputError(f"{name}: the last row of the matrix must be 0 0 0 1; it is {matrix[3].tolist()}.")
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise InputError(f"{name}: the matrix is singular; it maps the image onto a plane or less.")
    return matrix
