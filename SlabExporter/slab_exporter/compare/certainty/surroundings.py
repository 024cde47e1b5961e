"""Whether what changed in a block is what REFERENCE holds nearby: motion; or something that it does not: an edit."""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np

from ...core.geometry import Box, FloatArray
from ...core.index_map import Three
from ..cross_correlation import finite
from ..regression import shape_of
from .block_sums import slices_ijk, within
from .intensity import Placed

# Voxels within which a value is looked for, and how far a block's picture is followed.
_REACH, _FARTHEST = 2, 6
# Part of the changed voxels whose value must stand nearby for a motion to be possible.
_NEARBY = 0.7


class Surroundings:
    """A block of OTHER and REFERENCE around it.

    Args:
        placed: OTHER inside REFERENCE.
        block: in OTHER's indices.
    """

    def __init__(self, placed: Placed, block: Box) -> None:
        self._placed, self._block = placed, block
        self._ends = (block.start, block.stop)
        self._known = placed.map.inverse().box(shape_of(placed.reference))
        self._tolerance = placed.response.tolerance
        self._values = finite(placed.other[slices_ijk(block)], 0.0)

    @cached_property
    def may_have_moved(self) -> bool:
        """Whether most of the changed voxels have values between those that REFERENCE predicts close by."""
        changed = np.abs(self._values - self._predicted(self._block)) > self._tolerance
        start, stop = (tuple(v + by for v in ends) for ends, by in zip(self._ends, (-_REACH, _REACH), strict=True))
        around = Box(start, stop).intersection(self._known)  # type: ignore[arg-type]
        values = self._predicted(around)
        low, high = (_extreme(values, function)[within(self._block, around)] for function in (np.minimum, np.maximum))
        nearby = (self._values >= low - self._tolerance) & (self._values <= high + self._tolerance)
        return bool(np.count_nonzero(nearby & changed) >= _NEARBY * np.count_nonzero(changed))

    def shift(self) -> tuple[float, float, float]:
        """How far OTHER's picture moved along i, j, k, in whole voxels; zeros where it could not be followed."""
        found: Three = (0, 0, 0)
        least = self._residual(found)
        for _ in range(_FARTHEST):
            near = [_stepped(found, axis, step) for axis, step in product(range(3), (-1, 1))]
            residuals = [self._residual(shift) for shift in near]
            best = int(np.argmin(residuals))
            if residuals[best] >= least:
                break
            found, least = near[best], residuals[best]
        return -float(found[0]), -float(found[1]), -float(found[2])

    def _residual(self, shift: Three) -> float:
        """Sum of residuals beyond the tolerance, with REFERENCE read that far away; infinite beyond its edges."""
        ends = [tuple(v + s for v, s in zip(e, shift, strict=True)) for e in self._ends]
        box = Box(*ends)  # type: ignore[arg-type]
        if box.intersection(self._known) != box:
            return np.inf
        residual = np.abs(self._values - self._predicted(box))
        return float(np.maximum(residual - self._tolerance, 0).sum())

    def _predicted(self, box: Box) -> FloatArray:
        part = self._placed.map.part(box.start).arranged(self._placed.reference, box.shape)
        return self._placed.response.predicted(finite(part, 0.0))


def _stepped(shift: Three, axis: int, step: int) -> Three:
    i, j, k = (value + step * (n == axis) for n, value in enumerate(shift))
    return i, j, k


def _extreme(values: FloatArray, function: np.ufunc) -> FloatArray:
    """The least or largest value within reach, a cube about each voxel."""
    result = values
    for axis in range(3):
        for _ in range(_REACH):
            lines = np.moveaxis(result, axis, 0)
            widest = lines.copy()
            widest[1:] = function(widest[1:], lines[:-1])
            widest[:-1] = function(widest[:-1], lines[1:])
            result = np.moveaxis(widest, 0, axis)
    return result
