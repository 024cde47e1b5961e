"""How OTHER's values follow from REFERENCE's, checked at every voxel.

A response (the identity, a line or a curve) is fitted to a regular selection of voxels in a way that
voxels which were edited do not disturb; then every voxel is compared with it, plane by plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ..regression import Samples, residual_structure, shape_of
from .response import Placed, Response

EQUAL, ROUNDED, RESCALED, REMAPPED = "equal", "rounded", "rescaled", "remapped"
EDITED, SIMILAR = "edited", "similar"

# Correlation of neighbouring residuals beyond which they are not noise but structure.
_STRUCTURED = 0.3
# Part of the spread beyond which a residual is too small to matter: of a shift by a tenth of a voxel.
_NEARLY_EQUAL = 0.999
# The part of the spread that a function of REFERENCE's values explains, if nothing else was done.
_REMAPPED = 0.995
# So many standard deviations beyond the noise a voxel counts as edited: 1 in 10 ** 15 by chance.
_EDIT = 8.0


@dataclass(frozen=True)
class Difference:
    """Voxels that do not follow the relation of all the others.

    Attributes:
        count: how many.
        box: the box that holds them all, in REFERENCE's indices.
        largest: how far the worst one is from what REFERENCE's value there predicts, in OTHER's units.
    """

    count: int
    box: Box
    largest: float


@dataclass(frozen=True)
class Intensity:
    """Relation of OTHER's values to REFERENCE's: ``slope * reference + intercept``.

    Attributes:
        kind: "equal", "rounded" (equal but for rounding), "rescaled" (linear, but for rounding),
            "remapped" (another function, such as clipping), "edited" (one of these but at some voxels)
            or "similar" (linear with a residual).
        slope: of the regression.
        intercept: of the regression.
        correlation: coefficient over the sampled voxels.
        structured: whether the residual is no mere noise: resampled, filtered, or another image.
        differing: of all voxels, those that differ beyond rounding, or beyond the noise; None: no voxel does.
        noise: standard deviation of the residual where it is one.
    """

    kind: str
    slope: float
    intercept: float
    correlation: float
    structured: bool = False
    differing: Difference | None = None
    noise: float = 0.0


def describe_intensity(placed: Placed, samples: Samples) -> Intensity:
    """Describe how OTHER's values follow from REFERENCE's at a placement, after a look at every voxel."""
    response = placed.response
    best = samples.regression(placed.map)
    limit = max(response.rounding, _EDIT * response.noise)
    differing = find_differing(placed, limit)
    if response.noise == 0:
        slope, intercept, kind = response.slope, response.intercept, RESCALED
        if not response.is_line:
            kind = REMAPPED
        elif abs(slope - 1) < 1e-3 and abs(intercept) <= response.rounding:
            kind = ROUNDED
        if differing is not None:
            kind = EDITED
        return Intensity(kind, slope, intercept, best.correlation, differing=differing)
    structured = best.correlation**2 < _NEARLY_EQUAL and (
        residual_structure(placed.reference, placed.other, placed.map, best) > _STRUCTURED
    )
    kind, correlation = SIMILAR, best.correlation
    if not response.is_line:
        curve = samples.regression(placed.map, curved=True)
        if curve.correlation**2 > _REMAPPED:
            kind, correlation, structured = REMAPPED, curve.correlation, False
    return Intensity(kind, best.slope, best.intercept, correlation, structured, differing, response.noise)


def find_differing(placed: Placed, limit: float) -> Difference | None:
    """Look at every voxel: which lie further than ``limit`` (in OTHER's units) from what REFERENCE predicts.

    Returns:
        Their number, the box that holds them in REFERENCE's indices, and the largest difference (infinite where
        one value is finite and the other is not); None where there are none.
    """
    other, response = placed.other, placed.response
    arranged = placed.map.arranged(placed.reference, shape_of(other))
    slowest = int(np.argmax(np.abs(other.strides)))
    rest = [axis for axis in range(3) if axis != slowest]
    count, largest = 0, 0.0
    seen = [np.zeros(n, bool) for n in other.shape]
    planes = zip(np.moveaxis(arranged, slowest, 0), np.moveaxis(other, slowest, 0), strict=True)
    for n, (there, here) in enumerate(planes):
        if response.is_identity and np.array_equal(there, here):
            continue
        size = _distance(there, here, response)
        far = size > limit
        found = int(np.count_nonzero(far))
        if found:
            count, largest = count + found, max(largest, float(size[far].max()))
            seen[slowest][n] = True
            seen[rest[0]] |= far.any(axis=1)
            seen[rest[1]] |= far.any(axis=0)
    if not count:
        return None
    ends = [np.flatnonzero(along) for along in seen]
    start, stop = tuple(int(e[0]) for e in ends), tuple(int(e[-1]) + 1 for e in ends)
    box = placed.map.part(start).box(Box(start, stop).shape)  # type: ignore[arg-type]
    return Difference(count, box, largest)


def _distance(there: npt.NDArray, here: npt.NDArray, response: Response) -> FloatArray:
    """Magnitude of the residual; 0 where both are NaN or the same infinity, infinite where only one is finite."""
    if response.is_identity and there.dtype.kind in "iu" and there.dtype == here.dtype:
        # exact also beyond 2 ** 53
        return np.where(there > here, there - here, here - there).astype(np.float64)
    values = there.astype(np.float64)
    with np.errstate(invalid="ignore"):
        size = np.abs(here.astype(np.float64) - response.predicted(values))
        bad = ~np.isfinite(size)
        if bad.any():
            same = (there == here) | ((there != there) & (here != here))
            size[bad] = np.where(same[bad], 0.0, np.inf)
    return size
