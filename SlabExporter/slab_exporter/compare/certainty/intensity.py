"""How OTHER's values follow from REFERENCE's, checked at every voxel.

A response (the identity, a line or a curve) is fitted to a regular selection of voxels in a way that
voxels which were edited do not disturb; then every voxel is compared with it, plane by plane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ...core.index_map import IndexMap
from ..regression import Regression, Samples, residual_structure, shape_of

EQUAL, ROUNDED, RESCALED, REMAPPED = "equal", "rounded", "rescaled", "remapped"
EDITED, SIMILAR = "edited", "similar"

# Correlation of neighbouring residuals beyond which they are not noise but structure.
_STRUCTURED = 0.3
# Part of the spread beyond which a residual is too small to matter: of a shift by a tenth of a voxel.
_NEARLY_EQUAL = 0.999
# The part of the spread that a function of REFERENCE's values explains, if nothing else was done.
_REMAPPED = 0.995
# Rounding must be a smaller part of the spread than this, or "but for rounding" would say nothing.
_FINE_ROUNDING = 0.25
# Of the normal distribution: standard deviation / median of the magnitude.
_MAD = 1.4826
# So many standard deviations beyond the noise a voxel counts as edited: 1 in 10 ** 15 by chance.
_OUTLIER, _EDIT = 5.0, 8.0
_KNOTS = 256
# Part of the voxels that stand at the ends of a window, if there is one.
_SATURATED = 0.01
_ROUNDS = 6
# A value that stands at more than this part of the voxels is background, and says nothing about agreement.
_BACKGROUND = 0.05


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


@dataclass(frozen=True)
class Response:
    """OTHER's value as a function of REFERENCE's.

    Attributes:
        slope: of the line that fits most voxels.
        intercept: of that line.
        rounding: what rounding explains, in OTHER's units; 0 where the values are equal.
        noise: standard deviation of the residual at most voxels; 0 where rounding explains it.
        knots: REFERENCE's values at the corners of a curve; None for a line.
        values: OTHER's there.
        limits: where the line was clipped to a window, in OTHER's units; None where it was not.
    """

    slope: float
    intercept: float
    rounding: float
    noise: float
    knots: FloatArray | None = None
    values: FloatArray | None = None
    limits: tuple[float, float] | None = None

    @property
    def is_line(self) -> bool:
        """Return whether values follow a straight line throughout."""
        return self.knots is None and self.limits is None

    @property
    def is_identity(self) -> bool:
        """Return whether most voxels are equal."""
        return self.rounding == 0

    @property
    def tolerance(self) -> float:
        """A residual beyond it is neither rounding nor noise, but for one voxel in a million."""
        return max(self.rounding, _OUTLIER * self.noise)

    def predicted(self, reference: FloatArray) -> FloatArray:
        """OTHER's values for REFERENCE's."""
        if self.knots is not None and self.values is not None:
            return np.interp(reference, self.knots, self.values)
        line = reference if self.is_identity else self.slope * reference + self.intercept
        return line if self.limits is None else np.clip(line, *self.limits)


@dataclass(frozen=True, eq=False)
class Placed:
    """OTHER at a placement wholly inside REFERENCE, and what REFERENCE predicts for it.

    Attributes:
        reference: IJK.
        other: IJK.
        map: the placement.
        response: predicts OTHER's values.
    """

    reference: npt.NDArray
    other: npt.NDArray
    map: IndexMap
    response: Response


def fit_response(samples: Samples, index_map: IndexMap, whole_numbers: bool) -> Response:
    """Fit the response that most of the sampled voxels follow.

    Args:
        samples: of both volumes.
        index_map: the placement.
        whole_numbers: whether OTHER holds integers.
    """
    a, b = samples.values(index_map), samples.other
    live = _live(a, b)
    spread, line = float(b.std()), _robust_line(a[live], b[live])
    rounding = 0.51 if whole_numbers else 1e-5 * max(spread, abs(line[1]), 1e-30)
    clipped = _clipped(a, b, rounding)
    if float(np.median(np.abs(b - a)[live])) == 0:
        is_window = clipped is not None and float(np.max(np.abs(b - clipped.predicted(a)))) <= rounding
        return clipped if clipped is not None and is_window and np.any(a != b) else Response(1.0, 0.0, 0.0, 0.0)
    straight = Response(*line, rounding, 0.0)
    noise = _noise(b - straight.predicted(a), live)
    if noise <= rounding and rounding <= _FINE_ROUNDING * spread:
        return straight
    if clipped is not None and _noise(b - clipped.predicted(a), live) <= rounding <= _FINE_ROUNDING * spread:
        return clipped
    linear = Regression.linear(a, b)
    curve = linear.curved(b)
    if curve.correlation**2 > max(_REMAPPED, 1 - (1 - linear.correlation**2) / 2) or linear.correlation**2 < 0.64:
        knots, values = _curve(a, b)
        bent = replace(straight, knots=knots, values=values)
        bent_noise = _noise(b - bent.predicted(a), live)
        return replace(bent, noise=0.0 if bent_noise <= rounding else bent_noise)
    return replace(straight, noise=noise)


def _clipped(a: FloatArray, b: FloatArray, rounding: float) -> Response | None:
    """A line that ends at OTHER's least and largest value, where many of its values stand: a window."""
    low, high = float(b.min()), float(b.max())
    inside = (b > low) & (b < high)
    if inside.sum() < 2 or np.mean(inside) > 1 - _SATURATED:
        return None
    return Response(*_robust_line(a[inside], b[inside]), rounding, 0.0, limits=(low, high))


def _live(a: FloatArray, b: FloatArray) -> npt.NDArray[np.bool_]:
    """Samples outside the common background of both volumes, which agrees wherever they lie."""
    background = np.ones(a.size, bool)
    for array in (a, b):
        values, counts = np.unique(array, return_counts=True)
        most = int(np.argmax(counts))
        background &= (array == values[most]) & (counts[most] > _BACKGROUND * array.size)
    return ~background if background.sum() < a.size else np.ones(a.size, bool)


def _robust_line(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Slope and intercept by least squares, again and again without the worst residuals."""
    keep = np.ones(a.size, bool)
    slope = intercept = 0.0
    for _ in range(_ROUNDS):
        line = Regression.linear(a[keep], b[keep])
        slope, intercept = line.slope, line.intercept
        residual = np.abs(b - slope * a - intercept)
        limit = 3 * _MAD * float(np.median(residual))
        keep = residual <= max(limit, 1e-12 * float(np.max(residual)))
        if keep.sum() < 2:
            break
    return slope, intercept


def _noise(residual: FloatArray, live: npt.NDArray[np.bool_]) -> float:
    return _MAD * float(np.median(np.abs(residual[live])))


def _curve(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of a curve through the means of OTHER's values over equally filled ranges of REFERENCE's."""
    edges = np.unique(a)
    if edges.size > _KNOTS:
        edges = np.unique(np.quantile(a, np.linspace(0, 1, _KNOTS)))
    step = np.clip(np.searchsorted(edges, a, side="right") - 1, 0, edges.size - 1)
    count = np.maximum(np.bincount(step, minlength=edges.size), 1)
    filled = np.bincount(step, minlength=edges.size) > 0
    knots, values = (np.bincount(step, array, edges.size) / count for array in (a, b))
    return knots[filled], values[filled]


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


def box_there(index_map: IndexMap, box: Box) -> Box:
    """A box of OTHER in REFERENCE's indices."""
    return index_map.part(box.start).box(box.shape)
