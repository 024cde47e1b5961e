"""Pairs of volumes whose relation is known, for ``compare``: exact rearrangements, and what only looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff

from support.phantoms import SIGNED_PERMUTATIONS, affine, lopsided_phantom, rotation

SHAPE = (34, 30, 28)
SPACING = 1.2
PARTS = {
    "whole": ((0, 1), (0, 1), (0, 1)),
    "slab": ((0, 1), (0, 1), (0.3, 0.75)),
    "block": ((0.2, 0.9), (0.1, 0.85), (0.1, 0.8)),
}
AFFINES = ("adjusted", "kept", "wrong")
# Real images, cropped and thinned out: 30 to 40 voxels a side.
REAL = {
    "real CT": ("nifti/ct_totalseg/example_ct.nii.gz", (slice(30, 94, 2), slice(20, 84, 2), slice(30, 94, 2))),
    "real MR": ("nifti/avg152_pair/avg152T1_LR_nifti.nii.gz", (slice(10, 80, 2), slice(10, 96, 3), slice(10, 80, 2))),
    "real labels": ("nifti/ct_totalseg/example_ct_labels.nii.gz", (slice(20, 100, 2),) * 3),
}


@dataclass(frozen=True)
class Pair:
    """Two volumes, and what is true of them.

    Attributes:
        kind: of pair.
        honest: whether OTHER is an exact rearrangement, but for noise or another scale, so that certainty is due.
        true: OTHER's voxel index to RAS where REFERENCE has them, if it is a rearrangement; None if it is unrelated.
        moved: how far content moved against ``true``, in voxels; of OTHER's shape, or one number for all of it.
        differing: number of voxels that were edited; None: not counted.
    """

    kind: str
    honest: bool
    reference: np.ndarray
    reference_affine: np.ndarray
    other: np.ndarray
    other_affine: np.ndarray
    true: np.ndarray | None
    moved: np.ndarray | float = 0.0
    differing: int | None = None


Builder = Callable[[np.random.Generator], Pair]


def smooth(values, times=2):
    """Averages of neighbours along each axis, again and again."""
    for _ in range(times):
        for axis in range(3):
            values = (np.roll(values, 1, axis) + 2 * values + np.roll(values, -1, axis)) / 4
    return values


def body(rng, shape=SHAPE, grain=15.0):
    """Another patient each time: the same body part, organs of other sizes at other places, with grain."""
    u, v, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    warp = [0.12 * smooth(rng.normal(size=shape), 8) / 0.03 * 0.1 for _ in range(3)]
    u, v, w = u + warp[0], v + warp[1], w + warp[2]
    result = np.full(shape, -1000.0)
    result[(u / 0.9) ** 2 + (v / 0.75) ** 2 < 1] = 30
    for centre, size, value in (
        ((-0.4, 0.1, 0.5), (0.3, 0.45, 0.6), -820), ((0.45, 0.05, 0.55), (0.26, 0.4, 0.55), -800),
        ((-0.35, 0.05, -0.3), (0.45, 0.4, 0.35), 110), ((0.4, 0.2, -0.35), (0.25, 0.25, 0.3), 15),
        ((0.0, -0.5, 0.0), (0.12, 0.12, 2.0), 700), ((0.1, 0.3, -0.8), (0.2, 0.15, 0.2), 60),
    ):  # fmt: skip
        a, b, c = np.array(centre) + rng.normal(0, 0.05, 3)
        ra, rb, rc = np.array(size) * rng.uniform(0.85, 1.15, 3)
        result[((u - a) / ra) ** 2 + ((v - b) / rb) ** 2 + ((w - c) / rc) ** 2 < 1] = value
    return np.round(result + rng.normal(0, grain, shape)).astype(np.int16)


@cache
def contents(data: Path | None) -> dict[str, np.ndarray]:
    """Volumes of some 30 voxels a side; the real ones only where ``data`` is there."""
    rng = np.random.default_rng(11)
    field = smooth(rng.normal(size=SHAPE), 3)
    result = {
        "phantom": lopsided_phantom(SHAPE),
        "grainy CT": body(rng),
        "texture": (field / field.std() * 100).astype(np.float32),
        "labels": np.digitize(field, np.quantile(field, [0.5, 0.7, 0.9])).astype(np.uint8),
    }
    if data is not None:
        for name, (path, cut) in REAL.items():
            result[name] = np.asanyarray(nib.load(data / path).dataobj)[cut].copy()
    return result


def rearranged(array, affine_ras, orientation, part):
    """(array, affine) of a part in another storage order, by nibabel; the place in the patient stays."""
    cut = tuple(slice(round(a * n), round(b * n)) for (a, b), n in zip(PARTS[part], array.shape, strict=True))
    moved = affine_ras @ nib.affines.from_matvec(np.eye(3), [s.start for s in cut])
    axes, signs = orientation
    ornt = np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)
    return apply_orientation(array[cut], ornt), moved @ inv_ornt_aff(ornt, array[cut].shape)


def stated(name, true, copied, n):
    """The affine that OTHER's file states: right, REFERENCE's own, or wrong in one of three ways."""
    if name == "adjusted":
        return true
    if name == "kept":
        return copied
    change = np.eye(4)
    if n % 3 == 0:
        change[n % 2, n % 2] = -1
    elif n % 3 == 1:
        change[:3, :3] = rotation(90.0, (0.0, 0.0, 1.0))
    else:
        change[:3, 3] = (0.0, 59.2, 3.0)
    return change @ true


def varied(array, variant, rng):
    """The same values but for noise (a tenth of the spread), scale, window or rounding."""
    spread = float(array.std())
    if variant == "noise":
        return array + rng.normal(0, 0.1 * spread, array.shape)
    if variant == "rescaled":
        return np.round(array * 0.5 + 300).astype(np.int16) if array.dtype.kind == "i" else array * 0.5 + 300
    if variant == "rescaled with noise":
        return (array * 2.5 - 7 + rng.normal(0, 0.2 * spread, array.shape)).astype(np.float32)
    if variant == "window":
        low, high = np.quantile(array, [0.05, 0.97])
        return np.clip(array, low, high) if high > low else array.copy()
    return array.copy()


def sampled(array, index, nearest=False):
    """Values at voxel indices that need not be whole (3, ...), by straight lines; the edge's value beyond it."""
    index = [np.clip(x, 0, n - 1) for x, n in zip(index, array.shape, strict=True)]
    if nearest:
        return array[tuple(np.round(x).astype(int) for x in index)]
    low = [np.minimum(x.astype(int), max(0, n - 2)) for x, n in zip(index, array.shape, strict=True)]
    result = np.zeros(index[0].shape)
    for corner in product((0, 1), repeat=3):
        weight = np.ones(index[0].shape)
        for c, x, start in zip(corner, index, low, strict=True):
            weight = weight * (x - start if c else 1 - (x - start))
        at = tuple(np.minimum(start + c, n - 1) for start, c, n in zip(low, corner, array.shape, strict=True))
        result += weight * array[at]
    return np.round(result).astype(array.dtype) if array.dtype.kind in "iu" else result.astype(array.dtype)


