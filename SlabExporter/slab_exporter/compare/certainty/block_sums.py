"""Sums over small blocks of both volumes, from which motion, structure and noise are judged (``motion``).

Per voxel of OTHER, in its order: P, what REFERENCE predicts for it; r = OTHER - P; g, the gradient of P
per voxel along i, j, k; hP and hO, what stands out from the mean of the six neighbours in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ...core.index_map import Three
from ..cross_correlation import centre_value, finite
from ..regression import shape_of
from .response import Placed

Float32Array = npt.NDArray[np.float32]

# The g.g products in the order in which they are summed.
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_LEAST_EDGE, _MOST_BLOCKS = 6, 32
# Voxels that are worked on at a time: small enough for a processor's cache.
_AT_ONCE = 400_000


@dataclass(frozen=True)
class BlockSums:
    """Sums over the blocks; each array is (blocks along i, along j, along k), with further axes behind.

    Attributes:
        edges: where blocks begin and end along i, j, k of OTHER.
        count: voxels whose residual is within the tolerance.
        rr: of r ** 2.
        gr: of g * r; (..., 3).
        gg: of products of g, as PAIRS; (..., 6).
        lag: of r times its neighbour's along i, j, k; (..., 3).
        fine_count: voxels with all neighbours in place.
        fine: of hP * hO, hP ** 2, hO ** 2, hP ** 4; (..., 4).
        telling: voxels where a motion by half a voxel would show.
        changed: those of them whose residual is beyond the tolerance.
        outside: all voxels whose residual is beyond the tolerance.
    """

    edges: tuple[npt.NDArray[np.intp], ...]
    count: FloatArray
    rr: FloatArray
    gr: FloatArray
    gg: FloatArray
    lag: FloatArray
    fine_count: FloatArray
    fine: FloatArray
    telling: FloatArray
    changed: FloatArray
    outside: FloatArray

    @property
    def size(self) -> FloatArray:
        """Voxels in each block."""
        i, j, k = (np.diff(e).astype(float) for e in self.edges)
        return i[:, None, None] * j[:, None] * k

    def box(self, block: npt.NDArray[np.intp]) -> Box:
        """A block's voxels, in OTHER's indices."""
        start, stop = (tuple(int(e[n + s]) for e, n in zip(self.edges, block, strict=True)) for s in (0, 1))
        return Box(start, stop)  # type: ignore[arg-type]

    def merged(self, by: int) -> BlockSums:
        """Return the sums over larger blocks, of so many small ones along each axis."""
        starts = [np.arange(0, len(e) - 1, by) for e in self.edges]
        edges = tuple(np.append(e[s], e[-1]) for e, s in zip(self.edges, starts, strict=True))
        sums = {}
        for name, array in self.__dict__.items():
            if name != "edges":
                for axis, start in enumerate(starts):
                    array = np.add.reduceat(array, start, axis=axis)
                sums[name] = array
        return BlockSums(edges, **sums)


_FIELDS = {
    "count": 1,
    "rr": 1,
    "gr": 3,
    "gg": 6,
    "lag": 3,
    "fine_count": 1,
    "fine": 4,
    "telling": 1,
    "changed": 1,
    "outside": 1,
}


def block_sums(placed: Placed, only: Box | None = None) -> BlockSums:
    """Sum over voxels of OTHER.

    Args:
        placed: OTHER inside REFERENCE.
        only: sum over blocks in and near this box of OTHER, in its indices; the rest stays 0. None: over all.
    """
    other = placed.other
    edges = tuple(_block_edges(n) for n in other.shape)
    shape = tuple(len(e) - 1 for e in edges)
    total = np.zeros((*shape, sum(_FIELDS.values())))
    pair = _Pair(placed)
    for blocks in _groups(edges):
        box = Box(*(tuple(int(e[at]) for e, at in zip(edges, ends, strict=True)) for ends in zip(*blocks, strict=True)))  # type: ignore[arg-type]
        if only is not None and box.intersection(only).is_empty:
            continue
        inner = [e[a:b] - e[a] for e, (a, b) in zip(edges, blocks, strict=True)]
        fields = pair.fields(box)
        at = tuple(slice(a, b) for a, b in blocks)
        for n, field in enumerate(fields):
            total[at + (n,)] = _summed(field, inner)
    sums, n = {}, 0
    for name, width in _FIELDS.items():
        sums[name] = total[..., n] if width == 1 else total[..., n : n + width]
        n += width
    return BlockSums(edges, **sums)


def _block_edges(length: int) -> npt.NDArray[np.intp]:
    count = min(length, _MOST_BLOCKS, max(3, length // _LEAST_EDGE))
    return np.linspace(0, length, count + 1).astype(np.intp)


def _groups(edges: tuple[npt.NDArray[np.intp], ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Ranges of blocks along each axis that are worked on at a time."""
    size = float(np.prod([e[-1] for e in edges]))
    steps = [len(e) - 1 for e in edges]
    while size > _AT_ONCE and max(steps) > 1:
        axis = int(np.argmax(steps))
        size *= -(-steps[axis] // 2) / steps[axis]
        steps[axis] = -(-steps[axis] // 2)
    ranges = [
        [(a, min(a + step, len(e) - 1)) for a in range(0, len(e) - 1, step)]
        for e, step in zip(edges, steps, strict=True)
    ]
    return product(*ranges)


def _summed(field: npt.NDArray, starts: list[npt.NDArray[np.intp]]) -> FloatArray:
    # over the slowest axis first, plane upon plane
    ends = [*starts[2][1:], field.shape[2]]
    layers = [field[:, :, a:b].sum(axis=2, dtype=np.float32) for a, b in zip(starts[2], ends, strict=True)]
    result = np.stack(layers, axis=2).astype(np.float64)
    for axis in (1, 0):
        result = np.add.reduceat(result, starts[axis], axis=axis)
    return result


class _Pair:
    """Both volumes in OTHER's order, and what is summed over a box of them."""

    def __init__(self, placed: Placed) -> None:
        reference, other = placed.reference, placed.other
        self._reference, self._other, self._map, self._response = reference, other, placed.map, placed.response
        self._whole = Box((0, 0, 0), shape_of(other))
        self._known = placed.map.inverse().box(shape_of(reference))
        self._centre = centre_value(other)
        self._has_gaps = "f" in (reference.dtype.kind, other.dtype.kind)
        self._fine_axes = tuple(axis for axis in range(3) if other.shape[axis] >= 3)

    def fields(self, box: Box) -> Iterator[npt.NDArray]:
        """Return the fields to be summed, in the order of ``_FIELDS``."""
        around = Box(_moved(box.start, -1), _moved(box.stop, 1))
        there, here = around.intersection(self._known), around.intersection(self._whole)
        predicted, values = self._predicted(there), self._values(here)
        inner, own = within(box, there), within(box, here)
        residual = values[own] - predicted[inner]
        gradient = [_slope(predicted, axis)[inner] for axis in range(3)]
        fits = np.abs(residual) <= self._response.tolerance
        every = bool(fits.all())
        weight = None if every else self._weight(residual, fits)
        kept = residual if weight is None else residual * weight
        sloped = gradient if weight is None else [g * weight for g in gradient]
        yield fits
        yield residual * kept
        yield from (g * kept for g in gradient)
        yield from (sloped[a] * gradient[b] for a, b in PAIRS)
        yield from (_with_next(kept, axis) for axis in range(3))
        yield from self._fine_fields(predicted[within(here, there)], values, box, here, None if every else fits)
        i, j, k = (g * g for g in gradient)
        telling = i + j + k > 4 * self._response.tolerance**2
        yield telling
        yield telling & ~fits
        yield ~fits

    def _weight(self, residual: Float32Array, fits: npt.NDArray[np.bool_]) -> Float32Array:
        """1 within the tolerance, less beyond it (Huber 1964): what was edited counts little, edges that moved do."""
        size = np.maximum(np.abs(residual), np.float32(1e-30))
        return np.where(fits, np.float32(1), np.float32(self._response.tolerance) / size)

    def _fine_fields(
        self, predicted: Float32Array, values: Float32Array, box: Box, here: Box, fits: npt.NDArray[np.bool_] | None
    ) -> Iterator[npt.NDArray]:
        """What stands out from the neighbours, where all of them lie inside OTHER."""
        ends = [(max(a, 1), min(b, n - 1)) if axis in self._fine_axes else (a, b)
                for axis, (a, b, n) in enumerate(zip(box.start, box.stop, self._whole.shape, strict=True))]  # fmt: skip
        valid = Box(*(tuple(e[at] for e in ends) for at in (0, 1)))  # type: ignore[arg-type]
        if valid.is_empty or not self._fine_axes:
            yield from (np.zeros(box.shape, np.float32, order="F") for _ in range(5))
            return
        core, place = within(valid, here), within(valid, box)
        weight = np.zeros(box.shape, np.float32, order="F")
        weight[place] = 1
        if fits is not None:
            weight *= _eroded(fits)
        a, b = (np.zeros(box.shape, np.float32, order="F") for _ in range(2))
        a[place], b[place] = (_standing_out(array, core, self._fine_axes) for array in (predicted, values))
        a, b = a * weight, b * weight
        squared = a * a
        yield from (weight, a * b, squared, b * b, squared * squared)

    def _predicted(self, box: Box) -> Float32Array:
        part = self._map.part(box.start).arranged(self._reference, box.shape)
        return self._about_centre(self._response.predicted(finite(part, np.nan)))

    def _values(self, box: Box) -> Float32Array:
        return self._about_centre(finite(self._other[slices_ijk(box)], np.nan))

    def _about_centre(self, values: FloatArray) -> Float32Array:
        values -= self._centre
        small = values.astype(np.float32, order="F")
        if self._has_gaps:
            small[~np.isfinite(small)] = 0
        return small


def _moved(ijk: Three, by: int) -> Three:
    return ijk[0] + by, ijk[1] + by, ijk[2] + by


def slices_ijk(box: Box) -> tuple[slice, ...]:
    """Index of a box in an IJK array."""
    return tuple(slice(a, b) for a, b in zip(box.start, box.stop, strict=True))


def within(box: Box, outer: Box) -> tuple[slice, ...]:
    """Index of a box in an array that holds the outer one."""
    return tuple(slice(a - s, b - s) for a, b, s in zip(box.start, box.stop, outer.start, strict=True))


def _slope(values: Float32Array, axis: int) -> Float32Array:
    """Central differences, one-sided at the ends; 0 along an axis of one voxel."""
    if values.shape[axis] == 1:
        return np.zeros_like(values)
    lines, result = np.moveaxis(values, axis, 0), np.empty_like(values)
    slopes = np.moveaxis(result, axis, 0)
    np.subtract(lines[2:], lines[:-2], out=slopes[1:-1])
    slopes[1:-1] *= np.float32(0.5)
    slopes[0], slopes[-1] = lines[1] - lines[0], lines[-1] - lines[-2]
    return result


def _with_next(values: Float32Array, axis: int) -> Float32Array:
    lines, result = np.moveaxis(values, axis, 0), np.zeros_like(values)
    np.moveaxis(result, axis, 0)[:-1] = lines[:-1] * lines[1:]
    return result


def _standing_out(values: Float32Array, core: tuple[slice, ...], axes: tuple[int, ...]) -> Float32Array:
    around = np.zeros_like(values[core])
    for axis in axes:
        for step in (-1, 1):
            at = list(core)
            at[axis] = slice(core[axis].start + step, core[axis].stop + step)
            around += values[tuple(at)]
    around /= np.float32(-2 * len(axes))
    around += values[core]
    return around


def _eroded(fits: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Voxels that fit, and whose neighbours do."""
    result = fits.copy()
    for axis in range(3):
        target, lines = np.moveaxis(result, axis, 0), np.moveaxis(fits, axis, 0)
        target[1:] &= lines[:-1]
        target[:-1] &= lines[1:]
    return result
