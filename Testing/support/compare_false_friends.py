"""Pairs that look like rearrangements and are not: moved, deformed, edited, unrelated, periodic, tiny."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count, permutations, product
from pathlib import Path

import numpy as np

from support.compare_pairs import AFFINES, Builder, Pair, body, contents, geometry, moved_by, rearranged, smooth, stated
from support.phantoms import SIGNED_PERMUTATIONS, rotation

AXES = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 2.0, 3.0))


def linear(matrix):
    """A motion that is a matrix about the centre."""
    return lambda index: np.einsum("ab,b...->a...", matrix - np.eye(3), index)


def turned(kind, array, motion, nearest, noise, n, rng) -> Pair:
    """The pair of an array and the same after a motion, in some order of axes, with some affine."""
    other, far = moved_by(array, motion, nearest)
    if noise:
        other = other + rng.normal(0, noise * array.std(), other.shape)
    orientation = SIGNED_PERMUTATIONS[n % 48 if n % 2 else 0]
    other, true = rearranged(other, geometry(), orientation, "whole")
    far, _ = rearranged(far, geometry(), orientation, "whole")
    return Pair(kind, False, array, geometry(), other, stated(AFFINES[n % 3], true, geometry(), n), true, far)


def moved_pairs(data: Path | None) -> Iterator[Builder]:
    """Rotations, scalings and shifts by part of a voxel."""
    number = count(1)
    for (_, array), noise, nearest in product(contents(data).items(), (0, 0.05), (False, True)):
        for degrees, axis in product((0.5, 1, 2, 5, 10), AXES[2:]):
            motion = linear(rotation(degrees, axis))
            yield partial(turned, f"rotated by {degrees:g} degrees", array, motion, nearest, noise, next(number))
        for percent in (1, 2, 5):
            scale = np.diag([1 + percent / 100 * (percent != 2), 1 + percent / 100, 1])
            yield partial(turned, "scaled by 1 to 5 %", array, linear(scale), nearest, noise, next(number))
        for step, axis in product((0.1, 0.3, 0.5, 0.75), range(0 if nearest else 3)):
            shift = np.zeros((3, 1, 1, 1))
            shift[axis] = step
            motion = partial(constant, shift)
            yield partial(turned, "shifted by part of a voxel", array, motion, False, noise, next(number))


def constant(shift, index):
    """The same motion everywhere."""
    return np.broadcast_to(shift, index.shape)


def deformed_pairs(data: Path | None) -> Iterator[Builder]:
    """Smooth deformations, of the whole or of a region only."""
    choices = product(contents(data).items(), (1, 2, 4), (False, True), (0, 0.05), range(2))
    for n, ((_, array), size, local, noise, _) in enumerate(choices):
        yield partial(deformed, array, size, local, noise, n)


def deformed(array, size, local, noise, n, rng) -> Pair:
    """A smooth deformation by up to ``size`` voxels; a local one pushes a ball along one axis."""
    field = np.stack([smooth(rng.normal(size=array.shape), 12) for _ in range(3)])
    field *= size / np.linalg.norm(field, axis=0).max()
    if local:
        middle = np.array([rng.integers(m // 3, 2 * m // 3) for m in array.shape])[:, None, None, None]
        distance = np.linalg.norm(np.indices(array.shape) - middle, axis=0) / (min(array.shape) / 3)
        field[:] = 0
        field[n % 3] = size * (1 - np.minimum(distance, 1) ** 2) ** 2
    kind = "deformed in a region" if local else "deformed"
    return turned(kind, array, lambda index: field, n % 5 == 0 or array.dtype == np.uint8, noise, n, rng)


def edited_pairs(data: Path | None) -> Iterator[Builder]:
    """Lesions and slices that were changed, in otherwise equal copies, and slices that moved up."""
    whats = ("lesion", "slice emptied", "slice doubled") * 6
    for n, ((_, array), what) in enumerate(product(contents(data).items(), whats)):
        yield partial(edited, array, what, n)
    for (_, array), axis, start in product(contents(data).items(), range(3), (0.3, 0.6)):
        yield partial(left_out, array, axis, start)


def edited(array, what, n, rng) -> Pair:
    """One lesion or slice changed."""
    before, true = rearranged(array, geometry(), SIGNED_PERMUTATIONS[(5 * n) % 48], "whole")
    after = before.copy()
    at = [int(rng.integers(3, m - 8)) for m in after.shape]
    if what == "lesion":
        size = int(rng.integers(1, 6))
        after[tuple(slice(a, a + size) for a in at)] = array.max() if n % 2 else array.min()
    else:
        lines = np.moveaxis(after, n % 3, 0)
        lines[at[n % 3]] = array.min() if what == "slice emptied" else lines[at[n % 3] + 1]
    differing = int(np.count_nonzero(before != after))
    affine_ras = stated(AFFINES[n % 3], true, geometry(), n)
    return Pair(f"edited: {what}", False, array, geometry(), after, affine_ras, true, 0, differing)


def left_out(array, axis, start, rng) -> Pair:
    """A slice is missing; those behind it moved up, and the last one stands twice."""
    lines = np.moveaxis(array, axis, 0)
    cut = round(start * len(lines))
    other = np.moveaxis(np.concatenate([lines[:cut], lines[cut + 1 :], lines[-1:]]), 0, axis)
    true, before, behind = geometry(), np.ptp(lines[:cut]) == 0, np.ptp(lines[cut:]) == 0
    if before:
        # all that there is moved up by one
        true[:3, 3] += true[:3, axis]
    moved = 0.0 if before or behind else 1.0
    return Pair("a slice left out", False, array, geometry(), other.copy(), geometry(), true, moved)


def unrelated_pairs(data: Path | None) -> Iterator[Builder]:
    """Other patients, other masks."""
    for n in range(150):
        yield partial(another_patient, n)
    real = [array for name, array in contents(data).items() if "labels" not in name]
    for one, two in permutations(real, 2):
        yield partial(another_kind, one, two)
    for n in range(300):
        yield partial(another_mask, n)


def another_patient(n, rng) -> Pair:
    """Two phantoms of the same body part."""
    grain = (0.0, 15.0, 60.0)[n % 3]
    reference, other = body(rng, grain=grain), body(rng, grain=grain)
    other, true = rearranged(other, geometry(), SIGNED_PERMUTATIONS[n % 48], ("whole", "slab", "block")[n % 3])
    return Pair("another patient", False, reference, geometry(), other, true, None)


def another_kind(one, two, rng) -> Pair:
    """Two images of different things."""
    return Pair("another patient", False, one, geometry(), two, geometry(), None)


def another_mask(n, rng) -> Pair:
    """An organ and a lesion, or two organs."""
    shape = tuple(int(v) for v in rng.integers(20, 36, 3))
    organ, lesion = mask(rng, shape, (0.15, 0.45)[n % 2]), mask(rng, shape, (0.02, 0.06, 0.12, 0.3)[n % 4])
    pair = (organ, lesion) if n % 3 else (lesion, organ)
    return Pair("another mask", False, pair[0], geometry(), pair[1], geometry(), None)


def mask(rng, shape, part):
    """A blob of about that part of each axis' length, at a random place."""
    grid = np.indices(shape).astype(float)
    radius = np.maximum(part * np.array(shape) / 2 * rng.uniform(0.8, 1.2, 3), 0.8)
    middle = np.array([rng.uniform(r + 1, max(r + 1.01, n - r - 2)) for r, n in zip(radius, shape, strict=True)])
    squares = sum(((g - m) / r) ** 2 for g, m, r in zip(grid, middle, radius, strict=True))
    rough = smooth(rng.normal(size=shape), 3)
    result = (squares + 2 * rough / max(rough.std(), 1e-9) * 0.15 < 1).astype(np.uint8)
    result[tuple(int(m) for m in middle)] = 1
    return result


