"""Points and registrations, against nibabel, SimpleITK, Slicer, fslpy and nitransforms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import slab_exporter
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.coordinates.registration import FslGrid, flirt_from_ras, fsl_grid, ras_from_flirt, ras_from_itk
from slab_exporter.coordinates.transform_files import matrix_text, parse_matrix, read_itk, write_itk
from slab_exporter.coordinates.where import explain_axes, locate
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.mrml.nodes import array_from_matrix
from slab_exporter.volumes.choice import FileChoice
from slab_exporter.volumes.reading import open_for_geometry
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, rotation, save_nifti

SHAPE = (7, 9, 11)
REGISTRATION = np.eye(4)
REGISTRATION[:3, :3] = rotation(25.0) @ np.diag([1.1, 0.95, 1.02])
REGISTRATION[:3, 3] = (12.5, -33.25, 4.0)

# Real headers of both handednesses, some oblique, some big-endian, some 4D.
REAL = [
    "nifti/avg152_pair/avg152T1_LR_nifti.nii.gz",
    "nifti/avg152_pair/avg152T1_RL_nifti.nii.gz",
    "nifti/ct_totalseg/example_ct.nii.gz",
    "nifti/ct_totalseg/example_mr_sm.nii.gz",
    "nifti/dipy/aniso_vox.nii.gz",
    "nifti/nibabel/anatomical.nii",
    "nifti/nibabel/example4d.nii.gz",
    "nifti/papaya/sample_image.nii.gz",
    "nifti/papaya/zstat1.nii.gz",
    "dicom_ref/mr_siemens_prisma_sagittal_HFS.nii.gz",
    "dicom_ref/ct_torchio_flipped_rows.nii.gz",
]


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS[::5])
def test_a_point_in_all_spaces(tmp_path, axes, signs, run_cli):
    import SimpleITK as sitk

    geometry = affine(axes, signs, oblique=12.0)
    array = index_phantom(SHAPE)
    path = save_nifti(tmp_path / "v.nii", array, geometry)
    image = sitk.ReadImage(str(path))
    voxel = (3, 5, 8)
    lps = image.TransformIndexToPhysicalPoint(voxel)
    ras = nib.affines.apply_affine(nib.load(path).affine, voxel)
    for space, point in (("ijk", voxel), ("ras", ras), ("lps", lps)):
        code, out, _ = run_cli("where", path, f"--{space}", *(repr(float(v)) for v in point), "--json")
        assert code == 0
        found = json.loads(out)
        np.testing.assert_allclose(found["lps"], lps, atol=1e-4)
        np.testing.assert_allclose(found["ras"], ras, atol=1e-4)
        np.testing.assert_allclose(found["ijk"], voxel, atol=1e-4)
        assert found["voxel"] == list(voxel)
        assert found["value"] == array[voxel]
        assert found["inside"]


def test_outside_is_said(tmp_path, run_cli):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    code, out, _ = run_cli("where", path, "--ijk", "-0.6", 0, 0)
    assert code == 0
    assert "outside the volume" in out
    code, out, _ = run_cli("where", path, "--ijk", "-0.4", 0, 0)
    assert "nearest voxel            (0, 0, 0)" in out


@pytest.mark.parametrize("point", [("nan", 0, 0), (0, "inf", 0), ("1e308", "1e308", "1e308")])
def test_points_that_are_no_points_are_refused(tmp_path, run_cli, point):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    code, _, err = run_cli("where", path, "--lps", *point)
    assert code in (0, 2)
    assert code == 0 or "finite numbers" in err


def test_the_slabs_that_hold_a_point(tmp_path, run_cli):
    array = index_phantom(SHAPE)
    path = save_nifti(tmp_path / "v.nii", array, affine(signs=(-1, 1, -1)))
    assert run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4, "--overlap", 2, "--quiet")[0] == 0
    for target in (tmp_path / "out", tmp_path / "out" / "v", tmp_path / "out" / "v" / "manifest.json"):
        code, out, _ = run_cli("where", target, "--ijk", 2, 3, 6, "--json")
        assert code == 0
        found = json.loads(out)
        assert found["value"] == array[2, 3, 6]
        assert len(found["slabs"]) == 2
        for hit in found["slabs"]:
            slab = nib.load(tmp_path / "out" / "v" / hit["image"])
            assert np.asanyarray(slab.dataobj)[tuple(hit["voxel"])] == array[2, 3, 6]
            np.testing.assert_allclose(nib.affines.apply_affine(slab.affine, hit["voxel"]), found["ras"], atol=1e-4)


def test_axes_are_explained_for_this_very_volume():
    text = explain_axes(VolumeGeometry(SHAPE, affine((1, 0, 2), (-1, 1, 1))))
    assert "i runs to the patient's posterior (NIfTI -y, DICOM +y)" in text
    assert "j runs to the patient's right (NIfTI +x, DICOM -x)" in text
    assert "k runs to the patient's superior (NIfTI +z, DICOM +z)" in text
    assert "degrees oblique" in explain_axes(VolumeGeometry(SHAPE, affine(oblique=10.0)))


@given(
    point=st.tuples(*[st.floats(-500, 500)] * 3),
    space=st.sampled_from(["ijk", "ras", "lps"]),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
)
def test_spaces_lead_back_to_where_they_came_from(point, space, orientation):
    geometry = VolumeGeometry(SHAPE, affine(*orientation, oblique=33.0))
    first = locate(geometry, space, point)
    for other in ("ijk", "ras", "lps"):
        again = locate(geometry, other, tuple(getattr(first, other)))
        np.testing.assert_allclose(again.ras, first.ras, atol=1e-6)
        np.testing.assert_allclose(getattr(again, space), point, atol=1e-6)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("transforms")


@given(values=st.lists(st.floats(-5, 5), min_size=12, max_size=12))
def test_transform_files_read_back_exactly(scratch, values):
    matrix = np.eye(4)
    matrix[:3] = np.reshape(values, (3, 4)) + np.eye(4)[:3] * 20
    np.testing.assert_array_equal(parse_matrix(matrix_text(matrix), "x"), matrix)
    for extension in ("tfm", "h5"):
        write_itk(scratch / f"m.{extension}", matrix, overwrite=True)
        np.testing.assert_array_equal(read_itk(scratch / f"m.{extension}"), matrix)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3",
        "1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1",
        "a b c d\n" * 4,
        "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 1 1",
        "nan " * 16,
    ],
)
def test_what_is_no_matrix_is_refused(text):
    with pytest.raises(InputError):
        parse_matrix(text, "x.mat")


def itk_file(path, change=lambda text: text):
    write_itk(path, np.eye(4), overwrite=True)
    path.write_text(change(path.read_text()))
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("AffineTransform_double_3_3", "BSplineTransform_double_3_3"), "ITK can read"),
        (lambda text: text.replace("Parameters: 1", "Parameters: x"), "is damaged"),
        (lambda text: text.replace("Parameters: 1", "Parameters:"), "is damaged"),
        (lambda text: text + text.split("\n", 1)[1], "holds several transforms"),
        (lambda text: text.replace("Parameters: 1 0 0 0 1 0", "Parameters: 1 0 0 1 0 0"), "is singular"),
    ],
)
@pytest.mark.parametrize("warnings_on", [True, False])
def test_damaged_itk_transforms_are_refused(tmp_path, capfd, change, sentence, warnings_on):
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(warnings_on)
    with pytest.raises(InputError, match=sentence):
        read_itk(itk_file(tmp_path / "x.tfm", change))
    assert sitk.ProcessObject.GetGlobalWarningDisplay() == warnings_on
    assert capfd.readouterr().err == ""


def itk_transforms():
    """Linear transforms of every kind that registration programs write, with centres away from the origin."""
    import SimpleITK as sitk

    affine_one = sitk.AffineTransform(REGISTRATION[:3, :3].reshape(-1).tolist(), (4.0, -7.5, 11.0), (10.0, 20.0, 30.0))
    euler = sitk.Euler3DTransform((5.0, 6.0, 7.0), 0.1, -0.2, 0.3, (1.0, 2.0, 3.0))
    composite = sitk.CompositeTransform([affine_one, euler, sitk.TranslationTransform(3, (1.0, 2.0, 3.0))])
    return {
        "affine": affine_one,
        "euler": euler,
        "versor": sitk.VersorRigid3DTransform((0.6, 0.0, 0.8), 0.4, (3.0, 2.0, 1.0), (9.0, 8.0, 7.0)),
        "similarity": sitk.Similarity3DTransform(1.25, (0.0, 0.6, 0.8), 0.3, (3.0, 2.0, 1.0), (9.0, 8.0, 7.0)),
        "scale": sitk.ScaleTransform(3, (1.5, 0.5, 2.0)),
        "translation": sitk.TranslationTransform(3, (1.0, -2.0, 3.0)),
        "composite": composite,
    }


@pytest.mark.parametrize("kind", itk_transforms())
@pytest.mark.parametrize("extension", ["tfm", "txt", "mat", "h5"])
def test_itks_linear_transforms_move_points_as_simpleitk_does(tmp_path, kind, extension):
    import SimpleITK as sitk

    if (kind, extension) == ("composite", "mat"):
        pytest.skip("ITK writes no composite transform as MATLAB")
    transform, path = itk_transforms()[kind], tmp_path / f"t.{extension}"
    sitk.WriteTransform(transform, str(path))
    matrix = read_itk(path)
    for point in ((0.0, 0.0, 0.0), (120.0, -35.5, 410.25)):
        np.testing.assert_allclose((matrix @ (*point, 1.0))[:3], transform.TransformPoint(point), rtol=0, atol=1e-9)


def test_what_ants_writes_is_read(tmp_path):
    """0GenericAffine.mat is MATLAB of level 4; ANTs calls the kind MatrixOffsetTransformBase at times."""
    import SimpleITK as sitk

    transform = itk_transforms()["affine"]
    sitk.WriteTransform(transform, str(tmp_path / "a.tfm"))
    text = (tmp_path / "a.tfm").read_text().replace("AffineTransform", "MatrixOffsetTransformBase")
    (tmp_path / "a.tfm").write_text(text)
    point = (7.0, -8.0, 9.0)
    moved = (read_itk(tmp_path / "a.tfm") @ (*point, 1.0))[:3]
    np.testing.assert_allclose(moved, transform.TransformPoint(point), rtol=0, atol=1e-9)


def test_itk_transforms_against_nitransforms(tmp_path):
    io = pytest.importorskip("nitransforms.io.itk", reason="nitransforms is not installed (slab-exporter[peers])")
    import SimpleITK as sitk

    for extension in ("tfm", "mat"):
        path = tmp_path / f"t.{extension}"
        sitk.WriteTransform(itk_transforms()["affine"], str(path))
        theirs = io.ITKLinearTransform.from_filename(path).to_ras()
        ours = np.linalg.inv(ras_from_itk(read_itk(path)))  # nitransforms pulls: reference RAS -> moving RAS
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)  # it keeps float32


def test_a_transform_that_bends_is_refused_in_one_sentence(tmp_path, run_cli):
    import SimpleITK as sitk

    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    bending = sitk.BSplineTransform(3)
    field = sitk.DisplacementFieldTransform(sitk.Image([4, 4, 4], sitk.sitkVectorFloat64))
    mixed = sitk.CompositeTransform([itk_transforms()["affine"], bending])
    for transform, name in ((bending, "BSpline"), (field, "DisplacementField"), (mixed, "Composite")):
        sitk.WriteTransform(transform, str(tmp_path / "t.h5"))
        arguments = ("flirt", tmp_path / "t.h5", "--moving", path, "--reference", path, "-o", tmp_path / "o.mat")
        code, _, err = run_cli(*arguments)
        assert code == 2
        assert f"t.h5 holds a {name}Transform that is not linear; only affine, rigid and other linear" in err
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "o.mat").exists()
    sitk.WriteTransform(sitk.Euler2DTransform(), str(tmp_path / "flat.tfm"))
    with pytest.raises(InputError, match="of 2 dimensions"):
        read_itk(tmp_path / "flat.tfm")


@pytest.mark.parametrize("extension", ["mat", "h5"])
def test_damaged_binary_transforms_are_one_sentence(tmp_path, run_cli, extension):
    import SimpleITK as sitk

    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    damaged = tmp_path / f"t.{extension}"
    sitk.WriteTransform(itk_transforms()["affine"], str(damaged))
    damaged.write_bytes(damaged.read_bytes()[: 100 if extension == "mat" else 900])
    code, _, err = run_cli("flirt", damaged, "--moving", path, "--reference", path, "-o", tmp_path / "o.txt")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "or is damaged" in err


def test_itk_files_of_every_kind_become_flirts_matrix_and_come_back(tmp_path, run_cli):
    import SimpleITK as sitk

    moving = save_nifti(tmp_path / "moving.nii", index_phantom(SHAPE), affine())
    reference = save_nifti(tmp_path / "reference.nii", index_phantom((5, 6, 7)), affine((1, 0, 2), (1, 1, -1)))
    arguments = ("--moving", moving, "--reference", reference, "-o")
    transform = itk_transforms()["composite"]
    sitk.WriteTransform(transform, str(tmp_path / "t.h5"))
    assert run_cli("flirt", tmp_path / "t.h5", *arguments, tmp_path / "m.mat")[0] == 0
    assert run_cli("flirt", tmp_path / "m.mat", *arguments, tmp_path / "back.h5")[0] == 0
    back, point = sitk.ReadTransform(str(tmp_path / "back.h5")), (12.0, 34.0, -56.0)
    assert back.GetName() == "AffineTransform"
    np.testing.assert_allclose(back.TransformPoint(point), transform.TransformPoint(point), rtol=0, atol=1e-9)


def test_simpleitk_and_slicer_agree_with_what_is_written(tmp_path, runtime, run_cli):
    """ITK pulls (reference to moving, LPS); Slicer's transform node then pushes (moving to reference, RAS)."""
    import SimpleITK as sitk

    moving = save_nifti(tmp_path / "moving.nii", index_phantom(SHAPE), affine())
    reference = save_nifti(tmp_path / "reference.nii", index_phantom((5, 6, 7)), affine((1, 0, 2), (1, 1, -1)))
    (tmp_path / "m.txt").write_text(matrix_text(REGISTRATION))
    arguments = ("--moving", moving, "--reference", reference)
    code, out, _ = run_cli("flirt", tmp_path / "m.txt", *arguments, "--from", "ras", "-o", tmp_path / "m.tfm")
    assert code == 0
    assert "RAS mm of the moving image -> RAS mm of the reference" in out
    point = np.array([10.0, 20.0, 30.0])
    expected = REGISTRATION[:3, :3] @ point + REGISTRATION[:3, 3]
    transform = sitk.ReadTransform(str(tmp_path / "m.tfm"))
    np.testing.assert_allclose(transform.TransformPoint((expected * (-1, -1, 1)).tolist()), point * (-1, -1, 1))
    node = runtime.scene.AddNode(runtime.classes.vtkMRMLTransformNode())
    storage = runtime.scene.AddNode(runtime.classes.vtkMRMLTransformStorageNode())
    storage.SetFileName(str(tmp_path / "m.tfm"))
    assert storage.ReadData(node)
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    found = vtkMatrix4x4()
    node.GetMatrixTransformToParent(found)
    np.testing.assert_allclose(array_from_matrix(found), REGISTRATION, atol=1e-9)
    runtime.scene.RemoveNode(node)
    runtime.scene.RemoveNode(storage)
    # and all the way back
    for name in ("m.mat", "m2.tfm", "m3.txt"):
        previous = {"m.mat": "m.tfm", "m2.tfm": "m.mat", "m3.txt": "m2.tfm"}[name]
        assert run_cli("flirt", tmp_path / previous, *arguments, "-o", tmp_path / name)[0] == 0
    np.testing.assert_allclose(parse_matrix((tmp_path / "m3.txt").read_text(), ""), REGISTRATION, atol=1e-9)


