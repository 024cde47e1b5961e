"""A volume in another index order: against nibabel's ``as_reoriented``."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.index_map import IndexMap, order_of_axes
from slab_exporter.core.volume import SourceVolume
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom

SHAPE = (6, 7, 8)
OBLIQUE = affine((1, 2, 0), (-1, 1, -1), oblique=17.0)


def volume(matrix=OBLIQUE) -> SourceVolume:
    voxels_ijk = index_phantom(SHAPE, "int32")
    return SourceVolume("ct", None, "", VolumeGeometry(SHAPE, matrix), np.ascontiguousarray(voxels_ijk.T))


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_every_index_order_is_that_of_nibabel(axes, signs):
    source = volume()
    # nibabel: for each input axis the output axis and the direction
    ornt = np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)
    expected = nib.Nifti1Image(source.voxels_kji.T, source.geometry.affine_ras).as_reoriented(ornt)
    found = source.rearranged(IndexMap.reordering(axes, signs, SHAPE))
    np.testing.assert_array_equal(found.voxels_kji.T, np.asanyarray(expected.dataobj))
    np.testing.assert_allclose(found.geometry.affine_ras, expected.affine, rtol=0, atol=1e-12)
    assert found.geometry.shape_ijk == expected.shape
    assert found.voxels_kji.flags.c_contiguous
    order = order_of_axes(found.geometry, source.geometry)
    assert order is not None
    np.testing.assert_array_equal(found.rearranged(order).voxels_kji, source.voxels_kji)


def test_a_map_that_is_no_reordering_is_refused():
    for origin in ((0, 0, 1), (0, 0, -1)):
        with pytest.raises(ValueError, match="does not cover the \\(6, 7, 8\\) voxels of ct"):
            volume().rearranged(IndexMap((0, 1, 2), (1, 1, 1), origin))


def test_a_grid_at_an_angle_or_with_other_voxels_has_no_common_order():
    grid = volume().geometry
    for other in (affine((1, 2, 0), (-1, 1, -1), oblique=20.0), OBLIQUE @ np.diag([1, 1, 1.02, 1])):
        assert order_of_axes(VolumeGeometry(SHAPE, other), grid) is None


def test_a_box_is_counted_from_the_first_voxel_of_another():
    slab, part = Box((-2, 0, 50), (16, 14, 120)), Box((0, 3, 56), (16, 14, 64))
    assert part.relative_to(slab) == Box((2, 3, 6), (18, 14, 14))
    array = np.arange(20 * 20 * 130).reshape(20, 20, 130)
    of_slab = array[:16, :14, 50:120]
    inside = part.relative_to(Box((0, 0, 50), slab.stop))
    np.testing.assert_array_equal(of_slab.T[inside.slices_kji()], array.T[part.slices_kji()])
