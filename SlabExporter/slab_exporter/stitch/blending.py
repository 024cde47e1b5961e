"""Slabs back into one volume: overlaps blended, padding dropped, gaps filled and reported.

The boxes divide the volume into cells that one and the same set of slabs holds. A cell is finished
as soon as all of its slabs have come by, so that the memory is the volume, one slab, and the
overlaps that still wait for a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

from ..core.errors import RequestError
from ..core.geometry import Box, FloatArray
from ..core.options import BLENDS
from ..core.text import Option

# The Gaussian's standard deviation as a part of the slab's size, as in MONAI's
# compute_importance_map and in nnU-Net.
SIGMA_SCALE = 0.125


@dataclass(frozen=True)
class Cell:
    """A part of the volume that is held by the same slabs throughout.

    Attributes:
        box: in IJK of the volume, inside it.
        slabs: positions (in the sequence of boxes) of the slabs that hold it, ascending; may be none.
    """

    box: Box
    slabs: tuple[int, ...]


def divide_into_cells(whole: Box, boxes: Sequence[Box]) -> tuple[Cell, ...]:
    """The cells of a volume; boxes may reach outside it."""
    edges = []
    for axis in range(3):
        marks = {whole.start[axis], whole.stop[axis]}
        for box in boxes:
            marks |= {box.start[axis], box.stop[axis]}
        inside = sorted(m for m in marks if whole.start[axis] <= m <= whole.stop[axis])
        edges.append(list(pairwise(inside)))
    cells = []
    for (i0, i1), (j0, j1), (k0, k1) in product(*edges):
        box = Box((i0, j0, k0), (i1, j1, k1))
        cells.append(Cell(box, tuple(n for n, other in enumerate(boxes) if other.intersection(box) == box)))
    return tuple(cells)


def require_blend(blend: str, dtype: np.dtype) -> None:
    """Refuse to average whole numbers: the mean of the labels 1 and 3 is not the label 2.

    Raises:
        RequestError: with what to choose instead.
    """
    if blend not in BLENDS:
        raise RequestError(f"The blend cannot be '{blend}'; choose one of {', '.join(BLENDS)}.", option="blend")
    if blend in ("mean", "gaussian") and dtype.kind in "iu":
        raise RequestError(
            f"These slabs hold whole numbers ({dtype.name}), as label maps do, and labels are never averaged. Choose ",
            Option.to("blend", "vote", "first"),
            ".",
        )


def joined_type(dtype: np.dtype, voxels: npt.NDArray) -> np.dtype | None:
    """The type that holds all values of slabs of ``dtype`` and of one more slab; None where there is none.

    Whole numbers join floats if they stay exact (a program that scales values saves a slab of zeros
    as whole numbers); two types of whole numbers are a mistake.
    """
    if voxels.dtype == dtype:
        return dtype
    if "f" not in (dtype.kind, voxels.dtype.kind):
        return None
    if voxels.dtype.kind == "f":
        return voxels.dtype if dtype.kind != "f" else np.promote_types(dtype, voxels.dtype)
    largest = 2 ** (np.finfo(dtype).nmant + 1)
    return dtype if -largest <= int(voxels.min()) and int(voxels.max()) <= largest else None


class _Sum:
    """Weighted mean."""

    def __init__(self) -> None:
        self._sum: FloatArray | None = None
        self._weight: FloatArray = np.zeros((1, 1, 1))

    def add(self, piece: npt.NDArray, weight: FloatArray) -> None:
        weighted = piece * weight
        self._sum = weighted if self._sum is None else np.add(self._sum, weighted, out=self._sum)
        self._weight = self._weight + weight

    def result(self) -> npt.NDArray:
        return self._sum / self._weight  # type: ignore[operator]


class _Maximum:
    """Largest value."""

    def __init__(self) -> None:
        self._largest: npt.NDArray | None = None

    def add(self, piece: npt.NDArray, weight: FloatArray) -> None:
        self._largest = piece.copy() if self._largest is None else np.maximum(self._largest, piece)

    def result(self) -> npt.NDArray:
        return self._largest  # type: ignore[return-value]


class _Vote:
    """Most frequent value; among equally frequent ones that of the slab in whose middle the voxel lies."""

    def __init__(self) -> None:
        self._pieces: list[npt.NDArray] = []
        self._weights: list[FloatArray] = []

    def add(self, piece: npt.NDArray, weight: FloatArray) -> None:
        self._pieces.append(piece.copy())
        self._weights.append(weight)

    def result(self) -> npt.NDArray:
        winner, best = self._pieces[0].copy(), None
        for piece, weight in zip(self._pieces, self._weights, strict=True):
            votes = sum((piece == other).astype(np.float32) for other in self._pieces)
            score = votes + (weight / (1 + np.max(self._weights))).astype(np.float32)
            if best is None:
                best = score
                continue
            better = score > best
            winner[better] = piece[better]
            best[better] = score[better]
        return winner


_ACCUMULATORS: dict[str, type[_Sum | _Maximum | _Vote]] = {
    "mean": _Sum,
    "gaussian": _Sum,
    "max": _Maximum,
    "vote": _Vote,
}


class Stitcher:
    """Puts slabs back into a volume, in any order, each once.

    Args:
        whole: the volume's box, starting at (0, 0, 0).
        boxes: of the slabs, in IJK of the volume; may reach outside where padded.
        blend: one of ``BLENDS``. "first" keeps the slab of the lowest number.
        dtype: of the slabs and of the volume.
        channels: numbers a voxel.

    Raises:
        RequestError: labels would be averaged.
    """

    def __init__(self, whole: Box, boxes: Sequence[Box], blend: str, dtype: np.dtype, channels: int = 1) -> None:
        require_blend(blend, dtype)
        self._boxes = tuple(boxes)
        self._blend = blend
        self._volume = np.zeros((channels, *whole.shape[::-1]), dtype)
        self._cells = divide_into_cells(whole, boxes)
        self._open: dict[int, tuple[_Sum | _Maximum | _Vote, set[int]]] = {}
        self._varying = [len({(b.start[a], b.stop[a]) for b in boxes}) > 1 for a in range(3)]

    @property
    def uncovered(self) -> tuple[Box, ...]:
        """Parts of the volume that no slab holds."""
        return tuple(cell.box for cell in self._cells if not cell.slabs)

    @property
    def overlapping(self) -> bool:
        """Whether any voxel is held by more than one slab."""
        return any(len(cell.slabs) > 1 for cell in self._cells)

    def add(self, number: int, voxels_ckji: npt.NDArray) -> None:
        """Put one slab in its place; what lies outside the volume is dropped.

        Args:
            number: its position in the sequence of boxes.
            voxels_ckji: channels first, of the box's shape.
        """
        box = self._boxes[number]
        for n, cell in enumerate(self._cells):
            if number not in cell.slabs:
                continue
            piece = voxels_ckji[_all_channels(_local(cell.box, box))]
            target = self._volume[_all_channels(cell.box)]
            if len(cell.slabs) == 1 or self._blend == "first":
                if number == cell.slabs[0]:
                    target[...] = piece
                continue
            blended, missing = self._open.setdefault(n, (_ACCUMULATORS[self._blend](), set(cell.slabs)))
            blended.add(piece, self._weight(cell.box, box))
            missing.discard(number)
            if not missing:
                target[...] = blended.result()
                del self._open[n]

    def finish(self, fill: float) -> npt.NDArray:
        """The volume (channels, k, j, i), after all slabs; what no slab holds gets the fill value."""
        for box in self.uncovered:
            self._volume[_all_channels(box)] = fill
        return self._volume

    def _weight(self, part: Box, box: Box) -> FloatArray:
        """Weight of a slab's voxels in ``part``, broadcastable to it (KJI), positive."""
        result = np.ones((1, 1, 1))
        if self._blend == "mean":
            return result
        for axis in (a for a in range(3) if self._varying[a]):
            length = box.shape[axis]
            offset = np.arange(part.start[axis], part.stop[axis]) - box.start[axis] - (length - 1) / 2
            window = np.exp(-0.5 * (offset / (SIGMA_SCALE * length)) ** 2)
            result = result * window.reshape([-1 if a == axis else 1 for a in (2, 1, 0)])
        return result


