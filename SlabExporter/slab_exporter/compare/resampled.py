"""Where a resampled volume lies: no voxel is a copy any more, but the picture still tells.

Two families of hypotheses are tried: OTHER shows REFERENCE's whole field of view, in any of the 48
arrangements of axes; or it lies where its own affine says, or is reversed there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from ..core.geometry import FloatArray, VolumeGeometry
from .cross_correlation import area_edges, centre_value, reduced
from .regression import Regression

# Copies that were interpolated correlate better than this; other patients' images hardly do.
_LEAST_CORRELATION = 0.9
_LEAST_DIFFERENCE = 400.0
_REFERENCE_SAMPLES = 64
_OTHER_SAMPLES = 32
# Part of OTHER that must lie inside REFERENCE for an opinion.
_LEAST_INSIDE = 0.5


@dataclass(frozen=True)
class Resampled:
    """Position of a resampled volume.

    Attributes:
        geometry: of OTHER, good to about a voxel.
        correlation: of the pictures there.
        is_ambiguous: whether other arrangements fit as well.
    """

    geometry: VolumeGeometry
    correlation: float
    is_ambiguous: bool


def find_resampled(
    reference_ijk: npt.NDArray, reference: VolumeGeometry, other_ijk: npt.NDArray, other: VolumeGeometry
) -> Resampled | None:
    """Geometry that puts OTHER, to about a voxel, where REFERENCE has the same picture.

    Returns:
        None where nothing fits; otherwise the geometry, the correlation there, and whether other
        arrangements fit as well.
    """
    pictures = _Pictures(reference_ijk, reference, other_ijk)
    hypotheses = [*_same_field_of_view(reference, other.shape_ijk), *_reversed_in_place(other)]
    values = [pictures.at(geometry) for geometry in hypotheses]
    scores = [Regression.linear(*pair).correlation if pair is not None else 0.0 for pair in values]
    best = int(np.argmax(scores))
    found, pair = hypotheses[best], values[best]
    if pair is None or scores[best] < _LEAST_CORRELATION:
        return None
    regression = Regression.linear(*pair)
    near = 2 * float(max(*reference.spacing, *other.spacing))
    for geometry, rival in zip(hypotheses, values, strict=True):
        if rival is None or geometry.corner_distance(found) <= near or _lies_along(geometry, found):
            continue
        if rival[0].shape != pair[0].shape or not regression.leads(Regression.linear(*rival), _LEAST_DIFFERENCE):
            return Resampled(found, scores[best], is_ambiguous=True)
    return Resampled(found, scores[best], is_ambiguous=False)


def _lies_along(a: VolumeGeometry, b: VolumeGeometry) -> bool:
    """Return whether two hypotheses differ in position only: no rivals about orientation."""
    return bool(np.allclose(a.directions, b.directions, rtol=0, atol=0.05))


def _same_field_of_view(reference: VolumeGeometry, shape: tuple[int, int, int]) -> list[VolumeGeometry]:
    result = []
    for axes in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            # outer edges on outer edges
            index = np.zeros((4, 4))
            index[3, 3] = 1
            for n, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
                size = reference.shape_ijk[axis] / shape[n]
                index[axis, n] = sign * size
                index[axis, 3] = (size - 1) / 2 if sign > 0 else reference.shape_ijk[axis] - (size + 1) / 2
            result.append(VolumeGeometry(shape, reference.affine_ras @ index))
    return result


def _reversed_in_place(other: VolumeGeometry) -> list[VolumeGeometry]:
    result = []
    for signs in product((1, -1), repeat=3):
        turn = np.diag([*(float(s) for s in signs), 1.0])
        turn[:3, 3] = [n - 1 if sign < 0 else 0 for n, sign in zip(other.shape_ijk, signs, strict=True)]
        result.append(VolumeGeometry(other.shape_ijk, other.affine_ras @ turn))
    return result


class _Pictures:
    """Small versions of both volumes, and REFERENCE's values where a hypothesis puts OTHER's."""

    def __init__(self, reference_ijk: npt.NDArray, reference: VolumeGeometry, other_ijk: npt.NDArray) -> None:
        self._reference = reference
        self._small = _small(reference_ijk, _REFERENCE_SAMPLES)
        self._other = _small(other_ijk, _OTHER_SAMPLES)
        grid = np.indices(self._other.shape).reshape(3, -1).T
        scale = np.array(other_ijk.shape) / self._other.shape
        self._ijk = (grid + 0.5) * scale - 0.5

    def at(self, geometry: VolumeGeometry) -> tuple[FloatArray, FloatArray] | None:
        """(REFERENCE's, OTHER's) values; None where too little of OTHER lies inside."""
        there = self._reference.ijk(geometry.ras(self._ijk))
        scale = np.array(self._reference.shape_ijk) / self._small.shape
        nearest = np.floor((there + 0.5) / scale).astype(int)
        inside = np.all((nearest >= 0) & (nearest < self._small.shape), axis=1)
        if np.mean(inside) < _LEAST_INSIDE:
            return None
        i, j, k = nearest[inside].T
        return self._small[i, j, k], self._other.reshape(-1)[inside]


def _small(array: npt.NDArray, most: int) -> FloatArray:
    edges = [None if n <= most else area_edges(most, n) for n in array.shape]
    return reduced(array, edges, centre_value(array))
