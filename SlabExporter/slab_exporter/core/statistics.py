"""Numbers about the voxels of a slab, for people who look through a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Label maps with values up to this are counted value by value.
LARGEST_LABEL = 65535


def image_statistics(voxels_kji: npt.NDArray) -> dict[str, Any]:
    """Smallest, largest and mean value; NaN is left out and counted."""
    if voxels_kji.dtype.kind == "f":
        nan = int(np.count_nonzero(np.isnan(voxels_kji)))
        if nan == voxels_kji.size:
            return {"min": None, "max": None, "mean": None, "nan": nan}
        result = {
            "min": _number(np.nanmin(voxels_kji)),
            "max": _number(np.nanmax(voxels_kji)),
            "mean": _number(np.nanmean(voxels_kji, dtype=np.float64)),
        }
        return result | ({"nan": nan} if nan else {})
    return {
        "min": int(voxels_kji.min()),
        "max": int(voxels_kji.max()),
        "mean": float(voxels_kji.mean(dtype=np.float64)),
    }


def label_counts(voxels_kji: npt.NDArray) -> dict[str, int] | None:
    """Voxels of each value but 0, by value; None where the values are not those of a label map."""
    if voxels_kji.dtype.kind not in "iu" or voxels_kji.min() < 0 or voxels_kji.max() > LARGEST_LABEL:
        return None
    counts = np.zeros(int(voxels_kji.max()) + 1, np.int64)
    for plane in voxels_kji:
        counts += np.bincount(plane.reshape(-1), minlength=len(counts))
    return {str(value): int(counts[value]) for value in np.flatnonzero(counts) if value != 0}


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
