"""Blocks: pieces that are cut along all three index axes. Their sizes and overlaps, as given and resolved.

A size is a number of voxels (or mm) along i, j and k; None, in a user's words "all", is the whole axis.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..errors import RequestError
from ..text import Option

# Not in quotes, since ``options.entries`` looks at the types of fields.
Three: TypeAlias = tuple[int, int, int]

Sizes: TypeAlias = tuple[int | None, int | None, int | None]
SizesMm: TypeAlias = tuple[float | None, float | None, float | None]
Overlap: TypeAlias = int | Three
# What users give: text as on the command line, or a sequence.
GivenSizes: TypeAlias = "str | Sequence[float | str | None]"
GivenOverlap: TypeAlias = "int | str | Sequence[int]"

ALL = "all"


def block_sizes(given: GivenSizes) -> Sizes:
    """Return the voxels of a block along i, j, k.

    Raises:
        RequestError: they are not three whole numbers from 1 on, or "all".

    >>> block_sizes("64,64,all"), block_sizes((96, 96, None))
    ((64, 64, None), (96, 96, None))
    """
    sizes = _sizes(given, "block", _whole, "whole numbers of voxels", "64,64,32")
    if any(size is not None and size < 1 for size in sizes):
        raise RequestError(f"A block needs at least one voxel along each axis; it is {written(sizes)}.", option="block")
    return sizes


def block_sizes_mm(given: GivenSizes) -> SizesMm:
    """Return the mm of a block along i, j, k.

    Raises:
        RequestError: they are not three numbers above 0, or "all".

    >>> block_sizes_mm("96,96,all")
    (96.0, 96.0, None)
    """
    sizes = _sizes(given, "block_mm", float, "numbers of mm", "96,96,48")
    if not all(size is None or 0 < size < math.inf for size in sizes):
        raise RequestError(f"A block's size in mm must be positive; it is {written(sizes)}.", option="block_mm")
    return sizes


def overlap_of(given: GivenOverlap) -> Overlap:
    """Return an overlap: one number, or three along i, j, k.

    Raises:
        RequestError: it is something else.

    >>> overlap_of("8"), overlap_of("8,8,4")
    (8, (8, 8, 4))
    """
    parts = given.split(",") if isinstance(given, str) else given
    try:
        numbers = [_whole(part) for part in parts] if isinstance(parts, Sequence) else [_whole(parts)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) != 3:
        raise RequestError(
            f"The overlap must be a whole number; it is {_shown(given)} (blocks also take three, along i, j, k, "
            "such as 8,8,4).",
            option="overlap",
        )
    return (numbers[0], numbers[1], numbers[2])


def require_sound(block: Sizes | None, block_mm: SizesMm | None, overlap: Overlap) -> None:
    """Refuse sizes and overlaps of blocks that contradict each other in every volume.

    Raises:
        RequestError: with the axis.
    """
    if block is not None and block_mm is not None:
        raise RequestError("Choose either ", Option("block"), " or ", Option("block_mm"), ".")
    if isinstance(overlap, tuple):
        for name, size, shared in zip("ijk", block or block_mm or (), overlap, strict=True):
            if size is None and shared:
                raise RequestError(
                    f"The overlap along {name} is {shared}, but a block spans all of {name}; give 0 there.",
                    option="overlap",
                )
    if block is not None:
        resolved_overlap(block, overlap)


def resolved_sizes(block: Sizes | None, block_mm: SizesMm | None, spacing: Sequence[float]) -> Sizes:
    """Return the voxels of a block; mm are rounded to whole voxels, at least one.

    >>> resolved_sizes(None, (96.0, 96.0, None), (0.7, 0.7, 2.5))
    (137, 137, None)
    """
    if block is not None:
        return block
    i, j, k = (
        None if mm is None else max(1, round(mm / float(step)))
        for mm, step in zip(block_mm or (None,) * 3, spacing, strict=True)
    )
    return i, j, k


def resolved_overlap(block: Sizes, overlap: Overlap) -> Three:
    """Return the voxels that neighbouring blocks share along each axis; one number holds for each axis that is cut.

    Raises:
        RequestError: blocks would not advance.

    >>> resolved_overlap((64, 64, None), 16)
    (16, 16, 0)
    """
    shared = overlap if isinstance(overlap, tuple) else (overlap,) * 3
    i, j, k = (0 if size is None else number for size, number in zip(block, shared, strict=True))
    for name, size, number in zip("ijk", block, (i, j, k), strict=True):
        if size is not None and number >= size:
            raise RequestError(
                f"The overlap along {name} ({number} voxels) must be smaller than the block ({size} voxels): "
                "otherwise the blocks do not advance.",
                option="overlap",
            )
    return i, j, k


def written(sizes: Sequence[float | None]) -> str:
    """Return sizes as they are typed.

    >>> written((64, 64, None))
    '64,64,all'
    """
    return ",".join(ALL if size is None else f"{size:g}" for size in sizes)


def _sizes(given: Any, option: str, number: Callable[[Any], Any], what: str, example: str) -> Any:
    parts = given.split(",") if isinstance(given, str) else given
    try:
        i, j, k = (None if part is None or str(part).strip() == ALL else number(part) for part in parts)
    except (TypeError, ValueError):
        raise RequestError(
            Option(option), f" needs three {what} along i, j, k, or '{ALL}', such as {example}; it is {_shown(given)}."
        ) from None
    return i, j, k


def _whole(given: Any) -> int:
    """Return a whole number of any type, or typed as digits."""
    if not isinstance(given, str):
        return operator.index(given)
    if not re.fullmatch(r"\s*-?[0-9]{1,18}\s*", given):
        raise ValueError(given)
    return int(given)


def _shown(given: Any) -> str:
    return f"'{given}'" if isinstance(given, str) else repr(given)
