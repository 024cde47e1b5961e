"""What the format of the slabs cannot hold is said before anything is cut."""

from __future__ import annotations

import nibabel as nib
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from support.phantoms import index_phantom

SHAPE = (5, 6, 8)


def write(path, shape_ijk, directions_lps=None):
    image = sitk.GetImageFromArray(index_phantom(shape_ijk).transpose(2, 1, 0))
    image.SetSpacing((2, 3, 4))
    if directions_lps is not None:
        image.SetDirection(np.asarray(directions_lps, float).ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture(params=["nrrd", "mha"])
def sheared(request, tmp_path):
    """The second axis leans by 15 degrees towards the first."""
    lean = np.radians(15)
    return write(tmp_path / f"t.{request.param}", SHAPE, [[1, np.sin(lean), 0], [0, np.cos(lean), 0], [0, 0, 1]])


@pytest.mark.parametrize("form", ["nii.gz", "nii", "dicom"])
@pytest.mark.parametrize("more", [[], ["--no-verify"], ["--dry-run"]])
def test_a_sheared_volume_is_refused_with_its_angle_and_the_remedy(run_cli, tmp_path, sheared, form, more):
    code, text, err = run_cli("export", sheared, "-o", tmp_path / "out", "--format", form, *more)
    assert code == 1 or "--dry-run" in more
    assert "is sheared: its axes are 15.0 degrees off a right angle" in text + err
    assert "Resample it to a regular grid first, or use --format nrrd" in text + err
    assert not list(tmp_path.glob("out/*/images/*"))


def test_inspect_says_that_a_volume_is_sheared(run_cli, sheared):
    assert "The axes are 15.0 degrees off a right angle (sheared), which NIfTI" in run_cli("inspect", sheared)[1]


def test_nrrd_holds_a_sheared_volume(run_cli, tmp_path, sheared):
    code, _, err = run_cli("export", sheared, "-o", tmp_path / "out", "--format", "nrrd", "--thickness", 4)
    assert code == 0, err
    assert "15.0 degrees" in err
    source = sitk.ReadImage(str(sheared))
    slab = sitk.ReadImage(str(sorted((tmp_path / "out" / "t" / "images").iterdir())[1]))
    np.testing.assert_allclose(slab.GetDirection(), source.GetDirection(), atol=1e-12)
    np.testing.assert_allclose(slab.GetOrigin(), source.TransformIndexToPhysicalPoint((0, 0, 4)), atol=1e-9)
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize("form", ["nii", "nrrd"])
def test_a_sheared_nifti_is_refused_with_a_remedy_that_works(run_cli, tmp_path, form):
    lean = np.array([[2, 0.6, 0, -5], [0, 2, 0, 7], [0, 0, 3, 9], [0, 0, 0, 1]])
    voxels = index_phantom(SHAPE)
    image = nib.Nifti1Image(voxels, lean)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "t.nii")
    _, _, err = run_cli("export", tmp_path / "t.nii", "-o", tmp_path / "no", "--format", form)
    assert "which Slicer cannot read from NIfTI, whatever the format of the slabs. Resample it" in err
    assert "or save it as NRRD and export that as NRRD" in err
    place = {"space": "right-anterior-superior", "space directions": lean[:3, :3].T, "space origin": lean[:3, 3]}
    nrrd.write(str(tmp_path / "t.nrrd"), voxels, place)
    code, _, err = run_cli("export", tmp_path / "t.nrrd", "-o", tmp_path / "out", "--format", "nrrd", "--thickness", 9)
    assert code == 0, err
    cut, header = nrrd.read(str(next(tmp_path.glob("out/t/images/*"))))
    np.testing.assert_array_equal(cut, voxels)
    to_ras = np.diag([-1, -1, 1]) if header["space"] == "left-posterior-superior" else np.eye(3)
    np.testing.assert_allclose(to_ras @ header["space directions"].T, lean[:3, :3], atol=1e-12)
    np.testing.assert_allclose(to_ras @ header["space origin"], lean[:3, 3], atol=1e-12)


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_axis_that_nifti_cannot_count_is_refused(run_cli, tmp_path, more):
    path = write(tmp_path / "long.nrrd", (33000, 1, 2))
    _, text, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 2, *more)
    said = text + err
    assert "NIfTI-1 holds at most 32767 voxels along an axis, and slabs of" in said
    assert "long.nrrd have 33000: use --format nrrd" in said
    assert not list(tmp_path.glob("out/*/images/*"))


def test_slabs_along_the_long_axis_fit(run_cli, tmp_path):
    path = write(tmp_path / "long.nrrd", (1, 2, 33000))
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--axis", "k", "--thickness", 20000)
    assert code == 0, err
    assert nib.load(tmp_path / "out" / "long" / "images" / "long_slab-000.nii.gz").shape == (1, 2, 20000)


def test_nrrd_holds_a_long_axis(run_cli, tmp_path):
    path = write(tmp_path / "long.nrrd", (33000, 1, 2))
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 2, "--format", "nrrd")
    assert code == 0, err
