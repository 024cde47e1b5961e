"""Grids with other voxel sizes over the same part of the patient, and how coarse one is along another's axes."""

from __future__ import annotations

import math

import numpy as np

from ..errors import RequestError
from ..geometry import FloatArray, VolumeGeometry
from ..text import Option
from .spacing import Spacing

# Sizes that differ by less are the same: what float32 headers make of 0.7.
_SAME_SIZE = 1e-5
# A last voxel of which exactly half lies in the volume is left off: its centre would lie on the border.
_HALF = 0.5 + 1e-6


def respaced(geometry: VolumeGeometry, spacing: Spacing) -> VolumeGeometry:
    """Return the grid of other voxel sizes that begins at the same outer face and covers the same part of the patient.

    The first voxel's face stays where it is, so that its centre moves by half the change of its size.
    The number of voxels is rounded: the last face lies within half a new voxel of where it was.

    Args:
        geometry: of the volume.
        spacing: mm along i, j, k; 0 keeps an axis.

    Raises:
        RequestError: an axis of a single voxel would be resampled.

    >>> ct = VolumeGeometry((512, 512, 61), np.diag([0.7, 0.7, 5, 1]))
    >>> fine = respaced(ct, (0, 0, 2.0))
    >>> fine.shape_ijk, fine.affine_ras[:3, 3].tolist()
    ((512, 512, 152), [0.0, 0.0, -1.5])
    """
    shape, ratios = list(geometry.shape_ijk), [1.0, 1.0, 1.0]
    for axis, (asked, size) in enumerate(zip(spacing, geometry.spacing.tolist(), strict=True)):
        if asked == 0 or abs(asked - size) <= _SAME_SIZE * size:
            continue
        if shape[axis] == 1:
            raise RequestError(
                f"The volume is one voxel thick along {'ijk'[axis]}, and there is nothing to interpolate between; keep "
                "that axis with 0 in ", Option("spacing"), ".",
            )  # fmt: skip
        ratios[axis] = float(asked / size)
        shape[axis] = max(1, math.ceil(shape[axis] / ratios[axis] - _HALF))
    steps = np.eye(4)
    steps[:3, :3], steps[:3, 3] = np.diag(ratios), (np.array(ratios) - 1) / 2
    i, j, k = shape
    return VolumeGeometry((i, j, k), geometry.affine_ras @ steps)


def index_matrix(grid: VolumeGeometry, volume: VolumeGeometry) -> FloatArray:
    """Return the 4x4 matrix from indices of a grid to indices of a volume."""
    matrix: FloatArray = np.asarray(np.linalg.solve(volume.affine_ras, grid.affine_ras), np.float64)
    return matrix


def coarseness(matrix: FloatArray) -> FloatArray:
    """Return how many voxels of a volume, along each of its axes, a step of a grid is long.

    >>> coarseness(np.diag([1.5, 1, 0.5, 1])).tolist()
    [1.5, 1.0, 0.5]
    """
    lengths: FloatArray = np.sqrt((matrix[:3, :3] ** 2).sum(axis=1))
    return lengths


def smoothing_voxels(matrix: FloatArray) -> FloatArray:
    """Return the standard deviation, in voxels of a volume, of the Gaussian that a coarser grid needs before sampling.

    It turns the point spread of a voxel of the volume into that of the grid, both taken as Gaussians whose full
    width at half maximum is the voxel (Cardoso et al., MICCAI 2015); 0 along axes that do not become coarser.

    >>> smoothing_voxels(np.diag([2.0, 1, 0.5, 1])).round(3).tolist()
    [0.736, 0.0, 0.0]
    """
    variance = (coarseness(matrix) ** 2 - 1) / (8 * math.log(2))
    return np.sqrt(np.where(variance > _SAME_SIZE, variance, 0.0))
