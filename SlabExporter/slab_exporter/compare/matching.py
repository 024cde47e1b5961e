"""How one volume's voxels relate to another's, and whether that is certain.

Equal voxels decide at once; with noise or another intensity scale the residuals are weighed
(``regression``). What decides is then checked (``certainty``): against chance, at every voxel, and for
residual motion block by block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..core.index_map import IndexMap, Three
from .certainty.chance import bits_needed, content_bits
from .certainty.intensity import EDITED, EQUAL, SIMILAR, Intensity, describe_intensity
from .certainty.motion import STRUCTURED, Motion, judge_motion
from .certainty.response import Placed, box_there, fit_response
from .exact import equal_placements
from .regression import Regression, Samples, better_neighbour
from .search import find_candidates

CERTAIN, UNCERTAIN, AMBIGUOUS, NONE = "certain", "uncertain", "ambiguous", "none"
# Below this correlation the two volumes are not taken for copies of one another.
LEAST_CORRELATION = 0.8
# So many equal arrangements are counted, not more.
_ENOUGH = 8
# Values that differ by a smaller part are equal.
_ROUNDING = 1e-9
_CROWDED = "very many arrangements of the voxels fit about equally well: the content repeats itself."
# VoxelMatch.rank up to which another explanation is looked for.
_RANK_OF_DOUBT = 1
_BY_CHANCE = "so little content agrees that it may be chance."


@dataclass(frozen=True)
class VoxelMatch:
    """Result of matching.

    Attributes:
        status: "certain"; "uncertain" (one placement fits best, but a check failed); "ambiguous"; "none".
        maps: the placement; all that fit equally well if ambiguous; empty if none.
        intensity: for the first of them; None if there is none.
        reason: a sentence where the status is not "certain".
        border: whether a constant border of OTHER (padding) was left out of the comparison.
        motion: what is known about residual motion; None where all voxels are equal, or nothing fits.
    """

    status: str
    maps: tuple[IndexMap, ...] = ()
    intensity: Intensity | None = None
    reason: str = ""
    border: bool = False
    motion: Motion | None = None

    @property
    def is_a_copy(self) -> bool:
        """Return whether OTHER's values are a function of REFERENCE's at every voxel, beyond chance."""
        if self.intensity is None or self.status == UNCERTAIN:
            return False
        return self.intensity.kind not in (SIMILAR, EDITED)

    @property
    def is_by_chance(self) -> bool:
        """Return whether too little agrees to rule out chance."""
        return self.reason == _BY_CHANCE

    @property
    def rank(self) -> int:
        """Return how much is known: the larger, the more."""
        return (NONE, UNCERTAIN, AMBIGUOUS, CERTAIN).index(self.status)


def match_voxels(reference: npt.NDArray, other: npt.NDArray) -> VoxelMatch:
    """Find where OTHER's voxels come from in REFERENCE.

    Args:
        reference: IJK.
        other: IJK; the whole, a part, a padded part, or more than the whole, in any order of axes.

    The direction of an axis along which OTHER is one voxel long cannot be seen, and is given as forwards.
    """
    for name, array in (("REFERENCE", reference), ("OTHER", other)):
        if _is_flat(array):
            return VoxelMatch(NONE, reason=f"{name} holds a single value everywhere; nothing can be told from it.")
    thin = _thin_axes(other)
    match = _match_inside(reference, other, thin)
    if match.is_a_copy or (match.status == CERTAIN and match.intensity and match.intensity.kind == EDITED):
        return match
    trimmed, start = without_border(other)
    if trimmed.shape != other.shape and not _is_flat(trimmed):
        inner = _shifted(_match_inside(reference, trimmed, thin), start)
        if match.status != CERTAIN or match.maps != inner.maps:
            match = inner if inner.is_a_copy or inner.rank > match.rank else match
    if match.rank > _RANK_OF_DOUBT or sorted(other.shape) == sorted(reference.shape):
        return match
    thin_both = _thin_axes(reference) if len(_thin_axes(reference)) == len(thin) else ()
    swapped = _swapped(_match_inside(other, reference, thin_both))
    return swapped if swapped.rank > match.rank else match


def _swapped(match: VoxelMatch) -> VoxelMatch:
    """Return the match of REFERENCE inside OTHER as that of OTHER."""
    there = match.intensity
    if there is None:
        return match
    slope = 1 / there.slope if there.slope else 0.0
    maps = tuple(m.inverse() for m in match.maps)
    differing, motion = there.differing, match.motion
    if differing is not None:
        box = box_there(maps[0], differing.box)
        differing = replace(differing, box=box, largest=differing.largest * abs(slope))
    if motion is not None:
        motion = motion.along(maps[0])
    intensity = replace(
        there, slope=slope, intercept=-there.intercept * slope, noise=there.noise * abs(slope), differing=differing
    )
    return replace(match, maps=maps, intensity=intensity, motion=motion)


def _is_flat(array: npt.NDArray) -> bool:
    """Return whether all finite values are equal; of floats but for rounding."""
    if array.dtype.kind in "iu":
        return int(array.min()) == int(array.max())
    low, high = np.inf, -np.inf
    for plane in np.moveaxis(array, int(np.argmax(np.abs(array.strides))), 0):
        values = plane[np.isfinite(plane)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        if high - low > _ROUNDING * max(abs(low), abs(high)):
            return False
    return True


def without_border(array: npt.NDArray) -> tuple[npt.NDArray, Three]:
    """Return the array without the constant slices at its six sides, and the index where what is left begins."""
    start = []
    for axis in range(3):
        planes = np.moveaxis(array, axis, 0)
        value = planes[0].flat[0]
        low, high = 0, len(planes)
        while high - low > 1 and np.all(planes[low] == value):
            low += 1
        value = planes[-1].flat[0]
        while high - low > 1 and np.all(planes[high - 1] == value):
            high -= 1
        start.append(low)
        array = np.moveaxis(planes[low:high], 0, axis)
    return array, (start[0], start[1], start[2])


def _shifted(match: VoxelMatch, start: Three) -> VoxelMatch:
    """Return the match of a part of OTHER as that of OTHER itself."""
    maps = []
    for found in match.maps:
        origin = list(found.origin)
        for n, (axis, sign) in enumerate(zip(found.axes, found.signs, strict=True)):
            origin[axis] -= sign * start[n]
        maps.append(IndexMap(found.axes, found.signs, (origin[0], origin[1], origin[2])))
    return replace(match, maps=tuple(maps), border=True)


def _thin_axes(array: npt.NDArray) -> tuple[int, ...]:
    return tuple(axis for axis in range(3) if array.shape[axis] == 1)


def _without_twins(maps: list[IndexMap], thin: tuple[int, ...]) -> list[IndexMap]:
    """Placements without those that only reverse an axis of OTHER that is one voxel long, which changes nothing."""
    forward = []
    for found in maps:
        i, j, k = (1 if n in thin else sign for n, sign in enumerate(found.signs))
        forward.append(IndexMap(found.axes, (i, j, k), found.origin))
    return list(dict.fromkeys(forward))


def _match_inside(reference: npt.NDArray, other: npt.NDArray, thin: tuple[int, ...]) -> VoxelMatch:
    """Find where OTHER lies wholly inside REFERENCE; along its ``thin`` axes the direction is left open (forwards)."""
    exact = _without_twins(equal_placements(reference, other, _ENOUGH << len(thin)), thin)
    if exact:
        intensity = Intensity(EQUAL, 1.0, 0.0, 1.0)
        if len(exact) > 1:
            return VoxelMatch(AMBIGUOUS, tuple(exact), intensity, _symmetric(len(exact)))
        needed = bits_needed(reference.shape, other.shape)
        status, reason = (CERTAIN, "") if content_bits(other, needed) >= needed else (UNCERTAIN, _BY_CHANCE)
        return VoxelMatch(status, tuple(exact), intensity, reason)
    candidates = find_candidates(reference, other)
    if not candidates.placements:
        return VoxelMatch(NONE, reason="OTHER fits into REFERENCE in no order of axes.")
    maps = _without_twins([candidate.map for candidate in candidates.placements], thin)
    match = _weigh(reference, other, maps, Samples(reference, other))
    crowded = match.status == CERTAIN and not candidates.are_all
    return replace(match, status=AMBIGUOUS, reason=_CROWDED) if crowded else match


def _symmetric(count: int) -> str:
    number = str(count) if count < _ENOUGH else f"{count} or more"
    return f"{number} arrangements of the voxels fit equally well: the content is symmetric or repeats itself."


def _weigh(reference: npt.NDArray, other: npt.NDArray, maps: list[IndexMap], samples: Samples) -> VoxelMatch:
    """Decide between placements none of which is exact."""
    curved = False
    winner, best = _best_of(maps, samples, curved)
    if best.correlation < LEAST_CORRELATION:
        curved = True
        alike = f"no arrangement of the voxels makes them alike (largest correlation {best.correlation:.2f})."
        winner, best = _best_of(maps, samples, curved)
        if best.correlation < LEAST_CORRELATION:
            return VoxelMatch(NONE, reason=alike)
    rivals = [m for m in maps if m != winner and not best.leads(samples.regression(m, curved))]
    response = fit_response(samples, winner, other.dtype.kind in "iu")
    placed = Placed(reference, other, winner, response)
    intensity = describe_intensity(placed, samples)
    if rivals:
        return VoxelMatch(AMBIGUOUS, (winner, *rivals), intensity, _symmetric(len(rivals) + 1))
    if intensity.kind == SIMILAR and (better := better_neighbour(reference, other, winner)) is not None:
        reason = "the voxels fit better when shifted beyond the edge: OTHER was moved, rolled or resampled."
        return VoxelMatch(AMBIGUOUS, (winner, better), replace(intensity, structured=True), reason)
    motion = judge_motion(placed, samples, intensity.differing)
    fault = motion.fault or (STRUCTURED if intensity.structured else "")
    if intensity.kind == SIMILAR:
        intensity = replace(intensity, structured=intensity.structured or motion.is_of_another_image)
    if not fault and motion.bits < bits_needed(reference.shape, other.shape):
        fault = _BY_CHANCE
    return VoxelMatch(UNCERTAIN if fault else CERTAIN, (winner,), intensity, fault, motion=motion)


def _best_of(maps: list[IndexMap], samples: Samples, curved: bool) -> tuple[IndexMap, Regression]:
    scores = {index_map: samples.regression(index_map, curved).correlation for index_map in maps}
    winner = max(scores, key=lambda index_map: scores[index_map])
    return winner, samples.regression(winner, curved)
