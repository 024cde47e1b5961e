"""Whether a volume in a scene is still the one that files hold."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ..core.geometry import Box, VolumeGeometry
from ..core.volume import SourceVolume
from ..interrupts import end_if_abandoned

# Values that went through another number type may differ by its rounding.
ROUNDING = 1e-6

Order = Literal["same", "reversed"]


def k_order(stored: VolumeGeometry, held: VolumeGeometry, freedom: float) -> Order | None:
    """Return in which order along k two grids are the same; None where they are not.

    Args:
        stored: the one.
        held: the other.
        freedom: how far corners may lie apart besides what rounding does to them, in mm.
    """
    if _same_grid(stored, held, freedom):
        return "same"
    return "reversed" if _same_grid(stored, held.k_reversed(), freedom) else None


def same_volume(stored: SourceVolume, held: SourceVolume, freedom: float) -> Order | None:
    """Return the order along k in which two volumes are the same, voxels and place; None where they are not."""
    order = k_order(stored.geometry, held.geometry, freedom)
    if order is None:
        return None
    theirs = held.voxels_kji if order == "same" else held.voxels_kji[::-1]
    return order if same_values(stored.voxels_kji, theirs) else None


def order_of_values(one: npt.NDArray, other: npt.NDArray) -> Order | None:
    """Return the order along k in which two KJI arrays hold the same values, wherever they lie."""
    if one.shape != other.shape:
        return None
    if same_values(one, other):
        return "same"
    return "reversed" if same_values(one, other[::-1]) else None


def box_within(stored: VolumeGeometry, held: VolumeGeometry, freedom: float) -> tuple[Box, Order] | None:
    """Return which voxels of a grid another one consists of, and in which order along k; None where of none.

    >>> grid = VolumeGeometry((8, 8, 10), np.diag([1.0, 1.0, 2.0, 1.0]))
    >>> box_within(grid, grid.cropped(Box((1, 0, 4), (7, 8, 6))).k_reversed(), 0.0)
    (Box(start=(1, 0, 4), stop=(7, 8, 6)), 'reversed')
    """
    orders: tuple[tuple[Order, VolumeGeometry], ...] = (("same", held), ("reversed", held.k_reversed()))
    for order, grid in orders:
        start = np.rint(stored.ijk(grid.ras((0, 0, 0)))).astype(int)
        stop = start + grid.shape_ijk
        if np.any(start < 0) or np.any(stop > stored.shape_ijk):
            continue
        box = Box(tuple(start.tolist()), tuple(stop.tolist()))
        if _same_grid(stored.cropped(box), grid, freedom):
            return box, order
    return None


def _same_grid(one: VolumeGeometry, other: VolumeGeometry, freedom: float) -> bool:
    return one.difference(other).is_within(one.position_tolerance() + freedom)


def same_values(one: npt.NDArray, other: npt.NDArray) -> bool:
    """Return whether two KJI arrays of one shape hold the same values; slice by slice, since volumes are large."""
    for a, b in zip(one, other, strict=True):
        end_if_abandoned()
        if one.dtype == other.dtype and one.dtype.kind in "iu":
            equal = np.array_equal(a, b)
        else:
            equal = np.allclose(_finite(a), _finite(b), rtol=ROUNDING, atol=0)
        if not equal:
            return False
    return True


def _finite(plane: npt.NDArray) -> npt.NDArray:
    """Return the plane as Slicer loads it: 0 where a value is not a finite number."""
    return np.where(np.isfinite(plane), plane, 0)
