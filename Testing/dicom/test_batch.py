"""DICOM folders as cases among others: many at once, resumed, from lists, and opened by every command."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.core.manifest import SCHEMA_PATH
from slab_exporter.core.options import ExportRequest, SeriesOptions, SlabOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import only_series
from slab_exporter.export.from_scene import export_nodes
from support.dicom_phantoms import uid, voxels, write_series
from support.dicom_tools import require_package
from support.phantoms import affine, save_nifti
from support.physical import assert_lies_in, nifti
from support.scenes import held, load, user_scene

VOXELS = voxels((7, 9, 8))


def patient(folder, name):
    """One CT series of a patient of that name."""
    return write_series(
        folder / name, VOXELS, PatientID=name, SeriesInstanceUID=uid(name), StudyInstanceUID=uid(name, 1)
    )


def label_map(path, folder, turned=False):
    """A label map on the grid of a series; turned: with rows and slices counted from the other end."""
    volume = load_series(only_series(folder), SeriesOptions())
    labels = (np.arange(volume.voxels_kji.size).reshape(volume.voxels_kji.shape) % 3).astype(np.uint8).T
    affine = volume.geometry.affine_ras
    if turned:
        flip = np.diag([1.0, -1, -1, 1])
        flip[1:3, 3] = np.array(labels.shape[1:]) - 1
        labels, affine = labels[:, ::-1, ::-1], affine @ flip
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(labels, affine).to_filename(path)
    return path


@pytest.fixture
def tree(tmp_path):
    """Two patients with label maps named after their folders, one of them with its axes turned."""
    for name in ("p1", "p2"):
        patient(tmp_path / "in", name)
        label_map(tmp_path / "labels" / f"{name}.nii.gz", tmp_path / "in" / name, turned=name == "p2")
    return tmp_path


def manifests(out):
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(out.glob("*/manifest.json"))}


@pytest.mark.parametrize("form", ["nii.gz", "dicom"])
def test_series_with_labels_run_in_processes_and_resume(tree, run_cli, form):
    if form == "dicom":
        require_package("highdicom")
    out = tree / "out"
    asked = ("export", tree / "in", "--labels", tree / "labels", "-o", out, "--thickness", 3, "--format", form)
    code, _, error = run_cli(*asked, "--jobs", 2)
    assert code == 0, error
    made = manifests(out)
    assert len(made) == 2
    for document in made.values():
        assert all(slab["verified"] and slab["labels"] for slab in document["slabs"])
    assert run_cli("verify", out)[0] == 0
    listed = json.loads((out / "dataset.json").read_text())["training"]
    assert all((out / entry["image"]).exists() and (out / entry["label"]).exists() for entry in listed)

    first, second = sorted(made)
    times = {case: (out / case / "manifest.json").stat().st_mtime_ns for case in made}
    slab = out / second / made[second]["slabs"][1]["image"]
    shutil.rmtree(slab) if slab.is_dir() else slab.unlink()
    code, _, error = run_cli(*asked, "--jobs", 2, "--resume")
    assert code == 0, error
    assert (out / first / "manifest.json").stat().st_mtime_ns == times[first]
    assert manifests(out) == made


def test_manifests_of_series_keep_to_the_schema(tree, run_cli):
    jsonschema = pytest.importorskip("jsonschema")
    write_series(tree / "in" / "tilted", VOXELS, shift=1.5, PatientID="t", SeriesInstanceUID=uid("tilted"))
    for form in ("nii.gz", "dicom"):
        code = run_cli("export", tree / "in", "-o", tree / form, "--thickness", 3, "--resample", "--format", form)[0]
        assert code == 0
        found = manifests(tree / form)
        assert sum("resampled" in document["source"] for document in found.values()) == 1
        for document in found.values():
            jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))


def test_a_list_may_name_dicom_folders_and_a_bad_one_fails_alone(tree, run_cli):
    (tree / "in" / "nothing").mkdir()
    rows = [
        "case,image,label,site",
        "one,in/p1,labels/p1.nii.gz,A",
        "two,in/p2,labels/p2.nii.gz,B",
        "bad,in/nothing,,C",
    ]
    (tree / "list.csv").write_text("\n".join(rows))
    code, _, error = run_cli("export", tree / "list.csv", "-o", tree / "out", "--thickness", 4)
    assert code == 1
    assert "nothing holds no DICOM images" in error
    assert sorted(manifests(tree / "out")) == ["one", "two"]


def test_the_dry_run_and_inspect_show_series(tree, run_cli):
    code, out, _ = run_cli("export", tree / "in", "--labels", tree / "labels", "-o", tree / "out", "--dry-run")
    assert code == 0
    assert "2 of 2 cases" in out
    assert not (tree / "out").exists()
    code, out, _ = run_cli("inspect", tree / "in", "--labels", tree / "labels")
    assert code == 0
    assert "8 x 9 x 7" in out
    code, out, _ = run_cli("inspect", tree / "in" / "p1")
    assert code == 0
    assert "regular volume" in out


def test_label_maps_beside_and_in_a_series_folder_are_not_images(tmp_path):
    folder = patient(tmp_path / "in" / "a", "dicom")
    label_map(tmp_path / "in" / "a" / "segmentation.nii.gz", folder)
    other = patient(tmp_path / "in", "b")
    label_map(other / "b_seg.nii.gz", other)
    cases = find_cases([tmp_path / "in"], [])
    assert [case.image.name for case in cases] == ["b", "dicom"]
    assert [case.labels["labels"].name for case in cases] == ["b_seg.nii.gz", "segmentation.nii.gz"]
    assert [case.group for case in cases] == ["b", "dicom"]


def test_where_and_compare_open_a_dicom_folder(tree, run_cli):
    folder = tree / "in" / "p1"
    code, out, error = run_cli("where", folder, "--ijk", 2, 3, 4, "--json")
    assert code == 0, error
    found = json.loads(out)
    assert found["value"] == VOXELS[4, 3, 2]
    volume = load_series(only_series(folder), SeriesOptions())
    nib.Nifti1Image(volume.voxels_kji.T, volume.geometry.affine_ras).to_filename(tree / "same.nii.gz")
    assert run_cli("compare", folder, tree / "same.nii.gz")[0] == 0
    code, _, error = run_cli("compare", tree / "in", tree / "same.nii.gz")
    assert code == 2
    assert "2 DICOM series" in error


@pytest.mark.parametrize("source", ["series", "left-handed file"])
def test_a_dicom_export_is_stitched_and_searched(tree, run_cli, source):
    """Thickness 3 of 7 slices: the last slab is a single image."""
    require_package("highdicom")
    image, labels = tree / "in" / "p1", tree / "labels" / "p1.nii.gz"
    if source != "series":
        labels = tree / "turned.nii.gz"
        truth = nib.load(tree / "labels" / "p1.nii.gz")
        turn = np.diag([-1.0, 1, 1, 1])
        turn[0, 3] = truth.shape[0] - 1
        nib.Nifti1Image(np.asarray(truth.dataobj)[::-1], truth.affine @ turn).to_filename(labels)
        image = tree / "phantom.nii.gz"
        nib.Nifti1Image(VOXELS.T[::-1], truth.affine @ turn).to_filename(image)
    out = tree / "out"
    code, _, error = run_cli("export", image, "--labels", labels, "-o", out, "--format", "dicom", "--thickness", 3)
    assert code == 0, error
    assert run_cli("verify", out)[0] == 0
    (case,) = (path.parent for path in out.glob("*/manifest.json"))
    for chosen, file in (((), tree / "whole.nii.gz"), (("--labels", "labels"), tree / "whole_labels.nii.gz")):
        code, _, error = run_cli("stitch", case, "-o", file, *chosen)
        assert code == 0, error
    values, affine = nifti(tree / "whole.nii.gz")
    assert values.dtype == np.int16
    expected = VOXELS.T if source == "series" else VOXELS.T[::-1]
    np.testing.assert_array_equal(values, expected)
    whole = nifti(labels)
    assert_lies_in(nifti(tree / "whole_labels.nii.gz"), whole)
    np.testing.assert_allclose(affine, whole[1], rtol=0, atol=1e-4)
    for ijk in ((1, 2, 3), (7, 0, 6)):
        found = json.loads(run_cli("where", case, "--ijk", *ijk, "--json")[1])
        assert found["value"] == expected[ijk]


@pytest.mark.parametrize("held_only", [False, True])
def test_a_scene_export_as_dicom_verifies(tmp_path, run_cli, held_only):
    require_package("highdicom")
    scene = user_scene()
    matrix = affine(signs=(-1, 1, 1), oblique=12)
    labels = (VOXELS.T % 3).astype(np.uint8)
    if held_only:
        image = held(scene, VOXELS.T.copy(), matrix, "ct")
        mask = held(scene, labels, matrix, "mask", "vtkMRMLLabelMapVolumeNode")
    else:
        image = load(scene, save_nifti(tmp_path / "ct.nii.gz", VOXELS.T, matrix))
        mask = load(scene, save_nifti(tmp_path / "mask.nii.gz", labels, matrix), "vtkMRMLLabelMapVolumeNode")
    request = ExportRequest(SlabOptions(thickness=3), format="dicom")
    export_nodes(image, tmp_path / "out", request, mask)
    code, out, _ = run_cli("verify", tmp_path / "out")
    assert code == 0, out
    assert "6 files" in out
