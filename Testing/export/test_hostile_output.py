"""What lies in an output folder is data: links and pipes in it lead nowhere."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from support.phantoms import affine, index_phantom, save_nifti

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX")
SECRET = b"a secret of the user " * 100


@pytest.fixture
def out(tmp_path, run_cli):
    (tmp_path / "in").mkdir()
    source = save_nifti(tmp_path / "in" / "ct.nii.gz", index_phantom((6, 7, 12)), affine())
    save_nifti(tmp_path / "in" / "labels.nii.gz", np.ones((6, 7, 12), np.uint8), affine())
    labels = tmp_path / "in" / "labels.nii.gz"
    assert run_cli("export", source, "--labels", labels, "-o", tmp_path / "out", "--thickness", 5)[0] == 0
    (tmp_path / "secret").write_bytes(SECRET)
    return tmp_path / "out"


def overwrite(run_cli, out):
    source, labels = out.parent / "in" / "ct.nii.gz", out.parent / "in" / "labels.nii.gz"
    return run_cli("export", source, "--labels", labels, "-o", out, "--thickness", 4, "--overwrite")


@pytest.mark.parametrize(
    "name", [".slab-exporter.lock", "dataset.json", "slabs.csv", "report.html", ".partial-dataset.json", ".partial-x"]
)
def test_a_link_in_the_place_of_a_file_of_ours_harms_nothing(out, run_cli, name):
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(out.parent / "secret")
    code, _, errors = overwrite(run_cli, out)
    assert (code, "plain file" in errors or "symbolic" in errors) in ((0, False), (2, True))
    assert (out.parent / "secret").read_bytes() == SECRET


def test_a_picture_that_is_a_link_does_not_reach_the_report(out, run_cli):
    import base64

    (out / "ct" / "preview" / "axial.png").unlink()
    (out / "ct" / "preview" / "axial.png").symlink_to(out.parent / "secret")
    source = out.parent / "in" / "ct.nii.gz"
    labels = out.parent / "in" / "labels.nii.gz"
    assert run_cli("export", source, "--labels", labels, "-o", out, "--thickness", 5, "--resume")[0] == 0
    assert base64.b64encode(SECRET)[:60].decode() not in (out / "report.html").read_text()


@pytest.mark.parametrize("what", ["slab", "folder"])
def test_verify_stitch_and_resume_follow_no_link_out_of_the_case(out, run_cli, what):
    images = out / "ct" / "images"
    elsewhere = out.parent / "elsewhere"
    if what == "folder":
        images.rename(elsewhere)
        images.symlink_to(elsewhere, target_is_directory=True)
    else:
        slab = images / "ct_slab-000.nii.gz"
        slab.rename(elsewhere)
        slab.symlink_to(elsewhere)
    code, said, errors = run_cli("verify", out)
    assert (code, "symbolic link" in said + errors) == (1, True)
    code, said, errors = run_cli("stitch", out / "ct", "-o", out.parent / "whole.nii.gz")
    assert (code, "symbolic link" in said + errors) == (2, True)
    code, _, errors = run_cli("export", out.parent / "in" / "ct.nii.gz", "-o", out, "--thickness", 5, "--resume")
    assert code != 0 or "made again" in errors


@pytest.mark.parametrize("name", ["ct/images/ct_slab-001.nii.gz", "ct/labels/ct_slab-001.nii.gz", "ct/manifest.json"])
def test_a_pipe_in_the_output_is_not_waited_for(out, run_cli, name):
    (out / name).unlink()
    os.mkfifo(out / name)
    code, said, errors = run_cli("verify", out)
    assert code != 0
    assert "plain file" in said + errors or "no manifest" in said + errors
    assert run_cli("stitch", out / "ct", "-o", out.parent / "whole.nii.gz")[0] == (0 if "labels" in name else 2)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "images/../../../secret", "a\0b"])
@pytest.mark.parametrize("command", ["verify", "stitch", "where"])
def test_a_manifest_that_names_files_elsewhere_is_refused(out, run_cli, command, name):
    path = out / "ct" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["slabs"][0]["image"] = name
    path.write_text(json.dumps(manifest))
    arguments = {"verify": [out], "stitch": [path, "-o", out.parent / "w.nii"], "where": [path, "--ijk", 1, 1, 1]}
    code, said, errors = run_cli(command, *arguments[command])
    assert code in (1, 2)
    assert "Traceback" not in errors
    assert "root:" not in said + errors


def test_a_source_path_with_a_nul_ends_nothing(out, run_cli):
    path = out / "ct" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["source"]["path"] = "ct\0.nii"
    path.write_text(json.dumps(manifest))
    code, said, errors = run_cli("verify", out)
    assert code == 1
    assert "unexpected" not in said + errors
