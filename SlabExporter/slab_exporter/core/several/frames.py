"""Frames: the volumes of a 4D file or series, on one grid, one after another in time or in another order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .choice import step_between
from .index import FrameIndex, time_unit

# xyzt_units of nifti1.h: units of the fourth axis.
TIME_UNITS = {8: "s", 16: "ms", 24: "us", 32: "Hz", 40: "ppm", 48: "rad/s"}


# Milliseconds in the units of time among those.
_MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001}
# Of an index in a unit of time, names of what is not the time of a frame.
_NOT_TIME = ("echo", "repetition", "inversion")


@dataclass(frozen=True)
class FrameTime:
    """Place of one frame in a series of times.

    Attributes:
        position: of the frame in its source, from 1.
        count: of frames in the source.
        step_ms: from one frame of the source to the next; 0 where it is not known.
    """

    position: int
    count: int
    step_ms: float = 0.0


@dataclass(frozen=True)
class FrameStack:
    """Several frames in memory, or read from their file when they are asked for.

    Attributes:
        voxels_fkji: (frames, k, j, i): an array, or what is indexed like one by a frame first.
        numbers: of the frames in their file, from 0.
        of: how many the file holds.
        step: from one frame of the file to the next, in ``unit``; 0 where it is not known.
        unit: "s", "ms" and so on; "" where it is not known.
        start: of the file's frame 0, in ``unit``.
        planes: of a DICOM series, what is known of the planes of each frame (``SourceVolume.dicom``); else none.
        index: of these frames; None where the source states none.
    """

    voxels_fkji: Any
    numbers: tuple[int, ...]
    of: int
    step: float = 0.0
    unit: str = ""
    start: float = 0.0
    planes: tuple[Any, ...] = ()
    index: FrameIndex | None = None

    @property
    def spacing(self) -> float:
        """Step from one of these frames to the next; 0 where it is not known, or they are not evenly spaced."""
        return step_between(self.numbers, self.step)

    @property
    def first(self) -> float:
        """Start of the first of these frames."""
        return self.start + self.numbers[0] * self.step if self.numbers[0] else self.start

    def time_of(self, n: int) -> FrameTime | None:
        """Return when the n-th of these frames is; None where they are not known to follow one another in time.

        >>> FrameStack(None, (0, 2), 5, step=2.5, unit="s").time_of(1)
        FrameTime(position=3, count=5, step_ms=2500.0)
        >>> FrameStack(None, (0, 2), 5, step=2.5).time_of(1) is None
        True
        """
        unit = self.unit or ("" if self.index is None else time_unit(self.index.unit))
        name = "" if self.index is None else self.index.name.lower()
        if unit not in _MILLISECONDS or any(other in name for other in _NOT_TIME):
            return None
        return FrameTime(self.numbers[n] + 1, self.of, self.step * _MILLISECONDS[unit])

    def without_index(self) -> FrameStack:
        """Return the frames with their step alone: an index may hold the time of day."""
        return self if self.index is None else replace(self, index=None, start=0.0)

    def __len__(self) -> int:
        return len(self.numbers)

    def inside(self, slices_kji: tuple[slice, slice, slice]) -> npt.NDArray:
        """Return a part of every frame (frames, k, j, i)."""
        planes, rows, columns = slices_kji
        return np.stack([self.voxels_fkji[n, planes, rows, columns] for n in range(len(self))])


@dataclass(frozen=True)
class FramesRecord:
    """What a manifest says of the frames.

    Attributes:
        numbers: in the source, from 0.
        of: how many the source holds.
        step: from one frame of the source to the next, in ``unit``; 0 where it is not known.
        unit: "s", "ms" and so on; "" where it is not known.
        start: of the source's frame 0, in ``unit``.
        apart: whether each frame is an image of its own, as a channel is; else a slab's file holds all.
        gradients: files with the directions of diffusion, "bval" and "bvec", by their extensions.
        index: of the frames that were cut; None where the source states none.
        gradients_sha256: check sums of those files; none in what earlier versions wrote.
    """

    numbers: tuple[int, ...]
    of: int
    step: float = 0.0
    unit: str = ""
    start: float = 0.0
    apart: bool = False
    gradients: tuple[tuple[str, str], ...] = ()
    index: FrameIndex | None = None
    gradients_sha256: tuple[tuple[str, str], ...] = ()

    @property
    def tables(self) -> tuple[tuple[str, str | None], ...]:
        """(path, check sum) of the files with the directions of diffusion; None where it is not recorded.

        >>> FramesRecord((0,), 1, gradients=(("bval", "images/dwi.bval"),)).tables
        (('images/dwi.bval', None),)
        """
        return tuple((path, dict(self.gradients_sha256).get(name)) for name, path in self.gradients)

    @classmethod
    def of_stack(cls, stack: FrameStack, apart: bool = False) -> FramesRecord:
        """Return the record of frames in memory."""
        return cls(stack.numbers, stack.of, stack.step, stack.unit, stack.start, apart, index=stack.index)

    @property
    def ordered_by(self) -> FrameIndex:
        """The index; where none is recorded, the time of each frame, and else its number.

        >>> FramesRecord((0, 2), 3, step=2.5, unit="s", start=0.75).ordered_by
        FrameIndex(name='time', unit='s', values=('0.75', '5.75'))
        >>> FramesRecord((0, 2), 3).ordered_by
        FrameIndex(name='frame', unit='', values=('0', '2'))
        """
        if self.index is not None:
            return self.index
        if self.step <= 0 or self.unit not in ("s", "ms", "us"):
            return FrameIndex("frame", "", tuple(map(str, self.numbers)))
        times = (self.start + number * self.step for number in self.numbers)
        return FrameIndex("time", self.unit, tuple(f"{time:.9g}" for time in times))

    def without_index(self) -> FramesRecord:
        """Return the record with the step alone: an index may hold the time of day."""
        return self if self.index is None else replace(self, index=None, start=0.0)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        entry = {"numbers": list(self.numbers), "of": self.of, "step": self.step, "unit": self.unit}
        entry |= {"start": self.start, "apart": self.apart}
        entry |= {} if self.index is None else {"index": self.index.to_json()}
        entry |= {"gradients": dict(self.gradients)} if self.gradients else {}
        return entry | ({"gradients_sha256": dict(self.gradients_sha256)} if self.gradients_sha256 else {})

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> FramesRecord:
        """Read an entry of a manifest."""
        numbers, of = tuple(int(n) for n in entry["numbers"]), int(entry["of"])
        if not numbers or not all(0 <= n < of for n in numbers):
            raise ValueError(f"frames {numbers} of {of}")
        gradients = tuple((str(name), str(path)) for name, path in dict(entry.get("gradients", {})).items())
        sums = tuple((str(name), str(found)) for name, found in dict(entry.get("gradients_sha256", {})).items())
        step, start = float(entry["step"]), float(entry["start"])
        index = FrameIndex.from_json(entry["index"]) if "index" in entry else None
        if index is not None and len(index.values) != len(numbers):
            raise ValueError(f"{len(index.values)} values of an index for {len(numbers)} frames")
        return cls(numbers, of, step, str(entry["unit"]), start, bool(entry["apart"]), gradients, index, sums)
