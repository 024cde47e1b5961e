"""The sform and the qform of sources and of slabs, against nibabel and SimpleITK."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.volume import SourceVolume
from slab_exporter.files.encodings.nifti_forms import write_forms
from slab_exporter.files.nifti import HEADER_DTYPE, NiftiHeader, read_header
from slab_exporter.files.nifti_transforms import header_geometry
from slab_exporter.files.readback import image_geometry
from support.headers import corner_distance, forms_in, nifti_header, write_nifti
from support.phantoms import affine, index_phantom, rotation

SHAPE = (5, 6, 8)
RAS = np.array([[2.0, 0, 0, -50], [0, 3, 0, -60], [0, 0, 4, 70], [0, 0, 0, 1]])
LEAN = rotation(20, (1, 0, 0))  # a head that leans back
VOXELS = index_phantom(SHAPE)


def export(run_cli, tmp_path: Path, path: Path, *options: object) -> tuple[list[Path], str]:
    """Slabs of four slices, and what was said."""
    out = tmp_path / "out"
    code, _, err = run_cli("export", path, "-o", out, "--format", "nii", "--thickness", 4, *options)
    assert code == 0, err
    code, text, _ = run_cli("verify", out)
    assert code == 0, text
    return sorted(out.glob("*/images/*.nii")), err


def half_turned(tilt: float) -> np.ndarray:
    """A right-handed head in LPS, tilted about x: a rotation by 180 degrees."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(tilt, (1, 0, 0)) @ np.diag([-1.0, -1, 1]) * (0.9, 0.9, 1.5)
    matrix[:3, 3] = (115, 120, -80)
    return matrix


@pytest.mark.parametrize("tilt", [*np.linspace(-40, 40, 27), 90, 180])
def test_half_turns_are_read_as_by_nibabel_and_itk(tmp_path, tilt):
    header = nifti_header((256, 256, 150), qform=half_turned(tilt), dtype="uint8")
    path = tmp_path / "head.nii"
    write_nifti(path, header, np.zeros((256, 256, 150), np.uint8))
    ours = header_geometry(read_header(path))
    assert corner_distance(ours.affine_ras, header.get_qform(), ours.shape_ijk) < 1e-4
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    assert ours.corner_distance(image_geometry(reader)) < 1e-4
    assert corner_distance(ours.affine_ras, half_turned(tilt), ours.shape_ijk) < 1e-4


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("forms", ["both", "sform", "qform"])
def test_a_negative_voxel_size_mirrors_nobody(run_cli, tmp_path, axis, forms):
    """Old converters wrote -2 for 2; both forms say RAS, and nibabel reads RAS."""
    header = nifti_header(SHAPE, *(RAS if forms in ("both", form) else None for form in ("sform", "qform")))
    header["pixdim"][axis] *= -1
    path = write_nifti(tmp_path / "neg.nii", header, VOXELS)
    slabs, said = export(run_cli, tmp_path, path)
    name = ("left-right", "front-back", "head-feet")[axis - 1]
    assert f"pixdim[{axis}] of the header is negative ({-RAS[axis - 1, axis - 1]:g} mm)" in said
    assert f"mirror image ({name})" in said
    assert "right angles" not in said
    for n, slab in enumerate(slabs):
        expected = RAS.copy()
        expected[2, 3] += 16 * n
        np.testing.assert_array_equal(nib.load(slab).affine, expected)
        np.testing.assert_array_equal(np.asanyarray(nib.load(slab).dataobj), VOXELS[:, :, 4 * n : 4 * n + 4])
        image = sitk.ReadImage(str(slab))
        assert image.GetSpacing() == (2, 3, 4)
        assert image.GetDirection() == (-1, 0, 0, 0, -1, 0, 0, 0, 1)


def test_a_negative_voxel_size_is_said_by_inspect(run_cli, tmp_path):
    header = nifti_header(SHAPE, RAS, RAS)
    header["pixdim"][1] = -2
    code, text, _ = run_cli("inspect", write_nifti(tmp_path / "neg.nii", header, VOXELS))
    assert code == 0
    assert "orientation  RAS" in text
    assert "right-handed" in text
    assert (
        "pixdim[1] of the header is negative (-2 mm): ITK, and so Slicer, shows this file as its mirror image" in text
    )


