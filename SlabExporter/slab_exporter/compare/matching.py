"""How one volume's voxels relate to another's, and whether that is certain.

Equal voxels decide at once; with noise or another intensity scale the residuals are weighed
(``evidence``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..core.index_map import IndexMap, Three
from .exact import equal_placements
from .regression import Regression, Samples, better_neighbour, residual_structure
from .search import find_candidates

CERTAIN, AMBIGUOUS, NONE = "certain", "ambiguous", "none"
EQUAL, ROUNDED, RESCALED, REMAPPED, SIMILAR = "equal", "rounded", "rescaled", "remapped", "similar"

# Below this correlation the two volumes are not taken for copies of one another.
LEAST_CORRELATION = 0.8
# So many equal arrangements are counted, not more.
_ENOUGH = 8
# Values that differ by a smaller part are equal.
_ROUNDING = 1e-9
_CROWDED = "very many arrangements of the voxels fit about equally well: the content repeats itself."
# Correlation of neighbouring residuals beyond which they are no noise but structure.
_STRUCTURED = 0.3
# Part of the spread beyond which a residual is too small to matter: of a shift by a tenth of a voxel.
_NEARLY_EQUAL = 0.999
# The part of the spread that a function of REFERENCE's values explains, if nothing else was done.
_REMAPPED = 0.995


@dataclass(frozen=True)
class Intensity:
    """How OTHER's values follow from REFERENCE's: ``slope * reference + intercept``.

    Attributes:
        kind: "equal", "rounded" (equal but for rounding), "rescaled" (linear, but for rounding),
            "remapped" (another function, such as clipping) or "similar" (linear with a residual).
        slope: of the regression.
        intercept: of the regression.
        correlation: coefficient over the sampled voxels.
        structured: whether the residual is no mere noise: resampled, filtered, or another image.
    """

    kind: str
    slope: float
    intercept: float
    correlation: float
    structured: bool = False


@dataclass(frozen=True)
class VoxelMatch:
    """Result of matching.

    Attributes:
        status: "certain", "ambiguous" or "none".
        maps: the placement; all that fit equally well if ambiguous; empty if none.
        intensity: for the first of them; None if there is none.
        reason: a sentence where the status is not "certain".
        border: whether a constant border of OTHER (padding) was left out of the comparison.
    """

    status: str
    maps: tuple[IndexMap, ...] = ()
    intensity: Intensity | None = None
    reason: str = ""
    border: bool = False

    @property
    def is_a_copy(self) -> bool:
        """Whether OTHER's values are a function of REFERENCE's, without any residual."""
        return self.intensity is not None and self.intensity.kind != SIMILAR


def match_voxels(reference: npt.NDArray, other: npt.NDArray) -> VoxelMatch:
    """Where OTHER's voxels come from in REFERENCE.

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
    if match.is_a_copy:
        return match
    trimmed, start = without_border(other)
    if trimmed.shape != other.shape and not _is_flat(trimmed):
        inner = _shifted(_match_inside(reference, trimmed, thin), start)
        if inner.is_a_copy or (match.status == NONE and inner.status != NONE):
            return inner
    if match.status != NONE:
        return match
    if sorted(other.shape) == sorted(reference.shape):
        return match
    thin_both = _thin_axes(reference) if len(_thin_axes(reference)) == len(thin) else ()
    swapped = _match_inside(other, reference, thin_both)
    if swapped.status != NONE and swapped.intensity is not None:
        there = swapped.intensity
        slope = 1 / there.slope if there.slope else 0.0
        intensity = Intensity(there.kind, slope, -there.intercept * slope, there.correlation, there.structured)
        return VoxelMatch(swapped.status, tuple(m.inverse() for m in swapped.maps), intensity, swapped.reason)
    return match


def _is_flat(array: npt.NDArray) -> bool:
    """Whether all finite values are equal; of floats but for rounding."""
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
    """The array without the constant slices at its six sides, and the index where what is left begins."""
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
    """The match of a part of OTHER as that of OTHER itself."""
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
    """Where OTHER lies wholly inside REFERENCE; along its ``thin`` axes the direction is left open (forwards)."""
    exact = _without_twins(equal_placements(reference, other, _ENOUGH << len(thin)), thin)
    if exact:
        intensity = Intensity(EQUAL, 1.0, 0.0, 1.0)
        if len(exact) > 1:
            return VoxelMatch(AMBIGUOUS, tuple(exact), intensity, _symmetric(len(exact)))
        return VoxelMatch(CERTAIN, tuple(exact), intensity)
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
    intensity = _intensity(reference, other, winner, samples)
    if rivals:
        return VoxelMatch(AMBIGUOUS, (winner, *rivals), intensity, _symmetric(len(rivals) + 1))
    if intensity.kind == SIMILAR and (better := better_neighbour(reference, other, winner)) is not None:
        reason = "the voxels fit better when shifted beyond the edge: OTHER was moved, rolled or resampled."
        return VoxelMatch(AMBIGUOUS, (winner, better), replace(intensity, structured=True), reason)
    return VoxelMatch(CERTAIN, (winner,), intensity)


def _best_of(maps: list[IndexMap], samples: Samples, curved: bool) -> tuple[IndexMap, Regression]:
    scores = {index_map: samples.regression(index_map, curved).correlation for index_map in maps}
    winner = max(scores, key=lambda index_map: scores[index_map])
    return winner, samples.regression(winner, curved)


def _intensity(reference: npt.NDArray, other: npt.NDArray, index_map: IndexMap, samples: Samples) -> Intensity:
    best = samples.regression(index_map)
    largest = float(np.max(np.abs(best.residual)))
    spread = float(np.std(best.residual + best.slope * best.values))
    # Whole numbers are rounded by up to a half; floats keep about seven digits.
    rounding = 0.51 if other.dtype.kind in "iu" else 1e-5 * max(spread, abs(best.intercept), 1e-30)
    if largest <= rounding:
        same = abs(best.slope - 1) < 1e-3 and abs(best.intercept) <= rounding
        kind = ROUNDED if same else RESCALED
        return Intensity(kind, best.slope, best.intercept, best.correlation)
    curve = samples.regression(index_map, curved=True)
    if curve.correlation**2 > max(_REMAPPED, 1 - (1 - best.correlation**2) / 2):
        return Intensity(REMAPPED, best.slope, best.intercept, curve.correlation)
    structured = best.correlation**2 < _NEARLY_EQUAL and (
        residual_structure(reference, other, index_map, best) > _STRUCTURED
    )
    return Intensity(SIMILAR, best.slope, best.intercept, best.correlation, structured)
