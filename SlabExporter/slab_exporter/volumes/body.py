"""The body in a CT or MR: what is not air."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt

from ..core.values import LOOKS_LIKE_CT, LOWEST_AIR, lowest_value
from ..interrupts import or_left_alone

# The voxels whose body was found last, and the body.
_found: ContextVar[list[npt.NDArray] | None] = ContextVar("found", default=None)


@contextmanager
def body_remembered() -> Iterator[None]:
    """Find the body in the same voxels once within the block, however often it is asked for."""
    token = _found.set([])
    try:
        yield
    finally:
        _found.reset(token)


def body_mask(voxels_kji: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Return which voxels belong to the body: the largest connected part of those above Otsu's threshold (SimpleITK).

    Air inside the body (lungs, bowel) is air. Values below air, which scanners store outside their field
    of view, count as air in a CT-like volume; NaN and infinities as its smallest value.

    Args:
        voxels_kji: of the whole volume.

    >>> scan = np.full((6, 8, 8), -1000)
    >>> scan[1:5, 2:6, 2:6], scan[0, 0, 0] = 40, 40
    >>> int(body_mask(scan).sum()), bool(body_mask(scan)[0, 0, 0])
    (64, False)
    """
    known = _found.get()
    if known and known[0] is voxels_kji:
        return known[1]
    mask = or_left_alone(lambda: _body(voxels_kji))
    if known is not None:
        known[:] = [voxels_kji, mask]
    return mask


def _body(voxels_kji: npt.NDArray) -> npt.NDArray[np.bool_]:
    import SimpleITK as sitk

    values = _finite(voxels_kji)
    if values.min() == values.max():
        return np.zeros(values.shape, bool)
    above = sitk.OtsuThreshold(sitk.GetImageFromArray(values), 0, 1)
    # relabelled by size, the largest part is number 1
    largest = sitk.RelabelComponent(sitk.ConnectedComponent(above, True)) == 1
    return sitk.GetArrayFromImage(largest).view(np.bool_)


def _finite(voxels_kji: npt.NDArray) -> npt.NDArray:
    """Return the values as ITK can sort them: finite, and none below air."""
    values = voxels_kji.astype(np.float32) if voxels_kji.dtype.kind == "f" else voxels_kji
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        lowest = values.min(where=finite, initial=np.float32(np.inf))
        values = np.where(finite, values, lowest if np.isfinite(lowest) else 0)
    if values.dtype.kind in "if" and lowest_value(values) <= LOOKS_LIKE_CT:
        values = np.maximum(values, values.dtype.type(LOWEST_AIR))
    return values