@pytest.mark.parametrize("rounding", [0, 1e-6, 3e-5, 1.5e-4, 1e-3])
@pytest.mark.parametrize("forms", ["both", "sform"])
def test_slabs_have_the_forms_of_nibabels_slices(run_cli, tmp_path, rounding, forms):
    """Axes off a right angle by rounding are kept as they are, to the last bit."""
    matrix = RAS.copy()
    matrix[:3, :3] = LEAN @ RAS[:3, :3] @ (np.eye(3) + rounding * np.eye(3)[[1, 0, 2]] * (1, 0, 0))
    header = nifti_header(SHAPE, matrix, matrix if forms == "both" else None)
    path = write_nifti(tmp_path / "t.nii", header, VOXELS)
    source = nib.load(path)
    slabs, _ = export(run_cli, tmp_path, path)
    for n, slab in enumerate(slabs):
        start = np.eye(4)
        start[2, 3] = 4 * n
        sform, qform = forms_in(slab)
        piece = source.slicer[:, :, 4 * n : 4 * n + 4]
        np.testing.assert_array_equal(sform, piece.affine.astype(np.float32))
        if forms == "both":
            planned = source.get_qform() @ start
            np.testing.assert_array_equal(qform[:3, :3], planned[:3, :3])
            np.testing.assert_array_equal(qform[:3, 3], planned[:3, 3].astype(np.float32))
        elif rounding < 1e-4:
            assert qform is None
        else:  # ITK, and so Slicer, could not open the slab without one
            assert corner_distance(qform, sform, (5, 6, 4)) < 0.05
        sitk.ReadImage(str(slab))


def test_forms_that_nearly_agree_keep_their_own_matrix(run_cli, tmp_path):
    near = RAS.copy()
    near[:3, 3] += (0.0015, -0.001, 0.02)
    path = write_nifti(tmp_path / "near.nii", nifti_header(SHAPE, RAS, near, codes=(2, 1)), VOXELS)
    slabs, said = export(run_cli, tmp_path, path)
    assert "disagree" not in said
    sform, qform = forms_in(slabs[1])
    np.testing.assert_array_equal(sform[:3, 3], np.float32([-50, -60, 86]))
    np.testing.assert_array_equal(qform[:3, 3], (near[:3, 3] + (0, 0, 16)).astype(np.float32))
    header = nib.load(slabs[1]).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (2, 1)


@pytest.mark.parametrize("chosen", ["sform", "qform"])
def test_the_manifest_records_the_form_that_was_asked_for(run_cli, tmp_path, chosen):
    """The other form lies nearer to what ITK makes of the file; verify reads as export read."""
    near = RAS.copy()
    near[:3, 3] += (0.02, 0, 0)
    path = write_nifti(tmp_path / "near.nii", nifti_header(SHAPE, RAS, near), VOXELS)
    export(run_cli, tmp_path, path, "--nifti-transform", chosen)
    document = json.loads((tmp_path / "out" / "near" / "manifest.json").read_text())
    assert document["source"]["nifti_transform"] == chosen
    expected = RAS if chosen == "sform" else near
    np.testing.assert_allclose(document["source"]["affine_ras"], expected, rtol=0, atol=1e-6)


def test_without_any_form_the_slabs_are_aligned_as_slicer_shows_the_source(run_cli, tmp_path):
    header = nifti_header(SHAPE, pixdim=[1, 2, 3, 4, 0, 0, 0, 0])
    slabs, said = export(run_cli, tmp_path, write_nifti(tmp_path / "none.nii", header, VOXELS))
    assert "states no orientation" in said
    sform, qform = forms_in(slabs[1])
    np.testing.assert_array_equal(sform, [[-2, 0, 0, 0], [0, -3, 0, 0], [0, 0, 4, 16], [0, 0, 0, 1]])
    assert qform is None


