"""Put slabs back into one volume: overlaps blended, padding dropped, gaps filled.

A cell of the volume is finished as soon as all of its slabs have been added, so that the memory is the
volume, one slab, and the overlaps that still wait for a neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..core.errors import RequestError
from ..core.geometry import Box, FloatArray
from ..core.naming import PieceKind
from ..core.options import BLENDS, Blend
from ..core.text import Option
from .cells import divide_into_cells

# The Gaussian's standard deviation as a fraction of the slab's size, as in MONAI's
# compute_importance_map and in nnU-Net.
SIGMA_SCALE = 0.125


def require_blend(blend: Blend, dtype: np.dtype, piece: PieceKind = "slab") -> None:
    """Refuse to average whole numbers: the mean of the labels 1 and 3 is not the label 2.

    Raises:
        RequestError: with what to choose instead.
    """
    if blend not in BLENDS:
        raise RequestError(f"The blend cannot be '{blend}'; choose one of {', '.join(BLENDS)}.", option="blend")
    if blend in ("mean", "gaussian") and dtype.kind in "iu":
        raise RequestError(
            f"These {piece}s hold whole numbers ({dtype.name}), as label maps do, and labels are never averaged. ",
            "Choose ",
            Option.to("blend", "vote", "first"),
            ".",
        )


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
        self._weights: list[npt.NDArray[np.float32]] = []

    def add(self, piece: npt.NDArray, weight: FloatArray) -> None:
        self._pieces.append(piece.copy())
        # Rounded, so that weights which are equal by symmetry but for the last bit count as equal.
        self._weights.append(weight.astype(np.float32))

    def result(self) -> npt.NDArray:
        winner = self._pieces[0].copy()
        most = self._votes(winner)
        heaviest = np.broadcast_to(self._weights[0], winner.shape).copy()
        for piece, weight in zip(self._pieces[1:], self._weights[1:], strict=True):
            votes = self._votes(piece)
            better = (votes > most) | ((votes == most) & (weight > heaviest))
            for target, value in ((winner, piece), (most, votes), (heaviest, weight)):
                np.copyto(target, value, where=better)
        return winner

    def _votes(self, piece: npt.NDArray) -> npt.NDArray[np.uint16]:
        votes = np.zeros(piece.shape, np.uint16)
        for other in self._pieces:
            votes += piece == other
        return votes


_ACCUMULATORS: dict[Blend, type[_Sum | _Maximum | _Vote]] = {
    "mean": _Sum,
    "gaussian": _Sum,
    "max": _Maximum,
    "vote": _Vote,
}


class Stitcher:
    """Builder of a volume from slabs, which are added in any order, each once.

    Args:
        whole: the volume's box, starting at (0, 0, 0).
        boxes: of the slabs, in IJK of the volume; may reach outside where padded.
        blend: one of ``BLENDS``. "first" keeps the slab of the lowest number.
        dtype: of the slabs and of the volume.
        channels: numbers per voxel.
        left_out: boxes of slabs that were not written, whose voxels get the fill value.
        piece: what the slabs are called.

    Raises:
        RequestError: labels would be averaged.
    """

    def __init__(
        self,
        whole: Box,
        boxes: Sequence[Box],
        blend: Blend,
        dtype: np.dtype,
        channels: int = 1,
        left_out: Sequence[Box] = (),
        piece: PieceKind = "slab",
    ) -> None:
        require_blend(blend, dtype, piece)
        self._boxes = tuple(boxes)
        self._blend = blend
        self._volume = np.zeros((channels, *whole.shape[::-1]), dtype)
        self._cells = divide_into_cells(whole, boxes, left_out)
        self._cells_of: list[list[int]] = [[] for _ in boxes]
        for n, cell in enumerate(self._cells):
            for number in cell.slabs:
                self._cells_of[number].append(n)
        self._open: dict[int, tuple[_Sum | _Maximum | _Vote, set[int]]] = {}
        self._varying = [len({(b.start[a], b.stop[a]) for b in boxes}) > 1 for a in range(3)]

    @property
    def uncovered(self) -> tuple[Box, ...]:
        """Parts of the volume that no slab holds, or would have held."""
        return tuple(cell.box for cell in self._cells if not cell.slabs and not cell.left_out)

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
        for n in self._cells_of[number]:
            cell = self._cells[n]
            piece = voxels_ckji[_all_channels(cell.box.relative_to(box))]
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
        """Return the volume (channels, k, j, i), after all slabs; what no slab holds gets the fill value."""
        for cell in self._cells:
            if not cell.slabs:
                self._volume[_all_channels(cell.box)] = fill
        return self._volume

    def _weight(self, part: Box, box: Box) -> FloatArray:
        """Return the weight of a slab's voxels in ``part``, broadcastable to it (KJI), positive.

        A Gaussian in three dimensions is the product of three in one. Along an axis that is not
        cut all slabs weigh the same, and its factor would cancel out.
        """
        result = np.ones((1, 1, 1))
        if self._blend == "mean":
            return result
        local = part.relative_to(box)
        for axis in (a for a in range(3) if self._varying[a]):
            window = _window(box.shape[axis])[local.start[axis] : local.stop[axis]]
            result = result * window.reshape([-1 if a == axis else 1 for a in (2, 1, 0)])
        return result


@lru_cache(maxsize=64)
def _window(length: int) -> FloatArray:
    """Return a Gaussian over the voxels of a slab along one axis; 1 in the middle."""
    offset = np.arange(length) - (length - 1) / 2
    return np.exp(-0.5 * (offset / (SIGMA_SCALE * length)) ** 2)


def _all_channels(box: Box) -> tuple[slice, slice, slice, slice]:
    return (slice(None), *box.slices_kji())
