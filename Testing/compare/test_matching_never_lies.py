"""Whatever the content: what is called certain is true, and exact copies are found or called ambiguous."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.compare.matching import match_voxels
from slab_exporter.core.geometry import Box
from slab_exporter.core.index_map import IndexMap
from support.phantoms import SIGNED_PERMUTATIONS


def smoothed(array, times):
    for _ in range(times):
        for axis in range(3):
            array = (array + np.roll(array, 1, axis) + np.roll(array, -1, axis)) / 3
    return array


def content(kind, shape, rng):
    """Rich, poor, symmetric and nearly symmetric pictures."""
    field = smoothed(rng.normal(size=shape), int(rng.integers(0, 5)))
    if kind == "blobs":
        return (field > np.quantile(field, 0.5 + 0.49 * rng.random())).astype(np.uint8)
    if kind == "labels":
        return np.digitize(field, np.quantile(field, [0.3, 0.6, 0.9])).astype(np.int16)
    if kind == "symmetric":
        return field + field[::-1]
    if kind == "nearly symmetric":
        return field + field[::-1] + 0.05 * rng.random() * smoothed(rng.normal(size=shape), 2)
    if kind == "specks":
        return np.where(rng.random(shape) < 0.02, rng.integers(1, 3, shape), 0).astype(np.uint8)
    return field


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["field", "blobs", "labels", "symmetric", "nearly symmetric", "specks"]),
    shape=st.tuples(*[st.integers(3, 18)] * 3),
    cut=st.tuples(*[st.tuples(st.floats(0, 1), st.floats(0, 1))] * 3),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
    noise=st.sampled_from([0, 0, 0.01, 0.1, 0.3]),
    scale=st.sampled_from([1, 0.3, 4]),
    swapped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_certain_is_true(kind, shape, cut, orientation, noise, scale, swapped, seed):
    rng = np.random.default_rng(seed)
    reference = content(kind, shape, rng)
    start = [int(min(a, b) * (n - 1)) for (a, b), n in zip(cut, shape, strict=True)]
    stop = [max(s + 1, round(max(a, b) * n)) for s, (a, b), n in zip(start, cut, shape, strict=True)]
    box = Box(tuple(start), tuple(stop))
    axes, signs = orientation
    origin = [0, 0, 0]
    for axis, sign in zip(axes, signs, strict=True):
        origin[axis] = box.start[axis] if sign > 0 else box.stop[axis] - 1
    truth = IndexMap(axes, signs, tuple(origin))
    other = truth.arranged(reference, tuple(box.shape[a] for a in axes)).copy()
    if noise:
        other = other * scale + rng.normal(0, noise * max(float(reference.std()), 1e-9), other.shape)
    match = match_voxels(other, reference) if swapped else match_voxels(reference, other)
    # the direction of an axis of one voxel cannot be seen
    visible = tuple(1 if n == 1 else sign for n, sign in zip(other.shape, signs, strict=True))
    expected = truth.inverse() if swapped else IndexMap(axes, visible, tuple(origin))
    if match.status == "certain" and not match.intensity.structured:
        assert match.maps[0] == expected
    if not noise and match.status == "none":
        assert "single value" in match.reason
    if not noise and match.status == "ambiguous":
        assert len(match.maps) > 1
