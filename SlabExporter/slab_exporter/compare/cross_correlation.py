"""Small versions of large arrays, and where one array fits best into another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.geometry import FloatArray

# A patch whose variance is this small a part of the whole's says nothing.
_FLAT = 1e-10
# Sums of fourth powers of values of up to 2 ** 200 stay far from float64's limit, 2 ** 1024.
_EXTREME_EXPONENT = 200


def area_edges(count: int, length: int) -> FloatArray:
    """Edges that divide ``length`` samples into ``count`` equal parts, not necessarily at whole samples.

    Reversing the samples reverses the parts, whatever the lengths.
    """
    return np.arange(count + 1, dtype=np.float64) * (length / count)


def block_edges(step: int, length: int) -> FloatArray:
    """Edges of whole blocks of ``step`` samples from the start; what is left over is in no block."""
    return np.arange(length // step + 1, dtype=np.float64) * step


def averaged(array: FloatArray, axis: int, edges: FloatArray) -> FloatArray:
    """Means between edges along an axis; a sample that an edge divides counts in part on each side.

    By running sums: matrix products would start as many threads as the machine has cores, for
    matrices that are far too small for them.
    """
    lines = np.moveaxis(array, axis, 0)
    total = np.zeros((lines.shape[0] + 1, *lines.shape[1:]))
    np.cumsum(lines, axis=0, out=total[1:])
    low = np.minimum(np.floor(edges).astype(int), lines.shape[0])
    part = (edges - low).reshape(-1, *([1] * (lines.ndim - 1)))
    at_edges = total[low] + part * (total[np.minimum(low + 1, lines.shape[0])] - total[low])
    widths = np.diff(edges).reshape(part[1:].shape)
    return np.moveaxis(np.diff(at_edges, axis=0) / widths, 0, axis)


def reduced(array: npt.NDArray, edges: Sequence[FloatArray | None], empty: float) -> FloatArray:
    """The array averaged between edges along each axis; None leaves an axis as it is.

    Args:
        array: three axes.
        edges: one array an axis.
        empty: stands in for values that are not finite.
    """
    # Slice by slice along the axis that is slowest in memory: no second copy of the whole.
    slowest = int(np.argmax(np.abs(array.strides)))
    others = [axis for axis in range(3) if axis != slowest]
    planes = []
    for plane in np.moveaxis(array, slowest, 0):
        small = finite(plane, empty)
        for n, axis in enumerate(others):
            along = edges[axis]
            small = small if along is None else averaged(small, n, along)
        planes.append(small)
    stacked, last = np.stack(planes), edges[slowest]
    if last is not None:
        stacked = averaged(stacked, 0, last)
    return np.ascontiguousarray(np.moveaxis(stacked, 0, slowest))


def finite(array: npt.NDArray, empty: float) -> FloatArray:
    """As float64, with ``empty`` for values that are not finite."""
    result = array.astype(np.float64)
    if array.dtype.kind == "f":
        bad = ~np.isfinite(result)
        if bad.any():
            result[bad] = empty
    return result


def centre_value(array: npt.NDArray) -> float:
    """Mean of the finite values among some thousands of voxels."""
    steps = tuple(slice(None, None, max(1, n // 24)) for n in array.shape)
    sample = array[steps].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    return float(sample.mean()) if sample.size else 0.0


def moderate(a: npt.NDArray, b: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray, float]:
    """Two arrays divided by one power of two, and that power, so that squares neither overflow nor vanish.

    Values that were equal stay equal. Arrays of ordinary values are returned as they are, with 1.
    """
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":  # not even 64 bits reach far enough
        return a, b, 1.0
    largest = max(_largest_magnitude(array) for array in (a, b))
    exponent = int(np.frexp(largest)[1]) - 1
    if largest == 0 or abs(exponent) < _EXTREME_EXPONENT:
        return a, b, 1.0
    return np.ldexp(a.astype(np.float64), -exponent), np.ldexp(b.astype(np.float64), -exponent), 2.0**exponent


def _largest_magnitude(array: npt.NDArray) -> float:
    largest = 0.0
    for plane in np.moveaxis(array, int(np.argmax(np.abs(array.strides))), 0):
        values = plane[np.isfinite(plane)]
        if values.size:
            largest = max(largest, abs(float(values.max())), abs(float(values.min())))
    return largest


class PatchFinder:
    """Correlates patches of one shape with the pieces of a whole at every offset.

    Args:
        whole: three axes.
        shape: of the patches: as long as the whole along the axes that are not searched.
        searched: axes along which a patch may lie anywhere inside the whole.
    """

    def __init__(self, whole: FloatArray, shape: tuple[int, ...], searched: tuple[int, ...]) -> None:
        self._searched = searched
        self._fixed = tuple(axis for axis in range(3) if axis not in searched)
        self._whole = whole - whole.mean()
        self._valid = tuple(slice(0, n - m + 1) for n, m in zip(whole.shape, shape, strict=True))
        self._lengths = [_fast_length(whole.shape[axis]) for axis in searched]
        if searched:
            self._spectrum = np.fft.rfftn(self._whole, s=self._lengths, axes=searched)
        sums = _window_sums(self._whole.sum(axis=self._fixed, keepdims=True), shape, searched)
        squares = _window_sums((self._whole**2).sum(axis=self._fixed, keepdims=True), shape, searched)
        size = int(np.prod(shape))
        variance = squares - sums * sums / size
        flat = variance <= _FLAT * float(np.sum(self._whole**2)) * size / whole.size
        self._scale = np.where(flat, 0.0, 1 / np.sqrt(np.where(flat, 1.0, variance)))

    def correlations(self, patch: FloatArray) -> FloatArray:
        """Correlation coefficient at every offset; length 1 along axes that are not searched; 0 where flat."""
        patch = patch - patch.mean()
        norm = float(np.sum(patch * patch))
        if norm <= 0:
            return np.zeros(self._scale.shape)
        if self._searched:
            spectrum = np.conj(np.fft.rfftn(patch, s=self._lengths, axes=self._searched))
            product = (self._spectrum * spectrum).sum(axis=self._fixed, keepdims=True)
            matched = np.fft.irfftn(product, s=self._lengths, axes=self._searched)[self._valid]
        else:
            matched = np.sum(self._whole * patch, keepdims=True)
        result: FloatArray = np.clip(matched * self._scale / np.sqrt(norm), -1, 1)
        return result


def _fast_length(length: int) -> int:
    """Return the next length without prime factors above 5, for which the Fourier transform is fast."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def _window_sums(values: FloatArray, window: tuple[int, ...], axes: tuple[int, ...]) -> FloatArray:
    for axis in axes:
        total = np.cumsum(values, axis=axis)
        total = np.concatenate([np.zeros_like(np.take(total, [0], axis=axis)), total], axis=axis)
        length = total.shape[axis]
        upper = np.take(total, range(window[axis], length), axis=axis)
        values = upper - np.take(total, range(length - window[axis]), axis=axis)
    return values
