"""Voxel sizes as they are asked for; needs no numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from ..errors import RequestError

# mm along i, j, k of the volume that is cut; 0 keeps an axis as it is.
Spacing: TypeAlias = tuple[float, float, float]
GivenSpacing: TypeAlias = str | float | Iterable[float]


def spacing_of(given: GivenSpacing) -> Spacing:
    """Return three voxel sizes, from a text, three numbers, or one for all axes.

    Raises:
        RequestError: it is something else.

    >>> spacing_of("1,1,3"), spacing_of(2), spacing_of((0, 0, 2.5))
    ((1.0, 1.0, 3.0), (2.0, 2.0, 2.0), (0.0, 0.0, 2.5))
    """
    listed: Any = given.split(",") if isinstance(given, str) else given
    parts = list(listed) if isinstance(listed, Iterable) else [listed]
    try:
        sizes = [float(part) for part in parts]
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) == 1:
        sizes *= 3
    if len(sizes) != 3 or not all(0 <= size < math.inf for size in sizes) or not any(sizes):
        raise RequestError(
            f"The spacing must be one number of mm, or three along i, j, k such as 1,1,3, where 0 keeps an axis as it "
            f"is; it is {_shown(given)}.",
            option="spacing",
        )
    i, j, k = sizes
    return i, j, k


def _shown(given: GivenSpacing) -> str:
    return f"'{given}'" if isinstance(given, str) else repr(given)
