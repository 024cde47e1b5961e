"""The grid that the images of a DICOM series can state: all axes at right angles."""

from __future__ import annotations

import numpy as np

from ...core.geometry import FloatArray, VolumeGeometry
from ...core.text import millimetres

# What deserves a word, as a multiple of what the numbers of an image are held to.
_WORTH_SAYING = 10


def image_grid(geometry: VolumeGeometry) -> VolumeGeometry:
    """Return the grid that a reader makes of the images: columns perpendicular to rows, slices along the normal.

    ImageOrientationPatient is orthonormal (PS3.3 C.7.6.2.1.1), so that axes that are almost at right
    angles cannot be stated. The first voxel stays in its place. Every slice has a position of its
    own, but ITK stacks them along the normal of the first.

    >>> affine = np.array([[1, 0.0004, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    >>> volume = VolumeGeometry((101, 101, 30), affine)
    >>> held = image_grid(volume)
    >>> held.affine_ras[:3, 1].round(6).tolist()
    [0.0, 1.0, 0.0]
    >>> f"{volume.corner_distance(held):.3f} mm"
    '0.040 mm'
    """
    affine = geometry.affine_ras.copy()
    row = unit(affine[:3, 0])
    column = perpendicular(affine[:3, 1], row)
    normal = np.cross(row, column)
    affine[:3, 1] = column * geometry.spacing[1]
    affine[:3, 2] = normal * np.copysign(geometry.spacing[2], normal @ affine[:3, 2])
    return VolumeGeometry(geometry.shape_ijk, affine)


def right_angle_warnings(geometry: VolumeGeometry) -> list[str]:
    """Return a sentence on how far right angles move voxels, where that is more than rounding."""
    off = geometry.corner_distance(image_grid(geometry))
    if off <= _WORTH_SAYING * geometry.position_tolerance("DS"):
        return []
    return [
        f"The volume's axes are {geometry.shear_degrees:.2g} degrees off a right angle, which DICOM images cannot "
        f"state: voxels lie up to {millimetres(off)} mm from where they should."
    ]


def unit(vector: FloatArray) -> FloatArray:
    """Return a vector of length 1 in the same direction."""
    return vector / np.linalg.norm(vector)


def perpendicular(column: FloatArray, row: FloatArray) -> FloatArray:
    """Return the unit vector perpendicular to the unit vector ``row`` that lies nearest to ``column``."""
    return unit(column - (column @ row) * row)