def test_flirt_files_are_guarded(tmp_path, run_cli):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    (tmp_path / "m.mat").write_text(matrix_text(np.eye(4)))
    arguments = ("flirt", tmp_path / "m.mat", "--moving", path, "--reference", path, "-o")
    assert run_cli(*arguments, tmp_path / "o.tfm")[0] == 0
    code, _, err = run_cli(*arguments, tmp_path / "o.tfm")
    assert code == 2
    assert "exists already" in err
    code, _, err = run_cli(*arguments, tmp_path / "o.xyz")
    assert code == 2
    assert ".tfm" in err
    (tmp_path / "m.mat").write_bytes(b"\xff\xfe\x00\x01")
    code, _, err = run_cli(*arguments, tmp_path / "p.tfm")
    assert code == 2
    assert "not a text file" in err


def opened(runtime, path):
    source = open_for_geometry(runtime, FileChoice(path))
    return source, fsl_grid(source)


def with_nibabels_affine(grid, image):
    """The same grid by the sform, and how far (mm) Slicer's choice, often the qform, lies from it.

    Both forms of these files say the same but for float32 rounding, which is more than 1e-6 mm.
    """
    geometry = VolumeGeometry(grid.geometry.shape_ijk, image.affine)
    return FslGrid(geometry, grid.voxel_size, grid.x_flipped), geometry.corner_distance(grid.geometry)


