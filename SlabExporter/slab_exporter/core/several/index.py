"""The index of frames: what they are ordered by, such as time, trigger time or flip angle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# Units of time, as headers and scenes write them, by what they are called here.
_TIME = {"s": "s", "sec": "s", "second": "s", "seconds": "s", "ms": "ms", "msec": "ms", "us": "us", "usec": "us"}


@dataclass(frozen=True)
class FrameIndex:
    """Values that a source gives its frames, as Slicer's sequences have them.

    Attributes:
        name: of the index, "time" or "FlipAngle"; "" where none is stated.
        unit: as the source writes it; likewise.
        values: of the frames, in their order, as the source writes them: numbers, or any text.
    """

    name: str
    unit: str
    values: tuple[str, ...]

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The values as numbers; None where one is not a finite number."""
        try:
            found = tuple(float(value) for value in self.values)
        except ValueError:
            return None
        return found if all(map(math.isfinite, found)) else None

    def chosen(self, numbers: Sequence[int]) -> FrameIndex:
        """Return the index of some of the frames.

        >>> FrameIndex("time", "s", ("0", "2", "4")).chosen((2, 0)).values
        ('4', '0')
        """
        return FrameIndex(self.name, self.unit, tuple(self.values[n] for n in numbers))

    def times(self) -> tuple[float, str, float] | None:
        """Return (step, unit, value of the first) of frames that are evenly spaced; None of others.

        The unit is "" where it is not one of time.

        >>> FrameIndex("time", "sec", ("0.5", "2.5", "4.5")).times()
        (2.0, 's', 0.5)
        >>> FrameIndex("FlipAngle", "degrees", ("5", "10", "15")).times()
        (5.0, '', 5.0)
        >>> FrameIndex("TriggerTime", "ms", ("0", "40", "120")).times() is None
        True
        """
        values = self.numbers or ()
        steps = {round(b - a, 9) for a, b in pairwise(values)}
        if len(steps) != 1 or min(steps) <= 0:
            return None
        return steps.pop(), time_unit(self.unit), values[0]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {"name": self.name, "unit": self.unit, "values": list(self.values)}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> FrameIndex:
        """Read an entry of a manifest."""
        return cls(str(entry["name"]), str(entry["unit"]), tuple(str(value) for value in entry["values"]))


def time_unit(text: str) -> str:
    """Return a unit of time as it is called here; "" for any other.

    >>> time_unit(" Seconds"), time_unit("deg")
    ('s', '')
    """
    return _TIME.get(text.strip().lower(), "")