def moved_by(array, motion: Callable, nearest=False):
    """(array resampled at ``index + motion(centred index)``, motion in voxels where there is content, else 0)."""
    grid = np.indices(array.shape).astype(float)
    centre = ((np.array(array.shape) - 1) / 2)[:, None, None, None]
    step = motion(grid - centre)
    size = np.linalg.norm(step, axis=0)
    edges = sum(np.abs(g) for g in np.gradient(array.astype(float)))
    content = edges > 0.05 * edges.max()
    result = sampled(array, grid + step, nearest)
    # nearest neighbours of a motion by less than half a voxel: nothing moved
    return result, size * content * (not np.array_equal(result, array))


def geometry() -> np.ndarray:
    """Of every REFERENCE."""
    return affine(signs=(-1, 1, 1), spacing=(SPACING,) * 3, oblique=8.0)


def honest_pairs(data: Path | None) -> Iterator[Builder]:
    """All orders, whole and in part, with right and wrong affines, equal and varied."""
    variants = ("equal", "noise", "rescaled", "rescaled with noise", "window")
    n = 0
    for name, array in contents(data).items():
        # noise on the numbers of labels is nothing that happens; another window neither
        chosen = ("equal",) if "labels" in name else variants
        for orientation, part, variant in product(SIGNED_PERMUTATIONS, PARTS, chosen):
            n += 1
            if "labels" in name or n % 2:
                yield partial(honest_pair, array, orientation, part, variant, n)


def honest_pair(array, orientation, part, variant, n, rng) -> Pair:
    """A rearrangement, with the affine of the n-th kind."""
    other, true = rearranged(array, geometry(), orientation, part)
    other = varied(other, variant, rng)
    affine_ras = stated(AFFINES[n % 3], true, geometry(), n)
    return Pair(f"rearranged, {variant}", True, array, geometry(), other, affine_ras, true)