def _all_channels(box: Box) -> tuple[slice, slice, slice, slice]:
    return (slice(None), *box.slices_kji())


def _local(part: Box, box: Box) -> Box:
    return Box(
        tuple(a - b for a, b in zip(part.start, box.start, strict=True)),  # type: ignore[arg-type]
        tuple(a - b for a, b in zip(part.stop, box.start, strict=True)),  # type: ignore[arg-type]
    )


def describe_uncovered(parts: Sequence[Box], whole: Box) -> str | None:
    """What no slab holds, for people: slices where whole slices are missing, voxels otherwise."""
    if not parts:
        return None
    for axis, name in enumerate("ijk"):
        if all(_spans(part, whole, axis) for part in parts):
            ranges = _joined([(part.start[axis], part.stop[axis]) for part in parts])
            count = sum(b - a for a, b in ranges)
            listed = ", ".join(f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in ranges)
            return f"{count} of {whole.shape[axis]} slices ({name} = {listed}) are in no slab"
    count = sum(math.prod(part.shape) for part in parts)
    return f"{count} of {math.prod(whole.shape)} voxels are in no slab"


def _spans(part: Box, whole: Box, axis: int) -> bool:
    return all((part.start[a], part.stop[a]) == (whole.start[a], whole.stop[a]) for a in range(3) if a != axis)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if result and result[-1][1] == start:
            result[-1] = (result[-1][0], stop)
        else:
            result.append((start, stop))
    return result
