"""A file of named segments, whatever its format: what every reader of such files returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..geometry import VolumeGeometry
from .layers import Rgb


@dataclass(frozen=True)
class Stated:
    """What a file says of a segment.

    Attributes:
        name: for people; different from the others' of the file.
        value: its label value; None where the format has none.
        rgb: 0 to 255; None where no colour is stated.
    """

    name: str
    value: int | None = None
    rgb: Rgb | None = None


@dataclass(frozen=True)
class Segmented:
    """Segments of a file.

    Attributes:
        geometry: of every mask.
        stated: of each segment.
        masks: gives where each segment is (KJI), one after the other.
        warnings: sentences.
        notes: gives sentences that are known only when all masks have been read.
    """

    geometry: VolumeGeometry
    stated: tuple[Stated, ...]
    masks: Callable[[], Iterator[npt.NDArray[np.bool_]]]
    warnings: tuple[str, ...] = ()
    notes: Callable[[], tuple[str, ...]] = tuple


def told_apart(names: list[str]) -> list[str]:
    """Return names that are all different: the second "Lesion" is "Lesion-2".

    >>> told_apart(["Lesion", "Liver", "Lesion"])
    ['Lesion', 'Liver', 'Lesion-2']
    """
    result: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in result or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}-{number}"
        result.append(candidate)
    return result
