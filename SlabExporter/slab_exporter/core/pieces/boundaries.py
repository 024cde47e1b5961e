"""Boundaries of slabs that are not equally thick, as given."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from ..errors import RequestError
from ..text import Option

# What users give: text as on the command line, or a sequence.
GivenBoundaries: TypeAlias = "str | Sequence[int]"


def boundaries_of(given: GivenBoundaries) -> tuple[int, ...]:
    """Return the indices at which slabs begin, ascending; between ``n - 1`` and ``n`` lies the boundary ``n``.

    Raises:
        RequestError: they are not whole numbers from 1 on, or one is given twice.

    >>> boundaries_of("104, 40"), boundaries_of([7])
    ((40, 104), (7,))
    """
    try:
        numbers = [_whole(part) for part in (given.split(",") if isinstance(given, str) else given)]
    except (TypeError, ValueError):
        numbers = []
    if not numbers:
        raise RequestError(
            Option("cut_at"),
            f" needs the indices of slices, whole numbers such as 40,104; it is {_shown(given)}.",
            option="cut_at",
        )
    if min(numbers) < 1:
        raise RequestError(
            f"A boundary lies between two slices, at 1 or higher; {min(numbers)} divides nothing.", option="cut_at"
        )
    twice = next((n for n in numbers if numbers.count(n) > 1), None)
    if twice is not None:
        raise RequestError(f"The boundary {twice} is given twice.", option="cut_at")
    return tuple(sorted(numbers))


def _whole(given: Any) -> int:
    if isinstance(given, bool):
        raise TypeError(given)
    if isinstance(given, str):
        if not re.fullmatch(r"\s*-?[0-9]{1,9}\s*", given):
            raise ValueError(given)
        return int(given)
    return operator.index(given)


def _shown(given: object) -> str:
    return f"'{given}'" if isinstance(given, str) else repr(given)
