"""Slabs between chosen boundaries end to end: cut, verified, resumed, and back to one volume."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.manifest import SCHEMA_PATH
from support.blocks import phantom
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti


def test_they_are_the_sources_voxels_and_come_back(run_cli, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    labels = save_nifti(tmp_path / "organs.nii.gz", phantom()[1], affine())
    out = tmp_path / "out"
    command = ("export", path, "--labels", labels, "-o", out, "--cut-at", "3,8", "--overlap", 1, "--axis", "k")
    assert run_cli(*command)[0] == 0
    document = json.loads((out / "ct" / "manifest.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    assert (document["plan"]["cut_at"], document["plan"]["thickness"]) == ([3, 8], 6)
    assert [(s["ijk_start"][2], s["ijk_stop"][2]) for s in document["slabs"]] == [(0, 3), (2, 8), (7, 10)]
    source = nib.load(path)
    for slab in document["slabs"]:
        a, b = slab["ijk_start"][2], slab["ijk_stop"][2]
        written = nib.load(out / "ct" / slab["image"])
        np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(source.dataobj)[:, :, a:b])
        np.testing.assert_allclose(written.affine, source.slicer[:, :, a:b].affine, atol=1e-4)
    assert run_cli("verify", out)[0] == 0
    assert run_cli("stitch", out / "ct", "-o", tmp_path / "whole.nii.gz")[0] == 0
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "whole.nii.gz").dataobj), np.asarray(source.dataobj))


@pytest.mark.parametrize("orientation", SIGNED_PERMUTATIONS[3::11])
def test_every_orientation_comes_back(tmp_path, orientation):
    image = phantom()[0]
    path = save_nifti(tmp_path / "ct.nii.gz", image, affine(*orientation))
    (manifest,) = se.export(path, tmp_path / "out", cut_at=(2, 7), overlap=1).manifests
    assert len(manifest.slabs) == 3
    assert all(slab.verified for slab in manifest.slabs)
    assert not any(report.differences for report in se.verify(tmp_path / "out"))
    se.stitch(tmp_path / "out" / "ct", tmp_path / "whole.nii.gz")
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "whole.nii.gz").dataobj), image)


def test_resume_knows_the_same_boundaries_and_others(run_cli, tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    command = ("export", path, "-o", tmp_path / "out", "--axis", "k", "--cut-at")
    assert run_cli(*command, "8,3")[0] == 0
    before = (tmp_path / "out" / "ct" / "manifest.json").read_bytes()
    assert run_cli(*command, "3,8", "--resume")[0] == 0
    assert (tmp_path / "out" / "ct" / "manifest.json").read_bytes() == before
    code, _, errors = run_cli(*command, "4,8", "--resume")
    assert code == 0
    assert "the options have changed since it was exported (cut_at: 3,8, now 4,8): made again" in errors
    assert se.read_manifest(tmp_path / "out" / "ct").plan.cut_at == (4, 8)


def test_an_export_without_them_asks_as_it_did_before(tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    (manifest,) = se.export(path, tmp_path / "out", thickness=4).manifests
    assert "cut_at" not in manifest.plan.asked["slabs"]
    assert manifest.plan.cut_at is None


def test_a_dry_run_shows_them_and_a_bad_one_is_a_sentence(run_cli, tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    command = ("export", path, "-o", tmp_path / "out", "--axis", "k", "--dry-run", "--cut-at")
    code, text, _ = run_cli(*command, "3,8")
    assert code == 0
    assert "3 slabs" in text
    code, text, errors = run_cli(*command, "30")
    assert code != 0
    assert "No slab can begin at k = 30: the volume's slices along k are 0 to 9." in text + errors
    code, _, errors = run_cli(*command, "x")
    assert code == 2
    assert "--cut-at needs the indices of slices" in errors
