"""A phantom whose value tells its place in mm keeps telling the truth after every step at once."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti

SHAPE = (30, 26, 24)
GRADIENT = np.array([0.31, -0.17, 0.23])
STEPS = [
    {"orient": "RAS", "thickness": 7},
    {"orient": "PIR", "spacing": (1.5, 1, 2), "thickness": 7, "overlap": 2},
    {"spacing": 1.1, "crop_to": "labels", "margin": 2, "block": (6, 7, 8), "overlap": 1},
    {"orient": "LPS", "spacing": (0, 2, 0.9), "crop_to": "labels", "crop": True},
    {"orient": "SAL", "spacing": 1.4, "interpolation": "bspline", "keep": "labelled", "block": (9, 8, 7)},
    {"like": True, "block": (9, 8, 7), "remainder": "shift"},
]


def told(shape, place) -> np.ndarray:
    """IJK values that are linear in mm."""
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return nib.affines.apply_affine(place, indices) @ GRADIENT


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "+".join(steps))
def test_every_voxel_of_every_piece_tells_where_it_is(tmp_path, steps):
    place = affine(*SIGNED_PERMUTATIONS[29], spacing=(0.9, 1.1, 1.3), oblique=21)
    source = save_nifti(tmp_path / "ct.nii", told(SHAPE, place).astype(np.float64), place)
    mask = np.zeros(SHAPE, np.uint8)
    mask[11:19, 10:16, 10:14] = 1
    organs = save_nifti(tmp_path / "organs.nii", mask, place)
    if "like" in steps:
        grid = affine(spacing=(1, 1.2, 1.4), oblique=4)
        grid[:3, 3] += nib.affines.apply_affine(place, (15, 13, 12)) - nib.affines.apply_affine(grid, (7, 7, 7))
        steps = steps | {"like": save_nifti(tmp_path / "grid.nii", np.zeros((15, 15, 15), np.uint8), grid)}
    result = se.export(source, tmp_path / "out", labels={"organs": organs}, **steps)
    assert not result.failures, result.failures[0].error
    assert se.verify(tmp_path / "out")[0].differences == ()
    deep = 0
    for slab in result.manifests[0].slabs:
        image = nib.load(tmp_path / "out" / "ct" / slab.image)
        labels = np.asanyarray(nib.load(tmp_path / "out" / "ct" / slab.labels["organs"]).dataobj)
        indices = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1)
        where = nib.affines.apply_affine(np.linalg.inv(place) @ image.affine, indices)
        inside = np.all((where > 8) & (where < np.array(SHAPE) - 9), axis=-1)
        deep += np.count_nonzero(inside)
        found = np.asanyarray(image.dataobj)[inside]
        np.testing.assert_allclose(found, told(image.shape, image.affine)[inside], rtol=0, atol=5e-4)
        nearest = mask[tuple(np.rint(where).astype(int).clip(0, np.array(SHAPE) - 1).reshape(-1, 3).T)]
        off = np.abs(where - np.rint(where))
        certain = inside & np.all(off < 0.49, axis=-1)
        np.testing.assert_array_equal(labels[certain], nearest.reshape(image.shape)[certain])
    assert deep > 100
