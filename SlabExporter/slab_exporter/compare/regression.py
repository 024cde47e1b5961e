"""Weighing placements against one another by the values that they predict.

Two placements are weighed by their residuals: B = slope * A(placement) + intercept + noise, each with
the slope and intercept that suit it best. Let e and f be the residuals of the best placement and of a
rival; f - e is the difference of what the two predict. If the best one is true, e is mere noise and
independent of it, so that ``(<f, f> - <e, e>) / <f - e, f - e>`` is 1; if the rival is true, it is -1;
if the content cannot tell (both volumes are symmetric but for noise of their own), it is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.geometry import Box, FloatArray
from ..core.index_map import IndexMap, Three
from .cross_correlation import centre_value, finite

# See the module's docstring: how far the best placement must lead, between 0 (undecided) and 1.
_LEAST_LEAD = 0.5
# The difference between two placements must have this many times the energy of one voxel's noise.
# A hundred standard deviations, since noise and anatomy are correlated over neighbouring voxels.
LEAST_DIFFERENCE = 1e4
_MOST_SAMPLES = 150_000
_STRUCTURE_EDGE = 64
# Steps of a curve, and samples that it needs.
_STEPS = 64
_LEAST_FOR_CURVE = 5000


@dataclass(frozen=True)
class Regression:
    """OTHER's values as a function of REFERENCE's at a placement.

    Attributes:
        slope: of the straight line that fits best.
        intercept: of that line.
        correlation: coefficient; for a curve, the part of OTHER's spread that it explains (the
            correlation ratio). 0 where either volume is flat.
        values: REFERENCE's, at the sampled voxels.
        residual: of OTHER's.
    """

    slope: float
    intercept: float
    correlation: float
    values: FloatArray
    residual: FloatArray

    @classmethod
    def linear(cls, values: FloatArray, other: FloatArray) -> Regression:
        """A straight line by least squares; both one-dimensional."""
        a, b = values - values.mean(), other - other.mean()
        aa, ab, bb = _dot(a, a), _dot(a, b), _dot(b, b)
        slope = ab / aa if aa > 0 else 0.0
        correlation = float(ab / np.sqrt(aa * bb)) if aa > 0 and bb > 0 else 0.0
        return cls(slope, float(other.mean() - slope * values.mean()), correlation, values, b - slope * a)

    def curved(self, other: FloatArray) -> Regression:
        """Any function instead of a line, as steps: for values that were clipped or windowed."""
        if self.values.size < _LEAST_FOR_CURVE:
            return self
        edges = np.unique(np.quantile(self.values, np.linspace(0, 1, _STEPS + 1)[1:-1]))
        step = np.searchsorted(edges, self.values, side="right")
        count = np.bincount(step, minlength=edges.size + 1)
        means = np.bincount(step, other, edges.size + 1) / np.maximum(count, 1)
        residual = other - means[step]
        spread = float(np.var(other))
        ratio = np.sqrt(max(0.0, 1 - float(np.var(residual)) / spread)) if spread > 0 else 0.0
        return Regression(self.slope, self.intercept, float(ratio), self.values, residual)

    def leads(self, rival: Regression, least: float = LEAST_DIFFERENCE) -> bool:
        """Return whether this placement is true rather than another one, beyond doubt."""
        difference = rival.residual - self.residual
        energy = _dot(difference, difference)
        own = _dot(self.residual, self.residual)
        if energy <= least * own / max(1, self.residual.size - 2) or energy == 0:
            return False
        return (_dot(rival.residual, rival.residual) - own) / energy > _LEAST_LEAD


class Samples:
    """A regular selection of OTHER's voxels, and REFERENCE's at a placement; arrays are IJK."""

    def __init__(self, reference: npt.NDArray, other: npt.NDArray) -> None:
        self._reference = reference
        self._shape = shape_of(other)
        steps = [1, 1, 1]
        while np.prod([-(-n // s) for n, s in zip(other.shape, steps, strict=True)]) > _MOST_SAMPLES:
            steps[int(np.argmax([n / s for n, s in zip(other.shape, steps, strict=True)]))] += 1
        self._at = tuple(slice(None, None, s) for s in steps)
        self._stored = np.ascontiguousarray(other[self._at])
        self._empty = centre_value(reference), centre_value(other)
        self._other = finite(self._stored, self._empty[1]).reshape(-1)

    @property
    def other(self) -> FloatArray:
        """OTHER's values at the sampled voxels."""
        return self._other

    def values(self, index_map: IndexMap) -> FloatArray:
        """REFERENCE's values at the sampled voxels."""
        arranged = index_map.arranged(self._reference, self._shape)
        return finite(arranged[self._at], self._empty[0]).reshape(-1)

    def regression(self, index_map: IndexMap, curved: bool = False) -> Regression:
        """Of OTHER on REFERENCE at a placement."""
        line = Regression.linear(self.values(index_map), self._other)
        return line.curved(self._other) if curved else line


