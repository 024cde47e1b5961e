"""Volumes whose axes are nearly at right angles, and small voxels, as DICOM slabs: judged by pydicom and nibabel."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import VerificationError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.dicom.writing.image_grid import image_grid, right_angle_warnings
from slab_exporter.dicom.writing.readback import read_slab_folder
from support.dicom_phantoms import change
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (24, 20, 9)
TO_LPS = np.diag([-1.0, -1.0, 1.0])


def leaning(lean: float) -> np.ndarray:
    """A left-handed affine (LAS), voxels of 1 x 1 x 2 mm; j leans towards R and k towards A."""
    matrix = np.diag([-1.0, 1.0, 2.0, 1.0])
    matrix[:3, 3] = (40, -50, -30)
    matrix[0, 1] = lean
    matrix[1, 2] = 2 * lean
    return matrix


def exported(run_cli, folder, matrix):
    """The manifest's folder, and what was said."""
    source = save_nifti(folder / "ct.nii.gz", index_phantom(SHAPE), matrix)
    code, _, said = run_cli("export", source, "-o", folder / "out", "--format", "dicom", "--thickness", 4)
    assert code == 0, said
    return folder / "out" / "ct", said


def images(folder):
    """Of all slabs, from inferior to superior."""
    return [pydicom.dcmread(path) for path in sorted(folder.glob("images/*/*.dcm"))]


@pytest.mark.parametrize("lean", [1e-4, 4e-4])
def test_every_image_lies_where_the_source_has_its_first_pixel(run_cli, tmp_path, lean):
    matrix = nib.load(save_nifti(tmp_path / "source.nii", index_phantom(SHAPE), leaning(lean))).affine
    case, said = exported(run_cli, tmp_path, leaning(lean))
    found = images(case)
    assert len(found) == SHAPE[2]
    for k, image in enumerate(found):
        expected = TO_LPS @ (matrix @ (0, 0, k, 1))[:3]
        np.testing.assert_allclose(np.array(image.ImagePositionPatient, float), expected, rtol=0, atol=1e-9)
        row, column = np.reshape(np.array(image.ImageOrientationPatient, float), (2, 3))
        assert abs(row @ column) < 1e-12
    # j leans by 19 voxels of 1 mm, k by 8 of 2 mm, at right angles to each other
    off = lean * np.hypot(19, 16)
    assert f"degrees off a right angle, which DICOM images cannot state: voxels lie up to {off:.2g} mm" in said
    assert json.loads((case / "manifest.json").read_text())["slabs"][0]["verified"] is True
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize("form", ["dicom", "nii.gz"])
def test_stitching_gives_the_source_back(run_cli, tmp_path, form):
    source = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), leaning(4e-4))
    assert run_cli("export", source, "-o", tmp_path / "out", "--format", form, "--thickness", 4)[0] == 0
    code, _, said = run_cli("stitch", tmp_path / "out" / "ct", "-o", tmp_path / "whole.nii.gz")
    assert code == 0, said
    whole, original = nib.load(tmp_path / "whole.nii.gz"), nib.load(source)
    np.testing.assert_array_equal(whole.affine, original.affine)
    np.testing.assert_array_equal(np.asanyarray(whole.dataobj), np.asanyarray(original.dataobj))


def test_right_angles_are_not_worth_a_word():
    box_shaped = VolumeGeometry(SHAPE, affine(oblique=17, signs=(-1, 1, 1)))
    assert right_angle_warnings(box_shaped) == []
    assert box_shaped.corner_distance(image_grid(box_shaped)) < 1e-10
    assert not image_grid(box_shaped).is_right_handed


def test_a_single_image_of_a_left_handed_volume_is_no_mirror_image(run_cli, tmp_path):
    case, _ = exported(run_cli, tmp_path, leaning(0.0))
    last = json.loads((case / "manifest.json").read_text())["slabs"][-1]
    assert last["shape_ijk"] == [24, 20, 1]
    assert last["verified"] is True


@pytest.mark.parametrize(("voxel_mm", "moved_mm"), [(1.0, 5e-4), (0.005, 5e-5)])
def test_an_image_a_hundredth_of_a_small_voxel_away_is_found(run_cli, tmp_path, voxel_mm, moved_mm):
    """0.001 mm, once allowed whatever the voxels, is a fifth of a voxel of a micro-CT."""
    matrix = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    matrix[:3, 3] = (1, 2, 3)
    case, _ = exported(run_cli, tmp_path, matrix)
    folder = case / "images" / "ct_slab-000"
    planned = VolumeGeometry((24, 20, 4), matrix)
    assert read_slab_folder(folder, planned).shape == (4, 20, 24)
    path = sorted(folder.glob("*.dcm"))[1]
    x, y, z = map(float, pydicom.dcmread(path).ImagePositionPatient)
    change(path, ImagePositionPatient=[f"{x + moved_mm:.10g}", f"{y:.10g}", f"{z:.10g}"])
    with pytest.raises(VerificationError, match=f"lies {moved_mm:.3g} mm from where it should"):
        read_slab_folder(folder, planned)
