"""The value of voxels that padding adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError

# Hounsfield units: air is -1000 by definition; scanners store down to -1024, and less outside
# their field of view.
LOWEST_AIR = -1024
LOOKS_LIKE_CT = -500


def fill_value(asked: float | None, voxels: npt.NDArray) -> float:
    """The value to pad with, the same for all slabs of a volume.

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
    """The smallest value that is not NaN; NaN where there is none."""
    reduce: Any = np.fmin.reduce
    return float(reduce(voxels, axis=None))