@pytest.mark.parametrize("name", REAL)
def test_fsl_coordinates_are_fslpys(real_data, runtime, name):
    fsl = pytest.importorskip("fsl.data.image", reason="fslpy is not installed (pip install slab-exporter[peers])")
    source, grid = opened(runtime, real_data / name)
    image = fsl.Nifti(nib.load(real_data / name).header)
    ends = np.array(source.geometry.shape_ijk)
    for index in (np.zeros(3), ends - 1, ends / 3):
        ours = (grid.fsl_from_ijk @ (*index, 1))[:3]
        theirs = (image.getAffine("voxel", "fsl") @ (*index, 1))[:3]
        np.testing.assert_allclose(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("reference", REAL[:3])
@pytest.mark.parametrize("moving", REAL)
def test_flirt_matrices_against_fslpy(real_data, runtime, moving, reference, tmp_path, run_cli):
    fsl = pytest.importorskip("fsl.data.image", reason="fslpy is not installed (pip install slab-exporter[peers])")
    flirt = pytest.importorskip("fsl.transform.flirt")
    grids = [opened(runtime, real_data / name)[1] for name in (moving, reference)]
    loaded = [nib.load(real_data / name) for name in (moving, reference)]
    (moving_grid, off_a), (reference_grid, off_b) = map(with_nibabels_affine, grids, loaded)
    images = [fsl.Nifti(nib.load(real_data / name).header) for name in (moving, reference)]
    theirs = flirt.fromFlirt(REGISTRATION, *images, "world", "world")
    ours = ras_from_flirt(REGISTRATION, moving_grid, reference_grid)
    points = np.vstack([moving_grid.geometry.corners_ras().T, np.ones(8)])
    np.testing.assert_allclose((ours @ points)[:3], (theirs @ points)[:3], atol=1e-6, rtol=0)
    back = flirt.toFlirt(theirs, *images, "world", "world")
    np.testing.assert_allclose(flirt_from_ras(ours, moving_grid, reference_grid), back, atol=1e-6, rtol=0)
    np.testing.assert_allclose(back, REGISTRATION, atol=1e-6)

    point = moving_grid.geometry.corners_ras()[3]
    (tmp_path / "m.mat").write_text(matrix_text(REGISTRATION))
    arguments = ("--ras", *(repr(float(v)) for v in point), "--flirt", tmp_path / "m.mat")
    code, out, _ = run_cli("where", real_data / moving, *arguments, "--reference", real_data / reference, "--json")
    assert code == 0
    np.testing.assert_allclose(
        json.loads(out)["reference"]["ras"], (theirs @ (*point, 1))[:3], atol=1e-6 + 2 * (off_a + off_b), rtol=0
    )


@pytest.mark.parametrize("reference", REAL[:2])
@pytest.mark.parametrize("moving", REAL)
def test_flirt_matrices_against_nitransforms(real_data, moving, reference, tmp_path):
    io = pytest.importorskip("nitransforms.io.fsl", reason="nitransforms is not installed (slab-exporter[peers])")
    images = [nib.load(real_data / name) for name in (moving, reference)]
    # nitransforms takes voxel sizes from the affine, FSL from pixdim: the same but for float32 rounding.
    moving_grid, reference_grid = (FslGrid.of(VolumeGeometry(image.shape[:3], image.affine)) for image in images)
    path = tmp_path / "m.mat"
    path.write_text(matrix_text(REGISTRATION))
    # nitransforms pulls: reference RAS -> moving RAS
    theirs = io.FSLLinearTransform.from_filename(path).to_ras(moving=images[0], reference=images[1])
    ours = np.linalg.inv(ras_from_flirt(REGISTRATION, moving_grid, reference_grid))
    points = np.vstack([reference_grid.geometry.corners_ras().T, np.ones(8)])
    np.testing.assert_allclose((ours @ points)[:3], (theirs @ points)[:3], atol=1e-6, rtol=0)


def test_both_handednesses_are_among_the_real_headers(real_data, runtime):
    flipped = {opened(runtime, real_data / name)[1].x_flipped for name in REAL}
    assert flipped == {True, False}


@given(a=st.sampled_from(SIGNED_PERMUTATIONS), b=st.sampled_from(SIGNED_PERMUTATIONS), degrees=st.floats(-180, 180))
def test_flirt_and_back_is_the_identity(a, b, degrees):
    moving = FslGrid.of(VolumeGeometry(SHAPE, affine(*a, oblique=10.0)))
    reference = FslGrid.of(VolumeGeometry((5, 4, 3), affine(*b, spacing=(1.0, 2.0, 3.0))))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(degrees)
    matrix[:3, 3] = (1, 2, 3)
    back = flirt_from_ras(ras_from_flirt(matrix, moving, reference), moving, reference)
    np.testing.assert_allclose(back, matrix, atol=1e-9)


def test_a_flirt_matrix_is_refused_for_images_that_flirt_never_read(tmp_path, run_cli, real_data):
    import SimpleITK as sitk

    nifti = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    sitk.WriteImage(sitk.ReadImage(str(nifti)), str(tmp_path / "v.nrrd"))
    (tmp_path / "m.mat").write_text(matrix_text(np.eye(4)))
    write_itk(tmp_path / "m.tfm", np.eye(4), overwrite=False)
    for other in (tmp_path / "v.nrrd", real_data / "dicom" / "ct_head_ge8800"):
        assert run_cli("where", other, "--ijk", 0, 0, 0)[0] == 0
        for moving, reference in ((nifti, other), (other, nifti)):
            images = ("--moving", moving, "--reference", reference)
            there = ("where", moving, "--ijk", 0, 0, 0, "--reference", reference, "--flirt")
            for arguments in (
                ("flirt", tmp_path / "m.mat", *images, "-o", tmp_path / "o.tfm"),
                ("flirt", tmp_path / "m.tfm", *images, "-o", tmp_path / "o.mat"),
                (*there, tmp_path / "m.mat"),
            ):
                code, _, err = run_cli(*arguments)
                assert code == 2
                assert f"{other} is not a NIfTI file (.nii, .nii.gz), and FLIRT never read it" in err
                assert len(err.splitlines()) == 1
            # millimetres need no NIfTI
            assert run_cli(*there, tmp_path / "m.tfm")[0] == 0
    assert not (tmp_path / "o.tfm").exists()


def two_forms(path):
    """A NIfTI file whose qform is the mirror image of its sform."""
    image = nib.Nifti1Image(index_phantom(SHAPE), None)
    image.set_sform(affine(), 1)
    image.set_qform(affine(signs=(-1, 1, 1)), 1)
    nib.save(image, path)
    return path


def test_an_export_goes_through_a_flirt_matrix_as_its_source_does(tmp_path, run_cli):
    """Handedness (by the sform) and pixdim are the source header's, whatever the slabs were given."""
    path = two_forms(tmp_path / "v.nii")
    (tmp_path / "m.mat").write_text(matrix_text(REGISTRATION))
    through = ("--ijk", 1, 2, 3, "--flirt", tmp_path / "m.mat", "--reference", path, "--json")
    expected = json.loads(run_cli("where", path, *through)[1])
    out = tmp_path / "out"
    assert run_cli("export", path, "-o", out, "--thickness", 4, "--quiet")[0] == 0
    code, text, err = run_cli("where", out / "v", *through)
    assert code == 0, err
    np.testing.assert_allclose(json.loads(text)["reference"]["ijk"], expected["reference"]["ijk"], atol=1e-6)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert "has been changed since the export" in run_cli("where", out / "v", *through)[2]
    path.rename(tmp_path / "elsewhere.nii")
    code, _, err = run_cli("where", out / "v", *through[:-2], tmp_path / "elsewhere.nii")
    assert code == 2
    assert "is gone or not a NIfTI file" in err
    assert run_cli("where", out / "v", "--ijk", 1, 2, 3)[0] == 0


@pytest.mark.parametrize("text", ["-1e-05", "-1.5e+01", "-2E0", "-.5e1"])
def test_negative_numbers_with_an_exponent_are_coordinates(tmp_path, run_cli, text):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    code, out, err = run_cli("where", path, "--ras", text, 0, text, "--json")
    assert code == 0, err
    assert json.loads(out)["ras"] == pytest.approx([float(text), 0, float(text)])


def test_frames_are_counted_from_0_and_not_from_the_end(tmp_path, run_cli):
    nib.save(nib.Nifti1Image(np.zeros((*SHAPE, 3), np.int16), affine()), tmp_path / "4d.nii")
    code, _, err = run_cli("where", tmp_path / "4d.nii", "--ijk", 0, 0, 0, "--frame", -1)
    assert code == 2
    assert "--frame -1 does not exist" in err


def test_a_file_whose_forms_differ_is_told_of_and_can_be_read_by_either(tmp_path, run_cli):
    path = two_forms(tmp_path / "v.nii")
    (tmp_path / "m.mat").write_text(matrix_text(np.eye(4)))
    plain = save_nifti(tmp_path / "plain.nii", index_phantom(SHAPE), affine())
    found = {}
    for form, signs in (("sform", (1, 1, 1)), ("qform", (-1, 1, 1))):
        code, out, _ = run_cli("where", path, "--ijk", 1, 2, 3, "--nifti-transform", form, "--json")
        assert code == 0
        document = json.loads(out)
        np.testing.assert_allclose(document["ras"], (affine(signs=signs) @ (1, 2, 3, 1))[:3], atol=1e-4)
        assert "one is the mirror image of the other" in document["warnings"][0]
        chosen = ("--reference-nifti-transform", form)
        there = ("where", plain, "--ijk", 0, 0, 0, "--flirt", tmp_path / "m.mat", "--reference", path, *chosen)
        code, out, _ = run_cli(*there)
        assert code == 0
        assert f"one is the mirror image of the other; the {form} was used" in out
        images = ("--moving", plain, "--reference", path, *chosen, "-o", tmp_path / f"{form}.txt", "--json")
        code, out, _ = run_cli("flirt", tmp_path / "m.mat", *images)
        assert code == 0
        assert "one is the mirror image of the other" in json.loads(out)["warnings"][0]
        found[form] = parse_matrix((tmp_path / f"{form}.txt").read_text(), form)
    assert not np.allclose(found["sform"], found["qform"])
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.ReadImage(str(plain)), str(tmp_path / "v.nrrd"))
    code, _, err = run_cli("where", tmp_path / "v.nrrd", "--ijk", 0, 0, 0, "--nifti-transform", "qform")
    assert code == 2
    assert "is not a NIfTI file" in err


