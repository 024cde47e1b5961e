"""What REFERENCE's values predict for OTHER's: the identity, a line, a window or a curve.

Fitted to a regular selection of voxels, in a way that voxels which were edited do not disturb.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ...core.index_map import IndexMap
from ..regression import Regression, Samples

# The part of the spread that a function of REFERENCE's values explains, if nothing else was done.
_REMAPPED = 0.995
# Rounding must be a smaller part of the spread than this, or "but for rounding" would say nothing.
_FINE_ROUNDING = 0.25
# Of the normal distribution: standard deviation / median of the magnitude.
_MAD = 1.4826
_KNOTS = 256
# Part of the voxels that stand at the ends of a window, if there is one.
_SATURATED = 0.01
_ROUNDS = 6
# A value that stands at more than this part of the voxels is background, and says nothing about agreement.
_BACKGROUND = 0.05
# So many standard deviations beyond the noise a voxel counts as changed.
_OUTLIER = 5.0


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


def box_there(index_map: IndexMap, box: Box) -> Box:
    """A box of OTHER in REFERENCE's indices."""
    return index_map.part(box.start).box(box.shape)
