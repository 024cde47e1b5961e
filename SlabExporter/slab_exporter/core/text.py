"""Numbers and nouns as sentences show them."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "slab"), counted(1331, "slab")
    ('1 slab', '1331 slabs')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def sizes(shape: Iterable[int]) -> str:
    """Return voxel counts along i, j, k.

    >>> sizes((512, 512, 64))
    '512 x 512 x 64'
    """
    return " x ".join(map(str, shape))


def lengths(spacing: Iterable[float]) -> str:
    """Return spacings in mm with three significant digits.

    >>> lengths((0.9765625, 0.9765625, 2.0))
    '0.977 x 0.977 x 2'
    """
    return " x ".join(f"{step:.3g}" for step in spacing)