def _dot(a: FloatArray, b: FloatArray) -> float:
    # not "@", which wakes threads for every product
    return float(np.sum(a * b))


def same_values(a: npt.NDArray, b: npt.NDArray) -> bool:
    """Return whether all values are equal; NaN equals NaN."""
    equal = a == b
    return bool(equal.all()) or bool(np.all(equal | ((a != a) & (b != b))))


def equal_everywhere(a: npt.NDArray, b: npt.NDArray) -> bool:
    """Return the same for large arrays, slice by slice along the axis slowest in ``b``."""
    slowest = int(np.argmax(np.abs(b.strides)))
    pairs = zip(np.moveaxis(a, slowest, 0), np.moveaxis(b, slowest, 0), strict=True)
    return all(same_values(one, two) for one, two in pairs)


def residual_structure(reference: npt.NDArray, other: npt.NDArray, index_map: IndexMap, best: Regression) -> float:
    """Correlation of the residuals of neighbouring voxels, in the middle of OTHER."""
    middle = tuple(slice(max(0, n // 2 - _STRUCTURE_EDGE // 2), n // 2 + _STRUCTURE_EDGE // 2 + 1) for n in other.shape)
    a = finite(index_map.arranged(reference, shape_of(other))[middle], 0.0)
    residual = finite(other[middle], 0.0) - best.slope * a - best.intercept
    residual -= residual.mean()
    found = []
    for axis in (n for n in range(3) if residual.shape[n] > 1):
        lines = np.moveaxis(residual, axis, 0)
        energy = float(np.sum(lines * lines))
        found.append(float(np.sum(lines[1:] * lines[:-1])) / energy if energy > 0 else 0.0)
    return float(np.mean(found)) if found else 0.0


def better_neighbour(reference: npt.NDArray, other: npt.NDArray, best: IndexMap) -> IndexMap | None:
    """A placement shifted by one voxel, beyond REFERENCE's edge if need be, that correlates better."""
    whole = Box((0, 0, 0), shape_of(reference))
    for axis in range(3):
        for step in (1, -1):
            origin = list(best.origin)
            origin[axis] += step
            moved = IndexMap(best.axes, best.signs, (origin[0], origin[1], origin[2]))
            if moved.box(shape_of(other)).intersection(whole).is_empty:
                continue
            here, there = overlap_correlation(reference, other, best, moved)
            if 1 - there < 0.9 * (1 - here):
                return moved
    return None


def overlap_correlation(
    reference: npt.NDArray, other: npt.NDArray, one: IndexMap, two: IndexMap
) -> tuple[float, float]:
    """Correlation at two placements, over the voxels of OTHER that lie inside REFERENCE in both."""
    inside = _box_inside(reference, other, one).intersection(_box_inside(reference, other, two))
    steps = [max(1, n // 48) for n in inside.shape]
    at = tuple(slice(a, b, s) for a, b, s in zip(inside.start, inside.stop, steps, strict=True))
    local = tuple(slice(None, None, s) for s in steps)
    values = finite(other[at], 0.0).reshape(-1)
    result = []
    for index_map in (one, two):
        part = index_map.part(inside.start)
        found = finite(part.arranged(reference, inside.shape)[local], 0.0).reshape(-1)
        spread = found.std() * values.std()
        result.append(float(np.mean((found - found.mean()) * (values - values.mean())) / spread) if spread else 0.0)
    return result[0], result[1]


def _box_inside(reference: npt.NDArray, other: npt.NDArray, index_map: IndexMap) -> Box:
    """Return the voxels of OTHER, in its indices, that lie inside REFERENCE."""
    whole = Box((0, 0, 0), shape_of(reference))
    return index_map.inverse().box(whole.shape).intersection(Box((0, 0, 0), shape_of(other)))


def shape_of(array: npt.NDArray) -> Three:
    """Of an array with three axes."""
    return _three(array.shape)


def _three(values: npt.ArrayLike) -> Three:
    a, b, c = (round(float(v)) for v in np.asarray(values))
    return a, b, c
