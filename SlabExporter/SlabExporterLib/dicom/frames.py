"""Several volumes in one series (4D): which planes belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .headers import MARKS
from .series import Slice
from .stacking import SAME_PLACE_MM, Stack


@dataclass(frozen=True)
class Frames:
    """The volumes of a series.

    Attributes:
        volumes: planes of each; none where the planes could not be divided.
        by: what tells them apart.
        problem: why they could not be divided.
    """

    volumes: tuple[tuple[Slice, ...], ...]
    by: str = ""
    problem: str = ""


def split_frames(stack: Stack) -> Frames | None:
    """The volumes of a stack in which planes share their place; None where every plane has its own.

    The first attribute of ``headers.MARKS`` whose values divide the planes into volumes with one
    plane at each place is what tells them apart. Failing that, InstanceNumber orders the planes
    at each place.
    """
    places = _places(stack)
    count = max(len(place) for place in places)
    if count == 1:
        return None
    if any(len(place) != count for place in places):
        return _incomplete(places, count)
    for n, keyword in enumerate(MARKS):
        volumes = _divided(places, n)
        if volumes is not None:
            return Frames(volumes, keyword)
    numbers = [[(s.number, s.frame) for s in place] for place in places]
    if any(number is None for place in numbers for number, _ in place) or any(len(set(p)) != count for p in numbers):
        first = places[0]
        return Frames(
            (), problem=f"{count} images lie at each position and nothing tells them apart "
            f"({first[0].shown} and {first[1].shown} for two)",
        )  # fmt: skip
    ordered = [sorted(place, key=_order) for place in places]
    return Frames(tuple(tuple(place[n] for place in ordered) for n in range(count)), "InstanceNumber")


def _order(plane: Slice) -> tuple[int, int]:
    return plane.number or 0, plane.frame or 0


def _places(stack: Stack) -> list[list[Slice]]:
    """Planes by place; neighbours in order of height are compared in all three coordinates."""
    places: list[list[Slice]] = []
    last: Any = None
    for position, plane in zip(stack.positions, stack.slices, strict=True):
        if last is not None and np.linalg.norm(position - last) < SAME_PLACE_MM:
            places[-1].append(plane)
        else:
            places.append([plane])
            last = position
    return places


def _incomplete(places: list[list[Slice]], count: int) -> Frames:
    crowded = next(n for n, place in enumerate(places) if len(place) == count)
    lacking = sum(len(place) < count for place in places)
    pair = places[crowded]
    return Frames(
        (),
        problem=f"{count} images lie at the position of slice {crowded + 1} ({pair[0].shown} and {pair[1].shown} for "
        f"two), but fewer at {lacking} of the {len(places)} positions",
    )


def _divided(places: list[list[Slice]], mark: int) -> tuple[tuple[Slice, ...], ...] | None:
    """Volumes by the value of one mark, or None where it does not divide every place alike."""
    values = {s.marks[mark][1] for s in places[0]}
    if len(values) != len(places[0]) or None in values:
        return None
    volumes: dict[Any, list[Slice]] = {value: [] for value in values}
    for place in places:
        if {s.marks[mark][1] for s in place} != values:
            return None
        for plane in place:
            volumes[plane.marks[mark][1]].append(plane)
    numeric = all(isinstance(value, float) for value in values)
    keys = sorted(values) if numeric else sorted(values, key=lambda v: min(_order(s) for s in volumes[v]))
    return tuple(tuple(volumes[key]) for key in keys)
