"""Whole numbers of 64 bits, with which parts of VTK cannot work; no Qt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def is_wide(dtype: str | None) -> bool:
    """Return whether voxels are whole numbers of 64 bits, with which parts of VTK cannot work."""
    return dtype in ("int64", "uint64")


def narrowed(voxels: npt.NDArray) -> npt.NDArray:
    """Return whole numbers of 64 bits in a smaller type that holds them; others as they are.

    >>> narrowed(np.array([0, 300])).dtype, narrowed(np.array([-1, 40000])).dtype, narrowed(np.array([2**40])).dtype
    (dtype('uint16'), dtype('int32'), dtype('float64'))
    """
    if voxels.dtype.kind not in "iu" or voxels.dtype.itemsize < np.dtype(np.int64).itemsize:
        return voxels
    ends = (np.min_scalar_type(int(end)) for end in (voxels.min(), voxels.max()))
    kind = np.promote_types(*ends)
    return voxels.astype(np.float64 if kind.itemsize > np.dtype(np.int32).itemsize else kind)
