"""Pairs that look like rearrangements and are not: moved, deformed, edited, unrelated, periodic, tiny."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from support.compare_pairs import AFFINES, Pair, body, contents, geometry, moved_by, rearranged, smooth, stated
from support.phantoms import SIGNED_PERMUTATIONS, rotation

AXES = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 2.0, 3.0))


def linear(matrix):
    """A motion that is a matrix about the centre."""
    return lambda index: np.einsum("ab,b...->a...", matrix - np.eye(3), index)


def turned(kind, rng, array, motion, nearest, noise, n):
    """The pair of an array and the same after a motion, in some order of axes, with some affine."""
    other, far = moved_by(array, motion, nearest)
    if noise:
        other = other + rng.normal(0, noise * array.std(), other.shape)
    orientation = SIGNED_PERMUTATIONS[n % 48 if n % 2 else 0]
    other, true = rearranged(other, geometry(), orientation, "whole")
    return Pair(kind, False, array, geometry(), other, stated(AFFINES[n % 3], true, geometry(), n), true, far)


def moved_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Rotations, scalings and shifts by part of a voxel."""
    n = 0
    for (_, array), noise, nearest in product(contents(data).items(), (0, 0.05), (False, True)):
        for degrees, axis in product((0.5, 1, 2, 5, 10), AXES[2:]):
            n += 1
            yield turned(
                f"rotated by {degrees:g} degrees", rng, array, linear(rotation(degrees, axis)), nearest, noise, n
            )
        for percent in (1, 2, 5):
            n += 1
            scale = np.eye(3) * (1 + percent / 100) if n % 2 else np.diag([1, 1 + percent / 100, 1])
            yield turned("scaled by 1 to 5 %", rng, array, linear(scale), nearest, noise, n)
        if not nearest:
            for part, axis in product((0.1, 0.3, 0.5, 0.75), range(3)):
                n += 1
                step = np.zeros(3)
                step[axis] = part
                motion = lambda index, step=step: np.broadcast_to(step[:, None, None, None], index.shape)  # noqa: E731
                yield turned("shifted by part of a voxel", rng, array, motion, False, noise, n)


def deformed_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Smooth deformations, of the whole or of a region only."""
    n = 0
    for (_, array), size, local, noise in product(contents(data).items(), (1, 2, 4), (False, True), (0, 0.05)):
        for _ in range(2):
            n += 1
            field = np.stack([smooth(rng.normal(size=array.shape), 12) for _ in range(3)])
            field *= size / np.linalg.norm(field, axis=0).max()
            if local:
                grid = np.indices(array.shape).astype(float)
                middle = np.array([rng.integers(n // 3, 2 * n // 3) for n in array.shape])[:, None, None, None]
                distance = np.linalg.norm(grid - middle, axis=0) / (min(array.shape) / 3)
                field = np.zeros_like(field)
                field[n % 3] = size * np.where(distance < 1, (1 - np.minimum(distance, 1) ** 2) ** 2, 0)
            motion = lambda index, field=field: field  # noqa: E731
            kind = "deformed in a region" if local else "deformed"
            yield turned(kind, rng, array, motion, n % 5 == 0 or array.dtype == np.uint8, noise, n)


def edited_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Lesions and slices that were changed, in otherwise equal copies, and slices that moved up."""
    whats = ("lesion", "slice emptied", "slice doubled") * 6
    for n, ((_, array), what) in enumerate(product(contents(data).items(), whats)):
        edited, true = rearranged(array, geometry(), SIGNED_PERMUTATIONS[(5 * n) % 48], "whole")
        edited = edited.copy()
        at = [int(rng.integers(3, m - 8)) for m in edited.shape]
        if what == "lesion":
            size = int(rng.integers(1, 6))
            edited[tuple(slice(a, a + size) for a in at)] = array.max() if n % 2 else array.min()
        else:
            lines = np.moveaxis(edited, n % 3, 0)
            lines[at[n % 3]] = array.min() if what == "slice emptied" else lines[at[n % 3] + 1]
        before, _ = rearranged(array, geometry(), SIGNED_PERMUTATIONS[(5 * n) % 48], "whole")
        count = int(np.count_nonzero(before != edited))
        yield Pair(
            f"edited: {what}",
            False,
            array,
            geometry(),
            edited,
            stated(AFFINES[n % 3], true, geometry(), n),
            true,
            0,
            count,
        )
    for (_, array), axis, start in product(contents(data).items(), range(3), (0.3, 0.6)):
        lines = np.moveaxis(array, axis, 0)
        cut = round(start * len(lines))
        other = np.moveaxis(np.concatenate([lines[:cut], lines[cut + 1 :], lines[-1:]]), 0, axis)
        yield Pair("a slice left out", False, array, geometry(), other.copy(), geometry(), geometry(), 1.0)