def repeated_pairs(data: Path | None) -> Iterator[Builder]:
    """Periodic textures, moved by whole periods or cut out; neighbouring slices and slabs; all with right affines."""
    for n in range(120):
        yield partial(periodic, n)
    arrays = [array for name, array in contents(data).items() if "labels" not in name]
    for (n, array), step, thick in product(enumerate(arrays * 4), (1, 2, 5), (1, 4, 12)):
        yield partial(neighbouring, array, n % 3, step, thick)


def periodic(n, rng) -> Pair:
    """A tile that stands four times along i and along j and k."""
    period = int(rng.integers(4, 9))
    tile = np.round(rng.normal(0, 100, (period, 6, 7))).astype(np.int16)
    array = np.tile(tile, (4, 4, 4))
    noise = (0, 0.05)[n % 2] * array.std()
    part = array[period : 3 * period, 2:20, 3:24] if n % 3 else np.roll(array, period, 0)
    other = (part + rng.normal(0, noise, part.shape)).astype(np.float32) if noise else part.copy()
    start = np.array([period, 2, 3]) if n % 3 else np.array([-period, 0, 0])
    moved = geometry() @ np.block([[np.eye(3), start[:, None]], [np.zeros(3), 1]])
    return Pair("periodic texture", False, array, geometry(), other, moved, moved)


def neighbouring(array, axis, step, thick, rng) -> Pair:
    """Two slabs of one volume, a step apart, with noise of a tenth of the spread."""
    lines = np.moveaxis(array, axis, 0)
    at = int(rng.integers(2, len(lines) - thick - step - 1))
    one, two = (np.moveaxis(lines[a : a + thick], 0, axis) for a in (at, at + step))
    two = two + rng.normal(0, 0.1 * array.std(), two.shape)
    places = [geometry().copy() for _ in range(2)]
    for place, a in zip(places, (at, at + step), strict=True):
        place[:3, 3] += place[:3, axis] * a
    return Pair("neighbouring slices", False, one.copy(), places[0], two, places[1], places[1])


def tiny_pairs(data: Path | None) -> Iterator[Builder]:
    """Volumes of 2 to 7 voxels a side: copies, copies with noise, strangers."""
    return (partial(tiny, n) for n in range(300))


def tiny(n, rng) -> Pair:
    """The n-th kind of small volume."""
    array = speck(n, rng, 2)
    other, true = rearranged(array, geometry(), SIGNED_PERMUTATIONS[n % 48], "whole")
    if n % 3 == 1:
        other = other + rng.normal(0, 0.1 * max(1e-3, float(array.std())), other.shape)
    if n % 3 == 2:
        other, true = speck(n // 3, rng, 1), None
    return Pair("tiny", False, array, geometry(), other, geometry(), true)


def speck(n, rng, least):
    """Some numbers, grey or black and white."""
    array = np.round(smooth(rng.normal(0, 300, rng.integers(least, 8, 3)), n % 3)).astype(np.int16)
    return (array > np.median(array)).astype(np.uint8) if n % 2 else array
