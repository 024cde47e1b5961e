"""Stored numbers into values: slope and intercept, with whole numbers staying whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def native(stored: npt.NDArray) -> npt.NDArray:
    """The same values, aligned and in this machine's byte order; a copy only where needed."""
    return np.require(stored, stored.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED"])


def scaled(stored: npt.NDArray, slope: float, inter: float) -> npt.NDArray:
    """``stored * slope + inter``, in an integer type where slope and intercept are whole.

    Integers stay in their own type if the values fit, otherwise in the smallest of int16, int32
    and int64 that holds them. Fractions are computed in float64 and kept as float32 for integers
    of up to 16 bits, as float64 for wider ones.
    """
    count = len(stored)
    return scaled_planes(stored, (slope,) * count, (inter,) * count)


def scaled_planes(stored: npt.NDArray, slopes: tuple[float, ...], inters: tuple[float, ...]) -> npt.NDArray:
    """``scaled`` with a slope and an intercept for each plane ``stored[k]``, in one type for all."""
    if set(slopes) <= {1.0} and set(inters) <= {0.0}:
        return stored
    if stored.dtype.kind in "iu" and all(float(n).is_integer() for n in (*slopes, *inters)):
        dtype = _whole_type(stored, slopes, inters)
        if dtype is not None:
            return _scaled_whole(stored, slopes, inters, dtype)
    wide = stored.dtype.itemsize > 2 and stored.dtype != np.float32
    result = np.empty(stored.shape, np.float64 if wide else np.float32)
    for k, plane in enumerate(stored):
        result[k] = plane.astype(np.float64) * slopes[k] + inters[k]
    return result


def _whole_type(stored: npt.NDArray, slopes: tuple[float, ...], inters: tuple[float, ...]) -> np.dtype | None:
    """The type that holds every scaled value, or None where not even int64 does."""
    smallest, largest = _ends(stored, slopes, inters)
    for dtype in (stored.dtype, np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)):
        limits = np.iinfo(dtype)
        if limits.min <= smallest and largest <= limits.max:
            return dtype
    return None


def _ends(stored: npt.NDArray, slopes: tuple[float, ...], inters: tuple[float, ...]) -> tuple[int, int]:
    scales = [(int(a), int(b)) for a, b in zip(slopes, inters, strict=True)]
    if len(set(scales)) == 1:
        slope, inter = scales[0]
        ends = [int(stored.min()) * slope + inter, int(stored.max()) * slope + inter]
    else:
        ends = [
            int(end) * slope + inter
            for plane, (slope, inter) in zip(stored, scales, strict=True)
            for end in (plane.min(), plane.max())
        ]
    return min(ends), max(ends)


def _scaled_whole(
    stored: npt.NDArray, slopes: tuple[float, ...], inters: tuple[float, ...], dtype: np.dtype
) -> npt.NDArray:
    result = np.empty(stored.shape, dtype)
    for k, plane in enumerate(stored):
        # int64 in between, so that a step outside the narrow type does no harm
        result[k] = plane.astype(np.int64) * int(slopes[k]) + int(inters[k])
    return result