def test_a_conversion_replaces_no_source_and_leaves_nothing_behind(tmp_path, run_cli):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    matrix = tmp_path / "m.mat"
    matrix.write_text(matrix_text(REGISTRATION))
    arguments = ("flirt", matrix, "--moving", path, "--reference", path, "--overwrite", "-o")
    code, _, err = run_cli(*arguments, matrix)
    assert code == 2
    assert "stays as it is" in err
    assert matrix.read_text() == matrix_text(REGISTRATION)
    (tmp_path / "folder.tfm").mkdir()
    assert run_cli(*arguments, tmp_path / "folder.tfm")[0] == 2
    assert not list(tmp_path.glob(".partial*"))


def as_process(*arguments, **options):
    command = [sys.executable, "-m", "slab_exporter", *map(os.fsencode, map(str, arguments))]
    environment = os.environ | {"PYTHONPATH": str(Path(slab_exporter.__file__).parents[1])} | options.pop("env", {})
    return subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_printed_is_one_sentence(tmp_path):
    path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine())
    for extra in ((), ("--json",)):
        with Path("/dev/full").open("w") as full:
            run = as_process("where", path, "--ijk", 0, 0, 0, *extra, stdout=full)
        assert run.returncode == 1
        assert run.stderr.decode().splitlines() == [
            "slab-exporter: the output cannot be printed: No space left on device."
        ]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are UTF-8 elsewhere")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path, encoding):
    for name in (b"f\xff.nii", "\u00fc\U0001f600.nii".encode()):
        path = save_nifti(tmp_path / "v.nii", index_phantom(SHAPE), affine()).rename(tmp_path / os.fsdecode(name))
        environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
        run = as_process("where", path, "--ijk", 1, 2, 3, stdout=subprocess.PIPE, env=environment)
        assert run.returncode == 0, run.stderr
        run = as_process("where", path, "--ijk", 1, 2, 3, "--json", stdout=subprocess.PIPE, env=environment)
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout.decode(encoding))["name"] == str(path)
