"""Cut one index axis into intervals: full ones, and what the remainder policy makes of the rest.

Positions are counted in numbering order, then mapped to indices; so a volume stored head first and
one stored feet first give the same slabs of the patient under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .options import Remainder
from .text import Option, Sentence

Interval = tuple[int, int]


@dataclass(frozen=True)
class AxisCut:
    """Axis of a volume and how it is cut; indices are those of the volume, intervals half-open.

    Attributes:
        axis: 0, 1, 2 for i, j, k.
        size: voxels of the volume along the axis, limits or not.
        start: first index that the intervals cover.
        stop: one past the last index that they cover.
        thickness: voxels in a full interval.
        overlap: voxels that an interval shares with the one before; less than ``thickness``.
        remainder: what becomes of a last interval that is not full.
        reversed: whether numbering runs against the index.
        at: ascending indices between ``start`` and ``stop`` at which intervals begin, instead of equal ones; then
            ``thickness`` is that of the thickest, and there is no remainder. None for equal ones.

    Examples:
        >>> cut = AxisCut(2, size=10, start=0, stop=10, thickness=4, remainder="pad", reversed=True)
        >>> cut.intervals
        ((6, 10), (2, 6), (-2, 2))
        >>> cut.padding
        (2, 0)
    """

    axis: int
    size: int
    start: int
    stop: int
    thickness: int
    overlap: int = 0
    remainder: Remainder = "keep"
    reversed: bool = False
    at: tuple[int, ...] | None = None

    @property
    def length(self) -> int:
        """Voxels within the limits."""
        return self.stop - self.start

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """Half-open index ranges in numbering order; with padding they may reach beyond the volume."""
        return tuple(self._indices(position) for position in self._positions)

    @cached_property
    def _positions(self) -> tuple[Interval, ...]:
        if self.at is None:
            return divide(self.length, self.thickness, self.overlap, self.remainder)
        inner = sorted(self.stop - n if self.reversed else n - self.start for n in self.at)
        starts = (0, *(n - self.overlap for n in inner))
        return tuple(zip(starts, (*inner, self.length), strict=True))

    @property
    def whole(self) -> str:
        """What is cut, as the beginning of a sentence."""
        return "The volume" if self.length == self.size else "The box that is cut"

    @property
    def uncovered(self) -> Interval | None:
        """Half-open index range within the limits that no interval holds, or None."""
        held = self._positions
        covered = held[-1][1] if held else 0
        return self._indices((covered, self.length)) if covered < self.length else None

    @property
    def padding(self) -> tuple[int, int]:
        """Voxels by which intervals reach beyond the volume, below its first index and above its last."""
        lowest = min((start for start, _ in self.intervals), default=0)
        highest = max((stop for _, stop in self.intervals), default=0)
        return max(0, -lowest), max(0, highest - self.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about this cut that a user should read."""
        notes: list[str] = []
        if self.uncovered is not None:
            a, b = self.uncovered
            notes.append(
                Sentence(
                    Option.to("remainder", "drop"),
                    f" leaves out {b - a} of {self.length} slices: {'ijk'[self.axis]} = {a} to {b - 1} are in no slab.",
                )
            )
        if self.length < self.thickness and self.remainder in ("keep", "shift", "balance"):
            notes.append(
                f"{self.whole} has {self.length} slices, fewer than one slab of {self.thickness}: "
                f"its only slab is {self.length} thick."
            )
        sizes = [stop - start for start, stop in self.intervals]
        if (
            self.at is None
            and self.remainder in ("keep", "balance")
            and len(sizes) > 1
            and sizes[-1] == 1 < self.thickness
        ):
            other = Option.to("remainder", "shift", "pad", "balance")
            notes.append(Sentence("The last slab is a single slice; ", other, " avoids that."))
        return tuple(notes)

    def _indices(self, position: Interval) -> Interval:
        """Index range of a range of positions, which are counted from 0 in numbering order."""
        first, last = position
        return (self.stop - last, self.stop - first) if self.reversed else (self.start + first, self.start + last)


def divide(length: int, thickness: int, overlap: int, remainder: Remainder) -> tuple[Interval, ...]:
    """Return half-open intervals that cut ``range(length)``; ``overlap < thickness``.

    Every policy covers all positions, but "drop", which may leave the end out. "pad" may reach
    beyond ``length``. A length below the thickness gives one interval: short, or padded, or none
    with "drop".
    """
    if remainder == "balance":
        return _divide_evenly(length, thickness, overlap)
    step = thickness - overlap
    full = 0 if length < thickness else (length - thickness) // step + 1
    intervals = [(n * step, n * step + thickness) for n in range(full)]
    covered = intervals[-1][1] if intervals else 0
    if covered < length and remainder != "drop":
        start = full * step
        intervals.append(
            {
                "keep": (start, length),
                "pad": (start, start + thickness),
                "shift": (max(0, length - thickness), length),
            }[remainder]
        )
    return tuple(intervals)


def _divide_evenly(length: int, thickness: int, overlap: int) -> tuple[Interval, ...]:
    count = 1 if length <= thickness else -(-(length - overlap) // (thickness - overlap))
    size, larger = divmod(length + (count - 1) * overlap, count)
    intervals = []
    start = 0
    for number in range(count):
        stop = start + size + (number < larger)
        intervals.append((start, stop))
        start = stop - overlap
    return tuple(intervals)
