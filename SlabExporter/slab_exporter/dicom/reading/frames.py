"""Several volumes in one series (4D): which planes belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from .marks import MARKS
from .series import Slice
from .stacking import SAME_PLACE_MM, Stack

# Attributes that are tried together: echoes, magnitude and phase, and times
_MOST_TOGETHER = 3


@dataclass(frozen=True)
class Frames:
    """The volumes of a series.

    Attributes:
        volumes: planes of each; none where the planes could not be divided.
        by: what tells them apart.
        problem: why they could not be divided.
        left_out: images of volumes that are not complete.
        differ: how the images contradict each other.
        told: half a sentence about the volumes, where they are of another kind than repeated ones.
    """

    volumes: tuple[tuple[Slice, ...], ...]
    by: str = ""
    problem: str = ""
    left_out: tuple[Slice, ...] = ()
    differ: str = ""
    told: str = ""

    @property
    def left_out_said(self) -> str:
        """Half a sentence about images of volumes that are not complete; "" where there are none."""
        if not self.left_out:
            return ""
        are = "image is" if len(self.left_out) == 1 else "images are"
        return f"{len(self.left_out)} {are} left out ({self.left_out[0].shown} for one), of no complete volume"


def split_frames(stack: Stack) -> Frames | None:
    """The volumes of a stack in which planes share their place; None where every plane has its own.

    The first attribute of ``headers.MARKS``, or else the first two or three of them together, whose
    values divide the planes into volumes with one plane at each place are what tells them apart.
    Failing that, InstanceNumber orders the planes at each place, if that mixes nothing.
    """
    places = _places(stack)
    count = max(len(place) for place in places)
    if count == 1:
        return None
    if any(len(place) != count for place in places):
        return _complete_ones(places) or _incomplete(places, count)
    varying = [n for n in range(len(MARKS)) if _varies_alike(places, n)]
    for marks in _ways(varying):
        volumes = _divided(places, marks)
        if volumes is not None:
            return Frames(volumes, " and ".join(MARKS[n] for n in marks))
    return _by_number(places, count, varying)


def _varies_alike(places: list[list[Slice]], mark: int) -> bool:
    """Return whether an attribute has several values, the same ones at every place."""
    values = {s.marks[mark][1] for s in places[0]}
    return len(values) > 1 and all({s.marks[mark][1] for s in place} == values for place in places)


def _ways(marks: list[int]) -> Iterator[tuple[int, ...]]:
    for size in range(1, _MOST_TOGETHER + 1):
        yield from combinations(marks, size)


def _by_number(places: list[list[Slice]], count: int, varying: list[int]) -> Frames:
    """Volumes by the order of InstanceNumber at each place; ``varying`` marks must not differ within one."""
    numbers = [[(s.number, s.frame) for s in place] for place in places]
    if any(number is None for place in numbers for number, _ in place) or any(len(set(p)) != count for p in numbers):
        first = places[0]
        return Frames(
            (), problem=f"{count} images lie at each position and nothing tells them apart "
            f"({first[0].shown} and {first[1].shown} for two)",
        )  # fmt: skip
    ordered = [sorted(place, key=order_of) for place in places]
    volumes = tuple(tuple(place[n] for place in ordered) for n in range(count))
    mixed = [MARKS[n] for n in varying if any(len({s.marks[n][1] for s in volume}) > 1 for volume in volumes)]
    if mixed:
        return Frames(
            (), problem=f"{count} images lie at each position, and their order by InstanceNumber mixes images of "
            f"different {' and '.join(mixed)}",
        )  # fmt: skip
    return Frames(volumes, "InstanceNumber")


def order_of(plane: Slice) -> tuple[int, int]:
    """Return InstanceNumber and frame, by which images are put in order where nothing else orders them."""
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


def _complete_ones(places: list[list[Slice]]) -> Frames | None:
    """The volumes that have a slice at every place, of a series in which others were cut short."""
    for marks in _ways([n for n in range(len(MARKS)) if MARKS[n] != "SOPInstanceUID"]):
        values = [[tuple(s.marks[n][1] for n in marks) for s in place] for place in places]
        if any(len(set(own)) < len(own) or any(None in value for value in own) for own in values):
            continue
        whole = set(values[0]).intersection(*values[1:])
        if whole:
            sorted_places = [
                [s for s, value in zip(place, own, strict=True) if value in whole]
                for place, own in zip(places, values, strict=True)
            ]
            left_out = tuple(
                s for place, own in zip(places, values, strict=True)
                for s, value in zip(place, own, strict=True) if value not in whole
            )  # fmt: skip
            volumes = _divided(sorted_places, marks)
            if volumes is not None:
                return Frames(volumes, " and ".join(MARKS[n] for n in marks), left_out=left_out)
    return None


def _incomplete(places: list[list[Slice]], count: int) -> Frames:
    crowded = next(n for n, place in enumerate(places) if len(place) == count)
    lacking = sum(len(place) < count for place in places)
    pair = places[crowded]
    return Frames(
        (),
        problem=f"{count} images lie at the position of slice {crowded + 1} ({pair[0].shown} and {pair[1].shown} for "
        f"two), but fewer at {lacking} of the {len(places)} positions",
    )


def _divided(places: list[list[Slice]], marks: tuple[int, ...]) -> tuple[tuple[Slice, ...], ...] | None:
    """Volumes by the values of marks, or None where they do not divide every place alike."""

    def value_of(plane: Slice) -> tuple[Any, ...]:
        return tuple(plane.marks[mark][1] for mark in marks)

    values = {value_of(s) for s in places[0]}
    if len(values) != len(places[0]) or any(None in value for value in values):
        return None
    volumes: dict[Any, list[Slice]] = {value: [] for value in values}
    for place in places:
        if {value_of(s) for s in place} != values:
            return None
        for plane in place:
            volumes[value_of(plane)].append(plane)
    numeric = all(isinstance(number, float) for value in values for number in value)
    # numbers may be the same in several volumes; the order of a set of texts differs from process to process
    keys = sorted(values) if numeric else sorted(values, key=lambda v: (min(map(order_of, volumes[v])), repr(v)))
    return tuple(tuple(volumes[key]) for key in keys)
