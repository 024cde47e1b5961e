"""Geometry against nibabel, for any affine."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import Box, VolumeGeometry
from support.phantoms import SIGNED_PERMUTATIONS, affine

permutations = st.sampled_from(SIGNED_PERMUTATIONS)
degrees = st.floats(-40, 40)
indices = st.tuples(*[st.integers(-20, 20)] * 3)


@given(permutations, degrees)
def test_orientation_letters_are_nibabels(permutation, oblique):
    matrix = affine(*permutation, oblique=oblique)
    assert VolumeGeometry((4, 5, 6), matrix).orientation == "".join(nib.aff2axcodes(matrix))


@given(permutations, degrees, indices)
def test_a_box_keeps_its_place(permutation, oblique, start):
    geometry = VolumeGeometry((30, 31, 32), affine(*permutation, oblique=oblique))
    box = Box(start, tuple(n + 5 for n in start))
    np.testing.assert_allclose(geometry.cropped(box).ras([0, 0, 0]), geometry.ras(start), rtol=0, atol=1e-9)
    np.testing.assert_allclose(geometry.cropped(box).ras([4, 4, 4]), geometry.ras(np.add(start, 4)), rtol=0, atol=1e-9)


@given(permutations, degrees, indices)
def test_index_and_position_are_inverse(permutation, oblique, ijk):
    geometry = VolumeGeometry((30, 31, 32), affine(*permutation, oblique=oblique))
    np.testing.assert_allclose(geometry.ijk(geometry.ras(ijk)), ijk, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_handedness_is_the_sign_of_the_determinant(axes, signs):
    matrix = affine(axes, signs)
    assert VolumeGeometry((2, 2, 2), matrix).is_right_handed == (np.linalg.det(matrix[:3, :3]) > 0)


def test_obliquity_and_shear_are_measured():
    geometry = VolumeGeometry((4, 4, 4), affine(oblique=0))
    assert geometry.obliquity_degrees == pytest.approx(0, abs=1e-6)
    assert geometry.shear == pytest.approx(0, abs=1e-12)
    tilted = np.eye(4)
    tilted[1, 2] = np.tan(np.radians(18.5))
    assert VolumeGeometry((4, 4, 4), tilted).shear == pytest.approx(np.sin(np.radians(18.5)))


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1, 0, 1])])
def test_matrices_that_place_nothing_are_refused(bad):
    with pytest.raises(InputError):
        VolumeGeometry((4, 4, 4), bad)


def test_a_geometry_cannot_be_changed():
    geometry = VolumeGeometry((4, 4, 4), np.eye(4))
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine_ras[0, 0] = 2


def test_lps_negates_x_and_y_of_ras():
    geometry = VolumeGeometry((4, 4, 4), affine())
    np.testing.assert_array_equal(geometry.affine_lps[:2], -geometry.affine_ras[:2])
    np.testing.assert_array_equal(geometry.affine_lps[2:], geometry.affine_ras[2:])
