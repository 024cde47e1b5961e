"""Estimate of how far a picture moved: an affine registration of small versions, for what is said in mm.

Gauss and Newton's method on the sum of squared differences, from coarse to fine, with the mean of both
pictures' gradients, which converges in fewer steps (Benhimane and Malis 2004). Nothing is called certain
by it: it finds motions that are too large for the linear estimate of ``motion``.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ...core.geometry import FloatArray
from ..cross_correlation import area_edges, centre_value, reduced
from ..regression import shape_of
from .response import Placed

# Voxels along an axis, from coarse to fine, and steps at each.
_SIZES, _STEPS, _SMOOTHINGS = (10, 20, 40), 12, 2
# The residual must shrink to this part, or no motion was found.
_EXPLAINED = 0.75
# Steps between neighbours that are a smaller part of the largest are no content.
_CONTENT = 0.05
_DAMPING, _CONVERGED = 1e-4, 0.999


def registered(placed: Placed) -> FloatArray | None:
    """4x4, index of a voxel of OTHER -> index, in OTHER's order, where REFERENCE has the same content.

    None where no affine motion explains a good part of what differs.
    """
    matrix = np.eye(4)
    explained = 1.0
    for size in _SIZES:
        if max(placed.other.shape) * 2 > size or size == _SIZES[0]:
            matrix, explained = _improved(placed, size, matrix)
    return matrix if explained < _EXPLAINED else None


def largest_step(placed: Placed, matrix: FloatArray) -> FloatArray:
    """Return the largest motion of content, as a vector in voxels of OTHER."""
    there, _, scale = _pictures(placed, _SIZES[-1])
    edges = np.sum([np.abs(_slope(there, axis)) for axis in range(3)], axis=0)
    index = (np.argwhere(edges >= _CONTENT * np.max(edges)) + 0.5) * scale - 0.5
    steps = index @ (np.eye(3) - matrix[:3, :3]).T - matrix[:3, 3]
    return steps[int(np.argmax(np.linalg.norm(steps, axis=1)))]


def _pictures(placed: Placed, size: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(what REFERENCE predicts, OTHER, voxels of OTHER a sample), with at most ``size`` samples an axis."""
    shape = shape_of(placed.other)
    edges = [None if n <= size else area_edges(size, n) for n in shape]
    arranged = placed.map.arranged(placed.reference, shape)
    there = placed.response.predicted(reduced(arranged, edges, centre_value(placed.reference)))
    here = reduced(placed.other, edges, centre_value(placed.other))
    return _smoothed(there), _smoothed(here), np.array(shape) / np.array(here.shape)


def _improved(placed: Placed, size: int, matrix: FloatArray) -> tuple[FloatArray, float]:
    """(the matrix after some steps, part of the residual's energy that is left)."""
    there, here, scale = _pictures(placed, size)
    to_full = np.diag([*scale, 1.0])
    to_full[:3, 3] = (scale - 1) / 2
    small = np.linalg.inv(to_full) @ matrix @ to_full
    grid = np.indices(here.shape).reshape(3, -1).astype(float)
    unit = grid / np.maximum(np.array(here.shape) - 1, 1)[:, None] * 2 - 1
    own = np.stack([_slope(here, axis) for axis in range(3)]).reshape(3, -1)
    basis = np.concatenate([np.ones((1, grid.shape[1])), unit])
    first = least = float(np.sum((here - there) ** 2))
    best = small
    for step in range(_STEPS):
        index = small[:3, :3] @ grid + small[:3, 3:]
        value, slope = _interpolated(there, index)
        residual = here.reshape(-1) - value
        energy = float(residual @ residual)
        if step and energy > _CONVERGED * least:
            break
        least, best = energy, small
        design = ((slope + own)[:, None] / 2 * basis[None]).reshape(12, -1)
        normal = design @ design.T
        normal += np.eye(12) * _DAMPING * np.trace(normal) / 12
        change = np.linalg.solve(normal, design @ residual).reshape(3, 4)
        small = small.copy()
        # the change is a function of the place about the middle, between -1 and 1
        half = np.maximum(np.array(here.shape) - 1, 1) / 2
        small[:3, :3] += change[:, 1:] / half
        small[:3, 3] += change[:, 0] - change[:, 1:].sum(axis=1)
    return to_full @ best @ np.linalg.inv(to_full), least / first if first > 0 else 1.0


def _smoothed(values: FloatArray) -> FloatArray:
    """Binomial averages: interpolation between samples would otherwise blur one of the two pictures only."""
    for axis in range(3):
        for _ in range(_SMOOTHINGS):
            padded = np.concatenate([np.take(values, [0], axis), values, np.take(values, [-1], axis)], axis)
            lines = np.moveaxis(padded, axis, 0)
            values = np.moveaxis((lines[:-2] + 2 * lines[1:-1] + lines[2:]) / 4, 0, axis)
    return values


def _slope(values: FloatArray, axis: int) -> FloatArray:
    return np.gradient(values, axis=axis) if values.shape[axis] > 1 else np.zeros(values.shape)


def _interpolated(values: FloatArray, index: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(values, gradients (3, n)) at indices that need not be whole; edges go on beyond the ends."""
    size = np.array(values.shape)[:, None]
    index = np.clip(index, 0, size - 1)
    low = np.minimum(index.astype(int), np.maximum(size - 2, 0))
    part = index - low
    value, slope = np.zeros(index.shape[1]), np.zeros(index.shape)
    for corner in product((0, 1), repeat=3):
        at = np.minimum(low + np.array(corner)[:, None], size - 1)
        known = values[at[0], at[1], at[2]]
        weight = [part[n] if c else 1 - part[n] for n, c in enumerate(corner)]
        value += weight[0] * weight[1] * weight[2] * known
        for n in range(3):
            others = [weight[m] for m in range(3) if m != n]
            slope[n] += (1 if corner[n] else -1) * others[0] * others[1] * known
    return value, slope
