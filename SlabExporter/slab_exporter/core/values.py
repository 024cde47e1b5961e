"""Values of voxels: from stored numbers by slope and intercept, statistics, fill values, and what labels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError


def native(stored: npt.NDArray) -> npt.NDArray:
    """Return the same values, aligned and in this machine's byte order; a copy only where needed."""
    return np.require(stored, stored.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED"])


def scaled(stored: npt.NDArray, slope: float, inter: float) -> npt.NDArray:
    """Return ``stored * slope + inter``, in an integer type where slope and intercept are whole.

    Integers stay in their own type if the values fit, otherwise in the smallest of int16, int32
    and int64 that holds them. Fractions are computed in float64 and kept as float32 for integers
    of up to 16 bits, as float64 for wider ones.
    """
    count = len(stored)
    return scaled_planes(stored, (slope,) * count, (inter,) * count)


def scaled_planes(stored: npt.NDArray, slopes: tuple[float, ...], inters: tuple[float, ...]) -> npt.NDArray:
    """Return ``scaled`` with a slope and an intercept for each plane ``stored[k]``, in one type for all."""
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


# Label maps with values up to this are counted value by value.
LARGEST_LABEL = 65535


def image_statistics(voxels_kji: npt.NDArray) -> dict[str, Any]:
    """Return smallest, largest and mean value; NaN is left out and counted."""
    if voxels_kji.dtype.kind == "f":
        nan = int(np.count_nonzero(np.isnan(voxels_kji)))
        if nan == voxels_kji.size:
            return {"min": None, "max": None, "mean": None, "nan": nan}
        with np.errstate(invalid="ignore"):  # of both infinities there is no mean
            mean = np.nanmean(voxels_kji, dtype=np.float64)
        result = {"min": _number(np.nanmin(voxels_kji)), "max": _number(np.nanmax(voxels_kji)), "mean": _number(mean)}
        return result | ({"nan": nan} if nan else {})
    return {
        "min": int(voxels_kji.min()),
        "max": int(voxels_kji.max()),
        "mean": float(voxels_kji.mean(dtype=np.float64)),
    }


def label_counts(voxels_kji: npt.NDArray) -> dict[str, int] | None:
    """Return the number of voxels of each value but 0, by value; None where the values are not those of a label map."""
    if voxels_kji.dtype.kind not in "iu" or voxels_kji.min() < 0 or voxels_kji.max() > LARGEST_LABEL:
        return None
    counts = np.zeros(int(voxels_kji.max()) + 1, np.int64)
    for plane in voxels_kji:
        counts += np.bincount(plane.reshape(-1), minlength=len(counts))
    return {str(value): int(counts[value]) for value in np.flatnonzero(counts) if value != 0}


def label_values(voxels_kji: npt.NDArray) -> set[float]:
    """Return the values of a label map but 0 and NaN.

    >>> sorted(label_values(np.array([[[0, 3, 3, 1]]])))
    [1.0, 3.0]
    """
    counts = label_counts(voxels_kji)
    if counts is not None:
        return {float(value) for value in counts}
    return {float(value) for value in np.unique(voxels_kji) if value != 0 and not np.isnan(value)}


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


# Hounsfield units: air is -1000 by definition; scanners store down to -1024, and less outside
# their field of view.
LOWEST_AIR = -1024
LOOKS_LIKE_CT = -500


def fill_value(asked: float | None, voxels: npt.NDArray) -> float:
    """Return the value to pad with, the same for all slabs of a volume.

    Args:
        asked: the user's value; None for "auto": air for a CT-like volume (its smallest value, but
            not below -1024), 0 for any other. CT-like is a volume that holds values of -500 or less.
        voxels: of the whole volume.

    Raises:
        RequestError: the volume's type cannot hold the value.
    """
    if asked is None:
        lowest = lowest_value(voxels)
        return max(lowest, float(LOWEST_AIR)) if lowest <= LOOKS_LIKE_CT else 0.0
    if voxels.dtype.kind in "iu":
        limits = np.iinfo(voxels.dtype)
        if not float(asked).is_integer() or not limits.min <= asked <= limits.max:
            raise RequestError(
                f"The fill value {asked:g} does not fit into the volume's type {voxels.dtype.name} "
                f"({limits.min} to {limits.max}, whole numbers)."
            )
    elif np.isfinite(asked) and abs(asked) > (largest := float(np.finfo(voxels.dtype).max)):
        raise RequestError(
            f"The fill value {asked:g} does not fit into the volume's type {voxels.dtype.name} "
            f"({-largest:g} to {largest:g})."
        )
    return float(asked)


def lowest_value(voxels: npt.NDArray) -> float:
    """Return the smallest value that is not NaN; NaN where there is none."""
    reduce: Any = np.fmin.reduce
    return float(reduce(voxels, axis=None))


# Examples of values in a sentence.
_MOST_EXAMPLES = 3
# Atlases have hundreds of labels; an image, or a map of distances, has more values. Counting ends at some point.
MOST_LABELS, _ENOUGH_VALUES = 1000, 10000


def label_objection(voxels_kji: npt.NDArray) -> str | None:
    """Return why the values are not those of a label map, as the end of a sentence; None where they are.

    >>> label_objection(np.array([[[0.0, 0.988, 1.976, np.nan]]]))
    'holds 0.988, 1.976 (fractions) and 1 NaN'
    >>> label_objection(np.array([[[0, -1, 1]]]))
    'holds -1 (negative)'
    """
    found = _fractions(voxels_kji) if voxels_kji.dtype.kind == "f" else _whole(voxels_kji)
    return f"holds {' and '.join(found)}" if found else None


def _fractions(voxels_kji: npt.NDArray) -> list[str]:
    fractions: set[float] = set()
    missing, lowest = 0, 0.0
    for plane in voxels_kji:
        finite = np.isfinite(plane)
        missing += plane.size - int(np.count_nonzero(finite))
        lowest = min(lowest, float(np.min(plane, where=finite, initial=0)))
        if len(fractions) <= _MOST_EXAMPLES:
            fractions.update(np.unique(plane[finite & (plane != np.rint(plane))]).tolist())
    found = []
    if fractions:
        shown = [f"{value:.4g}" for value in sorted(fractions)[:_MOST_EXAMPLES]]
        more = " ..." if len(fractions) > _MOST_EXAMPLES else ""
        found.append(f"{', '.join(shown)}{more} (fractions)")
    elif lowest < 0:
        found.append(f"{lowest:.4g} (negative)")
    if missing:
        found.append(f"{missing} NaN")
    return found


def _whole(voxels_kji: npt.NDArray) -> list[str]:
    lowest, highest = int(voxels_kji.min()), int(voxels_kji.max())
    found = [f"{lowest} (negative)"] if lowest < 0 else []
    if highest - lowest < MOST_LABELS:
        return found
    values: set[int] = set()
    for plane in voxels_kji:
        values.update(np.unique(plane).tolist())
        if len(values) > _ENOUGH_VALUES:
            break
    if len(values) > MOST_LABELS:
        more = "more than " if len(values) > _ENOUGH_VALUES else ""
        found.append(f"{more}{min(len(values), _ENOUGH_VALUES)} different values")
    return found
