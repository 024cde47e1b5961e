"""Boundaries of slabs that a user types into the table or drags in a slice view; no Qt.

Positions are counted from 0 in numbering order within what is cut, indices along the axis as the table shows them.
"""

from __future__ import annotations

import re

import numpy as np
from slab_exporter.core.axis_cut import AxisCut
from slab_exporter.core.errors import RequestError
from slab_exporter.core.pieces.slab_cuts import between_boundaries
from slab_exporter.core.planning import SlabPlan
from slab_exporter.core.text import counted

# Cosine above which a view looks along the axis: within 45 degrees.
_ALONG = 0.7


def boundaries(plan: SlabPlan) -> tuple[int, ...]:
    """Return the positions at which slabs end and others begin, ascending; equal slabs have them too."""
    cut = plan.cuts[plan.axis]
    ends = [_position(cut, stop if not cut.reversed else start) for start, stop in cut.intervals]
    return tuple(end for end in ends[:-1] if 0 < end < cut.length)


def typed(plan: SlabPlan, number: int, text: str) -> str:
    """Return the setting of boundaries after the slices of a slab were typed; its neighbours give way or take the rest.

    Args:
        plan: as the table shows it.
        number: of the slab.
        text: first and last slice, as "40 ... 103", or how many slices.

    Raises:
        RequestError: the text is neither, or does not fit.
    """
    cut = plan.cuts[plan.axis]
    first, last = _ends(cut, number, text)
    shared = cut.overlap if first > 0 else 0
    if last - first <= shared:
        raise RequestError(
            f"A slab that shares {counted(shared, 'slice')} with the one before needs more than {shared}; "
            f"{last - first} were typed.",
            option="cut_at",
        )
    begins = first + shared
    held = boundaries(plan)
    own = {*held[max(0, number - 1) : number], *held[number : number + 1]}  # where it begins and ends until now
    kept = {n for n in held if n not in own and not begins < n < last}
    return _setting(cut, {n for n in kept | {begins, last} if 0 < n < cut.length})


def dragged(plan: SlabPlan, number: int, ras: tuple[float, float, float]) -> str:
    """Return the setting of boundaries after one of them was dragged; it stays between its neighbours.

    Args:
        plan: as it was before.
        number: of the boundary, in numbering order.
        ras: where it was dragged to, in mm; only the place along the axis counts.
    """
    cut = plan.cuts[plan.axis]
    held = list(boundaries(plan))
    index = float(plan.geometry.ijk(np.array(ras))[plan.axis]) + 0.5  # a boundary lies between two voxels' middles
    lowest = held[number - 1] + 1 if number > 0 else cut.overlap + 1
    highest = held[number + 1] - 1 if number + 1 < len(held) else cut.length - 1
    held[number] = max(lowest, min(highest, round(cut.stop - index if cut.reversed else index - cut.start)))
    return _setting(cut, set(held))


def boundary_points(plan: SlabPlan) -> tuple[tuple[float, float, float], ...]:
    """Return the middle of each boundary in RAS mm, in numbering order."""
    cut, box = plan.cuts[plan.axis], plan.limits
    points = []
    for position in boundaries(plan):
        place = [(a + b - 1) / 2 for a, b in zip(box.start, box.stop, strict=True)]
        place[plan.axis] = _index(cut, position) - 0.5
        r, a, s = (float(x) for x in plan.geometry.ras(place))
        points.append((r, a, s))
    return tuple(points)


def shows_boundaries(plan: SlabPlan, normal: tuple[float, float, float]) -> bool:
    """Return whether a slice view shows boundaries one beside the other: it does not look along the axis.

    Args:
        plan: as it is shown.
        normal: of the view, of length 1 (RAS).
    """
    return abs(float(np.array(normal) @ plan.geometry.directions[:, plan.axis])) < _ALONG


def boundary_name(plan: SlabPlan, number: int) -> str:
    """Return what stands beside a boundary: the slice that comes after it along the index."""
    return f"{'ijk'[plan.axis]} = {_index(plan.cuts[plan.axis], boundaries(plan)[number])}"


def _ends(cut: AxisCut, number: int, text: str) -> tuple[int, int]:
    """Return the positions of the first slice and of the one after the last that were typed for a slab."""
    numbers = [int(n) for n in re.findall(r"\d{1,9}", text)]
    axis, highest = "ijk"[cut.axis], cut.stop - 1
    if re.search(r"^\s*-|\d\s*\.\s*\d", text) or len(numbers) not in (1, 2):
        raise RequestError(
            f"'{text.strip()}' is not the first and last slice, such as 0 … 39, nor how many.", option="cut_at"
        )
    start, stop = cut.intervals[number]
    if len(numbers) == 1:
        count, first = numbers[0], _position(cut, stop if cut.reversed else start)
        if not 0 < count <= cut.length - first:
            raise RequestError(
                f"A slab of {counted(count, 'slice')} does not fit there; up to {cut.length - first} do.",
                option="cut_at",
            )
        return first, first + count
    low, high = sorted(numbers)
    if low < cut.start or high > highest:
        raise RequestError(
            f"The slices that are cut along {axis} are {cut.start} to {highest}; {low} to {high} were typed.",
            option="cut_at",
        )
    return (cut.stop - high - 1, cut.stop - low) if cut.reversed else (low - cut.start, high + 1 - cut.start)


def _setting(cut: AxisCut, positions: set[int]) -> str:
    """Return boundaries as they are typed.

    Raises:
        RequestError: there is none, or slabs would not advance.
    """
    if not positions:
        raise RequestError(
            f"That is one slab of all {counted(cut.length, 'slice')}: choose 'One piece', or such a thickness.",
            option="cut_at",
        )
    indices = tuple(sorted(_index(cut, position) for position in positions))
    between_boundaries(cut, indices)
    return ", ".join(map(str, indices))


def _position(cut: AxisCut, index: int) -> int:
    return cut.stop - index if cut.reversed else index - cut.start


def _index(cut: AxisCut, position: int) -> int:
    return cut.stop - position if cut.reversed else cut.start + position
