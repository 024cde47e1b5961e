"""Divide a data set into training, validation and test: whole groups, never single slabs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ..core.errors import RequestError

PARTS = ("training", "validation", "test")


def parse_split(text: str) -> tuple[float, ...]:
    """ "0.8,0.1,0.1" or "80,10,10" as shares that add up to 1; two numbers are training and validation.

    Raises:
        RequestError: not two or three numbers of 0 or more, or all of them 0.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(0 <= n < float("inf") for n in numbers) or sum(numbers) == 0:
        raise RequestError(
            f"--split needs two or three shares such as 0.8,0.1,0.1 (training, validation, test); it is '{text}'."
        )
    return tuple(n / sum(numbers) for n in numbers)


def joined(keys: Sequence[set[Any]]) -> list[int]:
    """For each item the first of those that it hangs together with, through keys that they share."""
    first: list[int] = list(range(len(keys)))
    seen: dict[Any, int] = {}
    for number, own in enumerate(keys):
        for key in own:
            here, there = _root(first, number), _root(first, seen.setdefault(key, number))
            first[max(here, there)] = min(here, there)
    return [_root(first, number) for number in range(len(keys))]


def _root(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number


def split_groups(groups: Sequence[str], shares: Sequence[float], seed: int) -> dict[str, str]:
    """Group -> "training", "validation" or "test".

    The order in which groups are dealt depends on their names and the seed alone, so that the same
    data set is split the same way on every machine. A part with a share above 0 gets at least one
    group where there are enough.

    Args:
        groups: names; repeats count once.
        shares: of each part, adding up to 1.
        seed: any whole number.
    """
    names = sorted(set(groups), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    result: dict[str, str] = {}
    start = 0
    for part, count in zip(PARTS, _counts(len(names), shares), strict=False):
        result |= dict.fromkeys(names[start : start + count], part)
        start += count
    return result


def _counts(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers nearest to the shares of ``total``, adding up to it (largest remainder)."""
    exact = [share * total for share in shares]
    counts = [int(n) for n in exact]
    by_remainder = sorted(range(len(shares)), key=lambda n: (counts[n] - exact[n], n))
    for n in by_remainder[: total - sum(counts)]:
        counts[n] += 1
    for n, share in enumerate(shares):
        largest = counts.index(max(counts))
        if share > 0 and counts[n] == 0 and counts[largest] > 1:
            counts[n] += 1
            counts[largest] -= 1
    return counts
