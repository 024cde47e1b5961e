"""Divide a volume into cells, each of which one and the same set of slabs holds; describe what none holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from ..core.axis_cut import Interval
from ..core.geometry import Box
from ..core.naming import PieceKind


@dataclass(frozen=True)
class Cell:
    """Part of the volume that is held by the same slabs throughout.

    Attributes:
        box: in IJK of the volume, inside it.
        slabs: positions (in the sequence of boxes) of the slabs that hold it, ascending; may be none.
        left_out: whether a slab would have held it that was left out; False where another one does.
    """

    box: Box
    slabs: tuple[int, ...]
    left_out: bool = False


def divide_into_cells(whole: Box, boxes: Sequence[Box], left_out: Sequence[Box] = ()) -> tuple[Cell, ...]:
    """Return the cells of a volume.

    Args:
        whole: the volume.
        boxes: of the slabs; may reach outside.
        left_out: of slabs that were not written.
    """
    along_i, along_j, along_k = (_parts(whole, (*boxes, *left_out), axis) for axis in range(3))
    cells = []
    for ((i0, i1), in_i), ((j0, j1), in_j) in product(along_i, along_j):
        in_both = in_i & in_j
        for (k0, k1), in_k in along_k:
            holders = sorted(in_both & in_k)
            slabs = tuple(n for n in holders if n < len(boxes))
            cells.append(Cell(Box((i0, j0, k0), (i1, j1, k1)), slabs, bool(holders) and not slabs))
    return tuple(cells)


def _parts(whole: Box, boxes: Sequence[Box], axis: int) -> list[tuple[Interval, set[int]]]:
    """Return the parts of one axis between the edges of boxes, each with the numbers of the boxes that hold it.

    A box holds a cell if it holds its part along each of the three axes, so that no cell has to be
    compared with every box.
    """
    first, last = whole.start[axis], whole.stop[axis]
    ranges = [(max(first, box.start[axis]), min(last, box.stop[axis])) for box in boxes]
    marks = sorted({first, last}.union(*(pair for pair in ranges if pair[0] < pair[1])))
    place = {mark: n for n, mark in enumerate(marks)}
    holders: list[set[int]] = [set() for _ in marks[1:]]
    for number, (start, stop) in enumerate(ranges):
        if start < stop:
            for held in holders[place[start] : place[stop]]:
                held.add(number)
    return list(zip(pairwise(marks), holders, strict=True))


def describe_uncovered(parts: Sequence[Box], whole: Box, piece: PieceKind = "slab") -> str | None:
    """Return a sentence on what no slab (or block) holds: slices where whole slices are missing, voxels otherwise."""
    if not parts:
        return None
    for axis, name in enumerate("ijk"):
        if all(_spans(part, whole, axis) for part in parts):
            ranges = _joined([(part.start[axis], part.stop[axis]) for part in parts])
            count = sum(b - a for a, b in ranges)
            listed = ", ".join(f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in ranges)
            return f"{count} of {whole.shape[axis]} slices ({name} = {listed}) are in no {piece}"
    count = sum(math.prod(part.shape) for part in parts)
    return f"{count} of {math.prod(whole.shape)} voxels are in no {piece}"


def _spans(part: Box, whole: Box, axis: int) -> bool:
    return all((part.start[a], part.stop[a]) == (whole.start[a], whole.stop[a]) for a in range(3) if a != axis)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if result and result[-1][1] == start:
            result[-1] = (result[-1][0], stop)
        else:
            result.append((start, stop))
    return result
