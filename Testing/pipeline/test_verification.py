"""Verification must be able to fail: every way a slab can be wrong is found."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (6, 7, 12)


@pytest.fixture
def export(run_cli, tmp_path):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
    label = save_nifti(tmp_path / "seg.nii.gz", index_phantom(SHAPE, "uint8"), affine(signs=(-1, 1, 1)))
    out = tmp_path / "out"
    code = run_cli("export", image, "-o", out, "--labels", label, "--thickness", 5, "--remainder", "pad")[0]
    assert code == 0
    return out


def first_slab(out, folder="images"):
    return sorted((out / "ct" / folder).iterdir())[0]


def forge(out, path):
    """Enter the check sum of a changed slab, as a forger would."""
    from slab_exporter.files.disk import file_sha256

    manifest = out / "ct" / "manifest.json"
    document = json.loads(manifest.read_text())
    relative = path.relative_to(out / "ct").as_posix()
    for slab in document["slabs"]:
        if slab["image"] == relative:
            slab["sha256"] = file_sha256(path)
        for name, label in slab["labels"].items():
            if label == relative:
                slab["labels_sha256"][name] = file_sha256(path)
    manifest.write_text(json.dumps(document))


def test_an_untouched_export_verifies(run_cli, export):
    code, output, _ = run_cli("verify", export)
    assert code == 0
    assert "6 files checked, 0 differences" in output


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_one_changed_voxel_is_found(run_cli, export, folder):
    path = first_slab(export, folder)
    image = nib.load(path)
    data = np.asanyarray(image.dataobj).copy()
    data[3, 3, 3] ^= 1
    nib.save(nib.Nifti1Image(data, image.affine, image.header), path)
    assert "check sum" in run_cli("verify", export)[1]
    forge(export, path)
    code, output, _ = run_cli("verify", export)
    assert code == 1
    assert "1 of 210 voxels differ" in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a @ np.diag([1.0, 1, 1.001, 1]), "mm from where it should"),
        (lambda a: a + np.array([[0, 0, 0, 0.001]] + [[0, 0, 0, 0]] * 3), "mm from where it should"),
        (lambda a: np.diag([-1.0, 1, 1, 1]) @ a, "mirror image"),
    ],
)
def test_a_slab_in_the_wrong_place_is_found(run_cli, export, change, words):
    path = first_slab(export)
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj), change(image.affine)), path)
    forge(export, path)
    code, output, _ = run_cli("verify", export)
    assert code == 1
    assert words in output


def test_a_wrong_type_is_found(run_cli, export):
    path = first_slab(export)
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj).astype(np.int32), image.affine), path)
    forge(export, path)
    code, output, _ = run_cli("verify", export)
    assert (code, "voxels are int32" in output) == (1, True)


def test_changed_padding_is_found(run_cli, export):
    path = sorted((export / "ct" / "images").iterdir())[-1]
    image = nib.load(path)
    data = np.asanyarray(image.dataobj).copy()
    data[0, 0, -1] += 1
    nib.save(nib.Nifti1Image(data, image.affine, image.header), path)
    forge(export, path)
    code, output, _ = run_cli("verify", export)
    assert (code, "padding" in output) == (1, True)


def test_missing_slab_and_changed_source_are_found(run_cli, export, tmp_path):
    first_slab(export).unlink()
    code, output, _ = run_cli("verify", export)
    assert (code, "is missing" in output) == (1, True)
    save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE) + 1, affine(signs=(-1, 1, 1)))
    code, output, _ = run_cli("verify", export)
    assert (code, "has been changed since the export" in output) == (1, True)


@pytest.mark.parametrize(
    "path", ["../../escape.nii.gz", "/etc/passwd", "images/../../x.nii.gz", "C:/x.nii", "a\\b.nii"]
)
def test_a_manifest_that_leads_out_of_its_folder_is_refused(run_cli, export, path):
    manifest = export / "ct" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["slabs"][0]["image"] = path
    manifest.write_text(json.dumps(document))
    code, output, _ = run_cli("verify", export)
    assert (code, "leads out of its folder" in output) == (1, True)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other/1"}', '{"schema": "slab-exporter/1", "case": "x"}'])
def test_a_damaged_manifest_is_one_sentence(run_cli, export, text):
    (export / "ct" / "manifest.json").write_text(text)
    code, output, errors = run_cli("verify", export)
    assert code == 1
    assert "manifest.json" in output
    assert "Traceback" not in output + errors


def test_nothing_to_verify(run_cli, tmp_path):
    code, _, errors = run_cli("verify", tmp_path)
    assert (code, "holds no export" in errors) == (2, True)
