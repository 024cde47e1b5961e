"""Worth of an agreement: could it be chance, given how many placements were tried?

A placement is called certain only if the content that agrees holds more bits than the number of placements
tried needs, by a margin: then the expected number of placements that fit by chance is below 1 in 1000.
"""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import numpy.typing as npt

from ...core.geometry import FloatArray
from .block_sums import BlockSums

# Bits beyond the logarithm of the number of placements: fewer than 1 in 1000 expected by chance.
_MARGIN = 10.0
_PLANES = 4
_MOST_VALUES = 200_000
_LARGEST_SQUARE = 0.99


def bits_needed(reference: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Bits that rule out chance, for an OTHER of this shape tried everywhere inside REFERENCE.

    >>> round(bits_needed((10, 10, 10), (10, 10, 10)), 2)
    15.58
    """
    tried = 0.0
    for axes in permutations(range(3)):
        room = [reference[axis] - n + 1 for axis, n in zip(axes, other, strict=True)]
        tried += 8.0 * float(np.prod(room, dtype=float)) if min(room) > 0 else 0.0
    return float(np.log2(max(tried, 1.0))) + _MARGIN


def content_bits(array: npt.NDArray, enough: float) -> float:
    """Bits of what the array holds, or at least ``enough``; three axes.

    Each voxel is predicted from its predecessors along the axes: where they agree, only a change of value
    costs bits; where they do not, the choice between the first and another does; a new value costs the entropy of
    new values.
    Empirical entropies are used, so that little content is never taken for more than it is.
    """
    tally = _Tally(array)
    slowest = int(np.argmax(np.abs(array.strides)))
    planes = np.moveaxis(array, slowest, 0)
    # from the middle outwards: the ends are air more often than not
    starts = sorted(range(0, len(planes), _PLANES), key=lambda start: abs(start + _PLANES // 2 - len(planes) // 2))
    for start in starts:
        low = max(0, start - 1)
        tally.add(planes[low : start + _PLANES], first_is_known=low < start)
        if tally.bits() >= enough:
            break
    return tally.bits()


class _Tally:
    """Counts of how well voxels are predicted by their predecessors."""

    def __init__(self, array: npt.NDArray) -> None:
        self._axes = [axis for axis in range(3) if array.shape[axis] > 1]
        self._agreeing = self._changing = 0
        self._outcomes = np.zeros(3, np.int64)
        self._new: list[tuple[npt.NDArray, npt.NDArray]] = []
        self._kept = 0

    def add(self, planes: npt.NDArray, first_is_known: bool) -> None:
        """Count the voxels that have a predecessor along each axis."""
        if planes.dtype.kind == "f":
            planes = np.nan_to_num(planes)
        axes = [axis for axis in range(3) if planes.shape[axis] > 1]
        if not axes or (planes.shape[0] == 1 and first_is_known):
            return
        now = planes[tuple(slice(1, None) if axis in axes else slice(None) for axis in range(3))]
        before = [
            planes[tuple(
                (slice(None, -1) if axis == along else slice(1, None)) if axis in axes else slice(None)
                for axis in range(3)
            )]
            for along in axes
        ]  # fmt: skip
        agree = np.ones(now.shape, bool)
        for one, two in pairwise(before):
            agree &= one == two
        changing = agree & (now != before[0])
        self._agreeing += int(agree.sum())
        self._changing += int(changing.sum())
        first = ~agree & (now == before[0])
        known = first.copy()
        for one in before[1:]:
            known |= ~agree & (now == one)
        left = ~agree & ~known
        self._outcomes += [int(first.sum()), int((known & ~first).sum()), int(left.sum())]
        if self._kept < _MOST_VALUES:
            room, unknown = _MOST_VALUES - self._kept, changing | left
            self._new.append((now[unknown][:room], before[0][unknown][:room]))
            self._kept += len(self._new[-1][0])

    def bits(self) -> float:
        """Of all that was counted."""
        still = np.array([self._changing, self._agreeing - self._changing])
        bits = _entropy(still) * still.sum() + _entropy(self._outcomes) * self._outcomes.sum()
        if self._kept:
            bits += self._bits_of_a_new_value() * (self._changing + self._outcomes[2])
        return float(bits)

    def _bits_of_a_new_value(self) -> float:
        """Mean of ``-log2 p``, where p is a value's part of the new values other than the predecessor's."""
        now, before = (np.concatenate(arrays) for arrays in zip(*self._new, strict=True))
        values, which, counts = np.unique(now, return_inverse=True, return_counts=True)
        part = counts / counts.sum()
        at = np.minimum(np.searchsorted(values, before), len(values) - 1)
        excluded = np.where(values[at] == before, part[at], 0.0)
        return float(-np.mean(np.log2(np.minimum(1.0, part[which.reshape(-1)] / np.maximum(1 - excluded, 1e-12)))))


def _entropy(counts: npt.NDArray) -> float:
    """Bits per event."""
    parts = counts[counts > 0] / max(1, counts.sum())
    return float(-np.sum(parts * np.log2(parts)))


def evidence_bits(sums: BlockSums, correlation: float, predicted: FloatArray) -> float:
    """Bits that an agreement but for noise is worth: those of the coarse or those of the fine detail.

    Args:
        sums: over all voxels.
        correlation: of prediction and OTHER.
        predicted: for a regular selection of OTHER's voxels.

    For n independent values and a correlation c it is ``-n / 2 * log2(1 - c ** 2)``, the information that
    one holds about the other. Rare large values count as few: n is at most ``sum(d ** 2) ** 2 / sum(d ** 4)``.
    """
    return max(_coarse_bits(sums, correlation, predicted), _fine_bits(sums))


def _coarse_bits(sums: BlockSums, correlation: float, predicted: FloatArray) -> float:
    squares = (predicted - predicted.mean()) ** 2
    if not squares.any():
        return 0.0
    count = float(np.prod([e[-1] for e in sums.edges]))
    independent = float(squares.sum() ** 2 / (squares**2).sum()) * count / squares.size
    for axis, n in enumerate((0, 3, 5)):
        if sums.edges[axis][-1] > 1:
            # central differences of neighbours that are correlated by c ** distance: (1 - c ** 2) / 2
            slope = float(sums.gg[..., n].sum()) / max(1.0, float(sums.count.sum()))
            neighbour = np.sqrt(np.clip(1 - 2 * slope / float(squares.mean()), 0, 0.999))
            independent *= (1 - neighbour) / (1 + neighbour)
    return _worth(independent, correlation**2)


def _fine_bits(sums: BlockSums) -> float:
    both, there, here, fourth = sums.fine.sum(axis=(0, 1, 2)).tolist()
    if min(there, here, fourth) <= 0:
        return 0.0
    # neighbours share voxels
    return _worth(there**2 / fourth / 2, both**2 / (there * here))


def _worth(independent: float, square: float) -> float:
    return -0.5 * independent * float(np.log2(1 - min(_LARGEST_SQUARE, square)))