def test_voxel_sizes_that_contradict_the_sform_are_said(run_cli, tmp_path):
    """ITK places such a file by pixdim, nibabel by the sform."""
    header = nifti_header(SHAPE, RAS, pixdim=[1, 7, 9, 5, 0, 0, 0, 0])
    slabs, said = export(run_cli, tmp_path, write_nifti(tmp_path / "odd.nii", header, VOXELS))
    assert "The voxel sizes of the header (7 x 9 x 5 mm) contradict its sform (2 x 3 x 4 mm)" in said
    np.testing.assert_array_equal(forms_in(slabs[0])[0], RAS)
    assert sitk.ReadImage(str(slabs[0])).GetSpacing() == (2, 3, 4)


@pytest.mark.parametrize("shape", [(5, 6, 8), (64, 64, 4)])
def test_shear_beyond_rounding_is_refused_before_cutting(run_cli, tmp_path, shape):
    matrix = RAS.copy()
    matrix[:3, :3] = RAS[:3, :3] @ (np.eye(3) + np.eye(3)[[1, 0, 2]] * (np.tan(np.radians(15)), 0, 0))
    path = write_nifti(tmp_path / "t.nii", nifti_header(shape, matrix), index_phantom(shape))
    for more in ([], ["--no-verify"], ["--dry-run"]):
        _, text, err = run_cli("export", path, "-o", tmp_path / "out", *more)
        assert "degrees off a right angle" in text + err
    assert not list(tmp_path.glob("out/**/*.nii.gz"))
    assert "degrees off a right angle" in run_cli("inspect", path)[1]


@pytest.mark.parametrize("longer", [1.000001, 1.0001, 1.0005])
def test_a_quaternion_longer_than_one_is_shortened_and_said(run_cli, tmp_path, longer):
    """nibabel opens no file with it, the source as little as a slab."""
    header = nifti_header((5, 6, 8), None, half_turned(20))
    for name in ("quatern_b", "quatern_c", "quatern_d"):
        header[name] *= longer
    slabs, said = export(run_cli, tmp_path, write_nifti(tmp_path / "t.nii", header, VOXELS), "--axis", "k")
    assert "The quaternion of the qform is longer than 1 (1.000" in said
    found = nib.load(slabs[0])
    assert corner_distance(found.affine, half_turned(20), found.shape) < 1e-4


def test_a_slice_that_is_said_to_hold_vectors_is_a_slice_of_numbers(run_cli, tmp_path):
    """ITK takes the slab of such a source for a picture of two dimensions."""
    header = nifti_header((5, 6, 1), RAS, RAS, intent_code=1007)
    header["dim"][0] = 2
    slabs, _ = export(run_cli, tmp_path, write_nifti(tmp_path / "t.nii", header, VOXELS[:, :, :1]), "--axis", "k")
    found = nib.load(slabs[0])
    np.testing.assert_array_equal(np.asanyarray(found.dataobj), VOXELS[:, :, :1])
    np.testing.assert_array_equal(found.affine, RAS)


def test_quaternions_of_any_head_hold_its_rotation():
    """Slabs of sources that are no NIfTI get a qform of our own."""
    generator = np.random.default_rng(1)
    fields = np.zeros(1, HEADER_DTYPE)[0]
    fields["dim"][:4] = 3, 256, 256, 150
    for _ in range(300):
        a, b, c, d = (q := generator.normal(size=4) * 10.0 ** generator.integers(-6, 1, 4)) / np.linalg.norm(q)
        matrix = affine(origin=tuple(generator.normal(0, 90, 3)))
        matrix[:3, :3] = nib.quaternions.quat2mat((a, b, c, d)) @ np.diag([0.9, 0.9, generator.choice([-1.2, 1.2])])
        geometry = VolumeGeometry((256, 256, 150), matrix)
        write_forms(fields, SourceVolume("head", None, "", geometry, VOXELS), geometry.box)
        header = NiftiHeader(Path("head"), fields)
        assert header.geometry("sform").corner_distance(geometry) < 1e-4
        if int(fields["qform_code"]):
            found = geometry.difference(header.geometry("qform"))
            assert found.is_within(0.05)
        else:  # so near to a half turn that four bytes cannot tell them apart
            assert 1e-5 < abs(a) < 2e-3
