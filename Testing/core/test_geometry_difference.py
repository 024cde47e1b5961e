"""One answer to "the same grid?" and one tolerance, from whole bodies to micro-CT."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.errors import InputError, VerificationError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.placing.placed import require_same_grid
from slab_exporter.core.volume import SourceVolume
from slab_exporter.files.readback import verify_geometry
from support.phantoms import affine, rotation

HEAD = VolumeGeometry((256, 256, 150), affine(spacing=(0.9, 0.9, 1.2), origin=(-115, -120, -70), oblique=12))
MICRO_CT = VolumeGeometry((5, 6, 8), affine(spacing=(0.005, 0.005, 0.005), origin=(1, 2, 3)))


def moved(geometry: VolumeGeometry, *mm: float) -> VolumeGeometry:
    matrix = geometry.affine_ras.copy()
    matrix[:3, 3] += mm
    return VolumeGeometry(geometry.shape_ijk, matrix)


def test_nothing_differs_from_itself():
    found = HEAD.difference(HEAD)
    assert (found.mm, found.spacing_mm, found.is_mirrored) == (0, 0, False)
    assert found.voxels == pytest.approx(0, abs=1e-9)
    assert found.degrees == pytest.approx(0, abs=1e-9)
    assert found.is_same_grid()


def test_distances_are_given_in_mm_and_in_voxels():
    found = HEAD.difference(moved(HEAD, 0, 0, 0.6))
    assert found.mm == pytest.approx(0.6)
    along = np.linalg.inv(HEAD.affine_ras[:3, :3]) @ (0, 0, 0.6)
    assert found.voxels == pytest.approx(np.max(np.abs(along)))


def test_angles_sizes_and_handedness_are_told_apart():
    turned = HEAD.affine_ras.copy()
    turned[:3, :3] = rotation(0.001, (0, 0, 1)) @ turned[:3, :3]
    assert HEAD.difference(VolumeGeometry(HEAD.shape_ijk, turned)).degrees == pytest.approx(0.001, rel=0.1)
    larger = VolumeGeometry(HEAD.shape_ijk, HEAD.affine_ras @ np.diag([1, 1, 1.5, 1]))
    assert HEAD.difference(larger).spacing_mm == pytest.approx(0.6)
    mirrored = VolumeGeometry(HEAD.shape_ijk, HEAD.affine_ras @ np.diag([-1, 1, 1, 1]))
    assert HEAD.difference(mirrored).is_mirrored
    assert not HEAD.difference(mirrored).is_within(1e9)


def test_an_ordinary_volume_keeps_the_promise_of_a_tenth_of_a_micrometre():
    for numbers in ("float32", "DS", "float64"):
        assert HEAD.position_tolerance(numbers) == 1e-4


def test_a_micro_ct_is_held_to_a_thousandth_of_its_voxels():
    assert MICRO_CT.position_tolerance("float64") == pytest.approx(5e-6)
    with pytest.raises(VerificationError, match=r"a corner lies 5e-05 mm from where it should \(0.01 voxels; 5e-06"):
        verify_geometry("a.nrrd", moved(MICRO_CT, 5e-5, 0, 0), MICRO_CT, "float64")


@pytest.mark.parametrize("origin", [0, 150, 3000, 250000])
@pytest.mark.parametrize("voxel", [0.002, 0.9, 12.0])
def test_float32_headers_are_never_off_by_more_than_the_tolerance(origin, voxel):
    """Every element of the affine is rounded by itself, as in an sform."""
    generator = np.random.default_rng(origin)
    for _ in range(50):
        matrix = affine(spacing=(voxel, voxel, 3 * voxel), origin=generator.normal(0, origin + 1, 3))
        matrix[:3, :3] = rotation(generator.uniform(0, 360), tuple(generator.normal(size=3))) @ matrix[:3, :3]
        planned = VolumeGeometry((512, 512, 700), matrix)
        stored = VolumeGeometry(planned.shape_ijk, matrix.astype(np.float32))
        assert planned.difference(stored).mm <= planned.position_tolerance()


def test_squared_axes_keep_sizes_and_centre():
    matrix = HEAD.affine_ras.copy()
    matrix[:3, :3] = matrix[:3, :3] @ (np.eye(3) + np.array([[0, 1e-4, 0], [0, 0, 0], [0, 0, 0]]))
    sheared = VolumeGeometry(HEAD.shape_ijk, matrix)
    squared = sheared.squared()
    assert squared.shear < 1e-14
    np.testing.assert_allclose(squared.spacing, sheared.spacing, rtol=1e-12)
    centre = (np.array(HEAD.shape_ijk) - 1) / 2
    np.testing.assert_allclose(squared.ras(centre), sheared.ras(centre), atol=1e-10)
    # half of the angle to each side: 255 x 0.9 mm x 5e-5 for j at most, and as much for i
    assert sheared.difference(squared).mm == pytest.approx(255 * 0.9 / 2 * 5e-5 * np.sqrt(2), rel=0.01)


def test_a_label_map_a_voxel_off_a_micro_ct_is_refused_with_digits_that_show_it():
    image = SourceVolume("a.nii", None, "", MICRO_CT, np.zeros((8, 6, 5)))
    label = SourceVolume("seg.nii", None, "", moved(MICRO_CT, 0.005, 0, 0), np.zeros((8, 6, 5)))
    with pytest.raises(InputError, match=r"up to 0\.005 mm \(1\.00 voxels\) away"):
        require_same_grid(image, label, "seg")
