"""Signed permutations of voxel indices, against numpy and nibabel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, inv_ornt_aff
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.index_map import IndexMap, map_between
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom

WHOLE = (6, 7, 8)
BOX = Box((1, 2, 3), (5, 7, 6))


def a_map(axes, signs, box=BOX):
    """The map whose OTHER holds ``box`` of the reference."""
    origin = [0, 0, 0]
    for axis, sign in zip(axes, signs, strict=True):
        origin[axis] = box.start[axis] if sign > 0 else box.stop[axis] - 1
    return IndexMap(axes, signs, tuple(origin)), tuple(box.shape[axis] for axis in axes)


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_all_48_arrangements(axes, signs):
    reference = index_phantom(WHOLE, "int32")
    found, shape = a_map(axes, signs)
    other = found.arranged(reference, shape)
    assert other.shape == shape
    assert found.box(shape) == BOX
    for index in np.ndindex(shape):
        there = found.matrix @ (*index, 1)
        assert other[index] == reference[tuple(there[:3].astype(int))]
    np.testing.assert_array_equal(eval(found.numpy_expression(shape, WHOLE), {"reference": reference}), other)
    np.testing.assert_allclose(found.inverse().matrix, np.linalg.inv(found.matrix))
    assert found.inverse().inverse() == found
    assert found.mirrors_array == (np.linalg.det(found.matrix[:3, :3]) < 0)
    assert found.keeps_order == ((axes, signs) == ((0, 1, 2), (1, 1, 1)))


@given(orientation=st.sampled_from(SIGNED_PERMUTATIONS), oblique=st.sampled_from([0.0, 17.0]))
def test_two_affines_of_one_grid_give_the_map_that_nibabel_reorients_by(orientation, oblique):
    reference = VolumeGeometry(WHOLE, affine((1, 2, 0), (-1, 1, -1), oblique=oblique))
    axes, signs = orientation
    # nibabel: for each input axis the output axis and the direction
    ornt = np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)
    array = apply_orientation(index_phantom(WHOLE, "int32"), ornt)
    other = VolumeGeometry(array.shape, reference.affine_ras @ inv_ornt_aff(ornt, WHOLE))
    found = map_between(other, reference, 1e-6)
    assert found is not None
    assert (found.axes, found.signs) == orientation
    np.testing.assert_array_equal(found.arranged(index_phantom(WHOLE, "int32"), array.shape), array)


def test_grids_that_do_not_share_points_have_no_map():
    reference = VolumeGeometry(WHOLE, affine())
    for changed in (affine(oblique=1.0), affine(spacing=(0.7, 0.9, 2.6)), affine(origin=(-91.3, 37.25, -412.0))):
        assert map_between(VolumeGeometry(WHOLE, changed), reference, 0.01) is None


def test_channels_in_front_stay_in_front():
    reference = np.stack([index_phantom(WHOLE, "int32"), index_phantom(WHOLE, "int32") * 2])
    found, shape = a_map((2, 0, 1), (1, -1, 1))
    np.testing.assert_array_equal(found.arranged(reference, shape)[1], found.arranged(reference[1], shape))
