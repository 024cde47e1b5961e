"""Which frames of a 4D file are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ..errors import InputError, RequestError
from ..text import Option, counted

_RANGE = re.compile(r"(\d*):(\d*)")


def frames_text(given: str | int | Sequence[int]) -> str:
    """Return a choice of frames as it is typed: "all", "0:40" (half-open), or a list such as "0,3,7".

    Raises:
        RequestError: it is something else, or names a frame twice.

    >>> frames_text(" 3:40 "), frames_text([0, 3, 7]), frames_text("all")
    ('3:40', '0,3,7', 'all')
    """
    text = given if isinstance(given, str) else ",".join(map(str, [given] if isinstance(given, int) else given))
    text = "".join(text.split())
    parts = text.split(",")
    if text != "all" and not all(part.isdecimal() or _RANGE.fullmatch(part) for part in parts):
        raise RequestError(
            Option.to("frames", str(given)),
            " is neither 'all' nor a range such as 0:40 (half-open, from 0) nor a list such as 0,3,7.",
        )
    return text


def chosen_frames(text: str, count: int, name: str) -> tuple[int, ...]:
    """Return the numbers of the frames that are asked for, in that order.

    Args:
        text: as ``frames_text`` returns it.
        count: frames that there are.
        name: of the file or series, for the sentence.

    Raises:
        InputError: there is no such frame, or one comes twice.

    >>> chosen_frames("2:", 5, "dwi.nii"), chosen_frames("4,0:2", 5, "dwi.nii")
    ((2, 3, 4), (4, 0, 1))
    """
    if text == "all":
        return tuple(range(count))
    numbers: list[int] = []
    for part in text.split(","):
        bounds = _RANGE.fullmatch(part)
        if bounds is None:
            numbers.append(int(part))
            continue
        first, stop = int(bounds[1] or 0), int(bounds[2] or count)
        numbers += range(first, stop)
    outside = next((n for n in numbers if n >= count), None)
    if outside is not None or not numbers or len(set(numbers)) < len(numbers):
        why = (
            f"frame {outside} does not exist"
            if outside is not None
            else "a frame comes twice"
            if numbers
            else "it holds no frame"
        )
        raise InputError(
            f"{name} holds {counted(count, 'frame')}, counted from 0; of ", Option.to("frames", text), f", {why}."
        )
    return tuple(numbers)


def step_between(numbers: Sequence[int], step: float) -> float:
    """Return the step between frames that were chosen; 0 where they are not evenly spaced.

    >>> step_between((0, 2, 4), 1.5), step_between((0, 1, 4), 1.5), step_between((3,), 1.5)
    (3.0, 0.0, 1.5)
    """
    steps = {b - a for a, b in pairwise(numbers)}
    if len(steps) > 1 or (steps and min(steps) < 0):
        return 0.0
    return step * (steps.pop() if steps else 1)
