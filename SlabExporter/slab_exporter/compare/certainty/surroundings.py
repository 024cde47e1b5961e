"""Whether what changed in a block is what REFERENCE holds nearby: motion; or something that it does not: an edit."""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ..cross_correlation import finite
from ..regression import shape_of
from .block_sums import slices_ijk, within
from .response import Placed

# Voxels within which a value is looked for.
_REACH = 2
# Half voxels by which a block's picture may have moved: all up to one voxel, and whole voxels up to two.
_HALF_STEPS = sorted({*product(range(-2, 3), repeat=3), *product(range(-4, 5, 2), repeat=3)} - {(0, 0, 0)})
# Part of the residual that may be left when the picture moved: of the changed voxels, and of the whole block.
_EXPLAINED, _EXPLAINED_IN_ALL = 0.5, 0.8


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
    def _changed(self) -> npt.NDArray[np.bool_]:
        return np.abs(self._values - self._predicted(self._block)) > self._tolerance

    @cached_property
    def _around(self) -> Box:
        start, stop = (tuple(v + by for v in ends) for ends, by in zip(self._ends, (-_REACH, _REACH), strict=True))
        return Box(start, stop).intersection(self._known)  # type: ignore[arg-type]

    @property
    def changed(self) -> int:
        """Number of voxels beyond the tolerance."""
        return int(np.count_nonzero(self._changed))

    @cached_property
    def nearby(self) -> int:
        """Number of those whose values lie between the ones that REFERENCE predicts close by."""
        values, inner = self._predicted(self._around), within(self._block, self._around)
        low, high = (_extreme(values, function)[inner] for function in (np.minimum, np.maximum))
        nearby = (self._values >= low - self._tolerance) & (self._values <= high + self._tolerance)
        return int(np.count_nonzero(nearby & self._changed))

    @cached_property
    def shift(self) -> tuple[float, float, float]:
        """Motion of OTHER's picture along i, j, k, in half voxels; zeros where none explains what changed."""
        wide = _doubled(self._predicted(self._around))
        offset = [2 * (b - a) for a, b in zip(self._around.start, self._block.start, strict=True)]
        found, changed = (0.0, 0.0, 0.0), self._changed
        first = np.abs(self._values - self._predicted(self._block))
        least = _EXPLAINED * float(first[changed].sum())
        for shift in _HALF_STEPS:
            start = [o + s for o, s in zip(offset, shift, strict=True)]
            stop = [s + 2 * (n - 1) + 1 for s, n in zip(start, self._block.shape, strict=True)]
            if min(start) < 0 or any(b > n for b, n in zip(stop, wide.shape, strict=True)):
                continue
            there = wide[tuple(slice(a, b, 2) for a, b in zip(start, stop, strict=True))]
            residual = np.abs(self._values - there)
            # what did not change must not speak against the motion
            if residual[changed].sum() < least and residual.sum() < _EXPLAINED_IN_ALL * first.sum():
                least, found = float(residual[changed].sum()), (-shift[0] / 2, -shift[1] / 2, -shift[2] / 2)
        return found

    def _predicted(self, box: Box) -> FloatArray:
        part = self._placed.map.part(box.start).arranged(self._placed.reference, box.shape)
        return self._placed.response.predicted(finite(part, 0.0))


def _doubled(values: FloatArray) -> FloatArray:
    """Twice as many samples along each axis, by means of neighbours."""
    for axis in range(3):
        lines = np.moveaxis(values, axis, 0)
        result = np.empty((2 * len(lines) - 1, *lines.shape[1:]))
        result[::2], result[1::2] = lines, (lines[:-1] + lines[1:]) / 2
        values = np.moveaxis(result, 0, axis)
    return values


def _extreme(values: FloatArray, function: np.ufunc) -> FloatArray:
    """Return the least or largest value within reach, a cube about each voxel."""
    result = values
    for axis in range(3):
        for _ in range(_REACH):
            lines = np.moveaxis(result, axis, 0)
            widest = lines.copy()
            widest[1:] = function(widest[1:], lines[:-1])
            widest[:-1] = function(widest[:-1], lines[1:])
            result = np.moveaxis(widest, 0, axis)
    return result
