"""Every way in which one volume's voxels might lie inside another's: 48 arrangements, all offsets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from ..core.geometry import FloatArray
from ..core.index_map import IndexMap, Three
from .cross_correlation import PatchFinder, area_edges, block_edges, centre_value, reduced

# Samples along an axis on which both are equally long.
_FIXED_SAMPLES = 40
# Samples along an axis that is searched together with another one.
_SEARCHED_SAMPLES = 64
# A part keeps at least this many samples along such an axis.
_LEAST_SAMPLES = 6
# What correlates less than the best by more than this is no rival.
_MARGIN = 0.1
_MOST_OFFSETS = 32
_MOST_RIVALS = 64
_MOST_REFINED = 48
# How far the true placement may stay behind the best one by chance: so many standard errors of the
# correlation; and for offsets that were tried in steps only, this much more, with so many times what
# OTHER's correlation with itself loses over half a step.
_CHANCE = 4.0
_BETWEEN_STEPS = 0.05
_LOSSES = 1.5
_REFINED_EDGE = 40
# Offsets that are kept of one refined placement, where the content repeats itself within a step.
_MOST_NEAR = 8


@dataclass(frozen=True)
class Candidate:
    """A placement, and how well small versions of the two volumes correlate there."""

    map: IndexMap
    score: float


@dataclass(frozen=True)
class Candidates:
    """Result of a search.

    Attributes:
        placements: best first.
        are_all: whether every placement that might be the true one is there; not so where very
            many fit about equally well.
    """

    placements: tuple[Candidate, ...]
    are_all: bool


@dataclass(frozen=True)
class _Found:
    axes: Three
    signs: Three
    offset: Three  # of the reversed OTHER in the reordered REFERENCE
    score: float
    step: Three
    samples: int
    between: float = 0.0  # what the score may lack where the true offset lies between two steps

    @property
    def is_coarse(self) -> bool:
        """Return whether offsets were tried in steps of several voxels."""
        return max(self.step) > 1


def find_candidates(reference: npt.NDArray, other: npt.NDArray) -> Candidates:
    """Plausible placements of OTHER wholly inside REFERENCE, best first; arrays are IJK.

    All that come near the best one are there, and the best offset of each arrangement that fits.
    """
    search = _Search(reference, other)
    found: list[_Found] = []
    for axes in permutations(range(3)):
        if all(other.shape[n] <= reference.shape[a] for n, a in enumerate(axes)):
            found += search.arrangement(axes)  # type: ignore[arg-type]
    kept = _rivals(found)
    coarse = [one for one in kept if one.is_coarse]
    if coarse:
        fine = [one for one in kept if not one.is_coarse]
        refined = [near for one in coarse[:_MOST_REFINED] for near in search.refined(one)]
        kept = sorted(fine + refined, key=lambda one: -one.score)
        kept += search.neighbours(kept[0])
    result: dict[IndexMap, Candidate] = {}
    for one in kept:
        index_map = _map_of(one, other.shape)
        result.setdefault(index_map, Candidate(index_map, one.score))
    return Candidates(tuple(result.values()), _are_all_kept(found))


def _are_all_kept(found: list[_Found]) -> bool:
    """Return whether none was left out of those that come as near to the best one as chance allows."""
    if not found:
        return True
    best = max(found, key=lambda one: one.score)
    least = best.score - _chance(best.score, best.samples)
    fine = [one for one in found if not one.is_coarse and one.score >= least]
    coarse = [one for one in found if one.is_coarse and one.score >= least - one.between]
    most = max(Counter((one.axes, one.signs) for one in fine).values(), default=0)
    return most < _MOST_OFFSETS and len(fine) < _MOST_RIVALS and len(coarse) < _MOST_REFINED


def _chance(score: float, samples: int) -> float:
    return float(_CHANCE * np.sqrt(max(0.0, 1 - score**2) / samples) + 1e-6)


def _rivals(found: list[_Found]) -> list[_Found]:
    found.sort(key=lambda one: -one.score)
    if not found:
        return []
    near = [one for one in found if one.score >= found[0].score - _MARGIN - one.between][:_MOST_RIVALS]
    best_of_each: dict[tuple[Three, Three], _Found] = {}
    for one in found:
        best_of_each.setdefault((one.axes, one.signs), one)
    return near + [one for one in best_of_each.values() if one not in near]


def _map_of(found: _Found, shape: tuple[int, ...]) -> IndexMap:
    origin = [0, 0, 0]
    for n, (axis, sign) in enumerate(zip(found.axes, found.signs, strict=True)):
        origin[axis] = found.offset[n] + (0 if sign > 0 else shape[n] - 1)
    return IndexMap(found.axes, found.signs, (origin[0], origin[1], origin[2]))


class _Search:
    """Small versions of both volumes, each made once."""

    def __init__(self, reference: npt.NDArray, other: npt.NDArray) -> None:
        self._reference = reference
        self._other = other
        self._empty = centre_value(reference), centre_value(other)
        self._cache: dict[tuple[int, tuple[tuple[str, int], ...]], FloatArray] = {}
        self._losses: dict[tuple[tuple[str, int], ...], float] = {}

    def arrangement(self, axes: Three) -> list[_Found]:
        """Return the best offsets for one order of axes, all eight reversals."""
        inner = tuple(self._reference.shape[a] for a in axes)
        searched = tuple(n for n in range(3) if self._other.shape[n] < inner[n])
        kinds = tuple(self._kind(n, inner[n], searched) for n in range(3))
        by_reference = [("", 0)] * 3
        for n, axis in enumerate(axes):
            by_reference[axis] = kinds[n]
        whole = self._small(0, tuple(by_reference)).transpose(axes)
        part = self._small(1, kinds)
        step = tuple(kind[1] if kind[0] == "block" else 1 for kind in kinds)
        between = _BETWEEN_STEPS + _LOSSES * self._loss(kinds, part) if max(step) > 1 else 0.0
        finder = PatchFinder(whole, part.shape, searched)
        result = []
        for signs in product((1, -1), repeat=3):
            reversed_ = part[tuple(slice(None, None, sign) for sign in signs)]
            scores = finder.correlations(reversed_)
            for flat in _largest(scores, peaks_only=max(step) > 1):
                start = np.unravel_index(flat, scores.shape)
                offset = [
                    int(s) * f - self._cut_off(n, f, signs[n]) for n, (s, f) in enumerate(zip(start, step, strict=True))
                ]
                score = float(scores.flat[flat])
                result.append(_Found(axes, _three(signs), _three(offset), score, _three(step), part.size, between))
        return result

    def _kind(self, n: int, length: int, searched: tuple[int, ...]) -> tuple[str, int]:
        """How an axis is made small: ("area", samples), ("block", step)."""
        if n not in searched:
            return ("area", min(length, _FIXED_SAMPLES))
        if len(searched) == 1:
            return ("block", 1)
        step = -(-length // _SEARCHED_SAMPLES)
        return ("block", max(1, min(step, self._other.shape[n] // _LEAST_SAMPLES)))

    def _loss(self, kinds: tuple[tuple[str, int], ...], part: FloatArray) -> float:
        """What OTHER's correlation with itself loses when its blocks are moved by half a step along each axis."""
        if kinds not in self._losses:
            half = tuple(slice(size // 2 if kind == "block" else 0, None) for kind, size in kinds)
            edges = [_edges(*kind, length) for kind, length in zip(kinds, self._other[half].shape, strict=True)]
            moved = reduced(self._other[half], edges, self._empty[1])
            common = tuple(slice(0, min(a, b)) for a, b in zip(part.shape, moved.shape, strict=True))
            here, there = part[common] - part[common].mean(), moved[common] - moved[common].mean()
            energy = np.sqrt(float(np.sum(here * here)) * float(np.sum(there * there)))
            self._losses[kinds] = 1 - float(np.sum(here * there)) / energy if energy > 0 else 1.0
        return self._losses[kinds]

    def _cut_off(self, n: int, step: int, sign: int) -> int:
        """Voxels at the start of the reversed OTHER that are in no block."""
        return self._other.shape[n] % step if sign < 0 else 0

    def _small(self, which: int, kinds: tuple[tuple[str, int], ...]) -> FloatArray:
        if (which, kinds) not in self._cache:
            array = (self._reference, self._other)[which]
            edges = [_edges(kind, size, length) for (kind, size), length in zip(kinds, array.shape, strict=True)]
            self._cache[which, kinds] = reduced(array, edges, self._empty[which])
        return self._cache[which, kinds]

    def neighbours(self, found: _Found) -> list[_Found]:
        """Return the same arrangement one voxel further, in each direction in which there is room."""
        room = [self._reference.shape[a] - self._other.shape[n] for n, a in enumerate(found.axes)]
        result = []
        for n, move in product(range(3), (1, -1)):
            offset = list(found.offset)
            offset[n] += move
            if 0 <= offset[n] <= room[n]:
                result.append(_Found(found.axes, found.signs, _three(offset), found.score, found.step, found.samples))
        return result

    def refined(self, found: _Found) -> list[_Found]:
        """The exact offsets near a coarse one, by a lively block of OTHER at full resolution.

        The best one, and all that come as near to it as chance allows.
        """
        reversed_ = self._other[tuple(slice(None, None, sign) for sign in found.signs)]
        whole = self._reference.transpose(found.axes)
        block = _lively_block(reversed_)
        window = _window(found, block, whole.shape)
        patch = reduced(whole[window], (None,) * 3, self._empty[0])
        part = reduced(reversed_[block], (None,) * 3, self._empty[1])
        if any(p < q for p, q in zip(patch.shape, part.shape, strict=True)):
            return [found]
        searched = tuple(n for n in range(3) if patch.shape[n] > part.shape[n])
        scores = PatchFinder(patch, part.shape, searched).correlations(part)
        limits = [whole.shape[n] - reversed_.shape[n] for n in range(3)]
        result, best = [], float(np.max(scores))
        for flat in np.argsort(-scores, axis=None)[:_MOST_NEAR]:
            score = float(scores.flat[flat])
            if score < best - _chance(best, part.size):
                break
            start = np.unravel_index(int(flat), scores.shape)
            offset = [int(start[n]) + window[n].start - block[n].start for n in range(3)]
            inside = [min(max(o, 0), limit) for o, limit in zip(offset, limits, strict=True)]
            result.append(_Found(found.axes, found.signs, _three(inside), score, (1, 1, 1), found.samples))
        return result


def _window(found: _Found, block: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Where a block of the reversed OTHER may lie in the reordered REFERENCE, a step around a coarse offset."""
    window = []
    for n in range(3):
        reach = 0 if found.step[n] == 1 else found.step[n] + 1
        start = found.offset[n] + block[n].start
        low = max(0, start - reach)
        high = min(shape[n], found.offset[n] + block[n].stop + reach)
        window.append(slice(low, max(high, low + block[n].stop - block[n].start)))
    return tuple(window)


def _edges(kind: str, size: int, length: int) -> FloatArray | None:
    if (kind == "block" and size == 1) or (kind == "area" and size == length):
        return None
    return area_edges(size, length) if kind == "area" else block_edges(size, length)


def _largest(scores: FloatArray, peaks_only: bool) -> npt.NDArray[np.intp]:
    """Flat indices of the largest scores; of peaks only, where each is to be refined in its surroundings."""
    if peaks_only:
        scores = np.where(scores >= _largest_around(scores), scores, -1)
    flat = scores.reshape(-1)
    if flat.size <= _MOST_OFFSETS:
        return np.arange(flat.size)
    return np.argpartition(-flat, _MOST_OFFSETS)[:_MOST_OFFSETS]


def _largest_around(scores: FloatArray) -> FloatArray:
    result = scores
    for axis in range(3):
        lines = np.moveaxis(result, axis, 0)
        widest = lines.copy()
        widest[1:] = np.maximum(widest[1:], lines[:-1])
        widest[:-1] = np.maximum(widest[:-1], lines[1:])
        result = np.moveaxis(widest, 0, axis)
    return result


def _lively_block(array: npt.NDArray) -> tuple[slice, ...]:
    """Return the block of at most 40 voxels an axis, among 27, in which the values vary most."""
    starts = []
    for length in array.shape:
        free = max(0, length - _REFINED_EDGE)
        starts.append(sorted({0, free // 2, free}))
    blocks = [
        tuple(slice(s, min(s + _REFINED_EDGE, n)) for s, n in zip(start, array.shape, strict=True))
        for start in product(*starts)
    ]
    return max(blocks, key=lambda block: float(np.nanvar(array[block].astype(np.float64))))


def _three(values: object) -> Three:
    a, b, c = (int(v) for v in values)  # type: ignore[attr-defined]
    return a, b, c
