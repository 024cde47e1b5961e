"""Boxes around voxels: the smallest one, with a margin, and one around several."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..geometry import Box, VolumeGeometry

# A margin of 2.1 mm is three voxels of 0.7 mm, whatever the last bit of either number: so much of a voxel is forgiven.
_FORGIVEN_VOXELS = 0.001


def bounding_box(wanted_kji: npt.NDArray[np.bool_]) -> Box | None:
    """Return the smallest box (IJK) that holds all voxels that are True; None where none is.

    >>> wanted = np.zeros((5, 4, 3), bool)
    >>> wanted[1, 2, 0] = wanted[3, 2, 1] = True
    >>> bounding_box(wanted)
    Box(start=(0, 2, 1), stop=(2, 3, 4))
    """
    ends = []
    for axis in (2, 1, 0):
        others = tuple(n for n in range(3) if n != axis)
        held = np.flatnonzero(wanted_kji.any(axis=others))
        if not held.size:
            return None
        ends.append((int(held[0]), int(held[-1]) + 1))
    (i0, i1), (j0, j1), (k0, k1) = ends
    return Box((i0, j0, k0), (i1, j1, k1))


def enlarged(box: Box, margin: float, geometry: VolumeGeometry) -> Box:
    """Return a box with so many mm more on all sides, rounded up to whole voxels of each axis, inside the volume.

    >>> ct = VolumeGeometry((40, 40, 10), np.diag([0.7, 0.7, 5.0, 1.0]))
    >>> enlarged(Box((20, 1, 4), (30, 9, 6)), 2.1, ct)
    Box(start=(17, 0, 3), stop=(33, 12, 7))
    """
    i, j, k = (math.ceil(margin / step - _FORGIVEN_VOXELS) for step in geometry.spacing.tolist())
    (i0, j0, k0), (i1, j1, k1) = box.start, box.stop
    return Box((i0 - i, j0 - j, k0 - k), (i1 + i, j1 + j, k1 + k)).intersection(geometry.box)


def around(boxes: list[Box]) -> Box | None:
    """Return the smallest box that holds several; None for none."""
    if not boxes:
        return None
    i0, j0, k0 = (min(box.start[n] for box in boxes) for n in range(3))
    i1, j1, k1 = (max(box.stop[n] for box in boxes) for n in range(3))
    return Box((i0, j0, k0), (i1, j1, k1))