def unrelated_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Other patients, other masks."""
    real = {name: array for name, array in contents(data).items() if "labels" not in name}
    for n in range(150):
        grain = (0.0, 15.0, 60.0)[n % 3]
        reference, other = body(rng, grain=grain), body(rng, grain=grain)
        other, true = rearranged(other, geometry(), SIGNED_PERMUTATIONS[n % 48], ("whole", "slab", "block")[n % 3])
        yield Pair("another patient", False, reference, geometry(), other, true, None)
    for (_, one), (_, two) in product(real.items(), repeat=2):
        if one is not two:
            yield Pair("another patient", False, one, geometry(), two, geometry(), None)
    for n in range(300):
        shape = tuple(int(v) for v in rng.integers(20, 36, 3))
        organ, lesion = mask(rng, shape, (0.15, 0.45)[n % 2]), mask(rng, shape, (0.02, 0.06, 0.12, 0.3)[n % 4])
        pair = (organ, lesion) if n % 3 else (lesion, organ)
        yield Pair("another mask", False, pair[0], geometry(), pair[1], geometry(), None)


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


def repeated_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Periodic textures, moved by whole periods or cut out; neighbouring slices and slabs; all with right affines."""
    for n in range(120):
        period = int(rng.integers(4, 9))
        tile = np.round(rng.normal(0, 100, (period, 6, 7))).astype(np.int16)
        array = np.tile(tile, (32 // period + 1, 4, 4))[: 4 * period, :24, :28]
        noise = (0, 0.05)[n % 2] * array.std()
        part = array[period : 3 * period, 2:20, 3:24] if n % 3 else np.roll(array, period, 0)
        other = (part + rng.normal(0, noise, part.shape)).astype(np.float32) if noise else part.copy()
        start = np.array([period, 2, 3]) if n % 3 else np.array([-period, 0, 0])
        moved = geometry() @ np.block([[np.eye(3), start[:, None]], [np.zeros(3), 1]])
        yield Pair("periodic texture", False, array, geometry(), other, moved, moved)
    names = [name for name in contents(data) if "labels" not in name]
    for (n, name), step, thick in product(enumerate(names * 4), (1, 2, 5), (1, 4, 12)):
        array, axis = contents(data)[name], n % 3
        lines = np.moveaxis(array, axis, 0)
        at = int(rng.integers(2, len(lines) - thick - step - 1))
        one, two = (np.moveaxis(lines[a : a + thick], 0, axis) for a in (at, at + step))
        two = two + rng.normal(0, 0.1 * array.std(), two.shape)
        places = [geometry().copy() for _ in range(2)]
        for place, a in zip(places, (at, at + step), strict=True):
            place[:3, 3] += place[:3, axis] * a
        yield Pair("neighbouring slices", False, one.copy(), places[0], two, places[1], places[1])


def tiny_pairs(rng, data: Path | None) -> Iterator[Pair]:
    """Volumes of 2 to 7 voxels a side: copies, copies with noise, strangers."""
    for n in range(300):
        shape = tuple(int(v) for v in rng.integers(2, 8, 3))
        array = np.round(smooth(rng.normal(0, 300, shape), n % 3)).astype(np.int16)
        if n % 2:
            array = (array > np.median(array)).astype(np.uint8)
        other, true = rearranged(array, geometry(), SIGNED_PERMUTATIONS[n % 48], "whole")
        if n % 3 == 1:
            other = other + rng.normal(0, 0.1 * max(1e-3, float(array.std())), other.shape)
        if n % 3 == 2:
            shape = tuple(int(v) for v in rng.integers(1, 8, 3))
            other, true = np.round(smooth(rng.normal(0, 300, shape), n % 2)).astype(np.int16), None
            if n % 2:
                other = (other > np.median(other)).astype(np.uint8)
        yield Pair("tiny", False, array, geometry(), other, geometry(), true)
