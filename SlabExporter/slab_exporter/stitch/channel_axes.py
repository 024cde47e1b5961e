"""Which axis of an array is which: index axes in either order, channels first or last."""

from __future__ import annotations

from itertools import product

import numpy.typing as npt

from ..core.errors import InputError
from ..core.text import sizes

Shape = tuple[int, int, int]


def channels_first(array: npt.NDArray, shape_ijk: Shape, name: str) -> npt.NDArray:
    """Return an array of whatever order as (channels, k, j, i), told by its shape alone.

    Args:
        array: of three axes, or of four with channels first or last; leading axes of size 1 (a batch) are dropped.
        shape_ijk: of the slab that it belongs to.
        name: for the sentence.

    Raises:
        InputError: no order fits, or several do.

    >>> import numpy as np
    >>> [channels_first(np.zeros(shape), (5, 6, 4), "a").shape for shape in ((5, 6, 4), (1, 2, 4, 6, 5), (5, 6, 4, 2))]
    [(1, 4, 6, 5), (2, 4, 6, 5), (2, 4, 6, 5)]
    """
    stated = array.shape
    while array.ndim > 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3:
        array = array[None]
    orders = _fitting(array.shape, shape_ijk) if array.ndim == 4 else []
    if not orders:
        raise InputError(
            f"{name} has the shape {tuple(stated)}, its slab {sizes(shape_ijk)} voxels: no order of axes, with "
            "channels first or last, makes one of the other."
        )
    if len(orders) > 1:
        told = " and ".join(_words(order) for order in orders[:3])
        raise InputError(
            f"{name} has the shape {tuple(stated)}, which fits several orders of axes ({told}): save it as NIfTI with "
            "the affine of its slab."
        )
    return array.transpose(orders[0])


def _fitting(shape: tuple[int, ...], shape_ijk: Shape) -> list[tuple[int, ...]]:
    """Return the transpositions to (channels, k, j, i) that give the slab's shape."""
    found: list[tuple[int, ...]] = []
    for first, reversed_axes in product((True, False), repeat=2):
        axes = (1, 2, 3) if first else (0, 1, 2)
        order = axes if reversed_axes else axes[::-1]
        if tuple(shape[n] for n in order) == shape_ijk[::-1]:
            found.append((0 if first else 3, *order))
    return found


def _words(order: tuple[int, ...]) -> str:
    inner = "k, j, i" if order[1] < order[3] else "i, j, k"
    return f"channels, {inner}" if order[0] == 0 else f"{inner}, channels"
