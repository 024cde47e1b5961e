"""--overwrite and --resume with other options: an earlier case stays until its successor is whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from support.command_line import make_data_set
from support.phantoms import affine, index_phantom, save_nifti
from support.trees import assert_nothing_half_done_looks_finished, assert_tables_agree, complete_cases, tree

SUMMARIES = {"dataset.json", "slabs.csv"}


@pytest.fixture
def exported(tmp_path, run_cli):
    out = tmp_path / "out"
    make_data_set(tmp_path / "in", cases=2)
    assert run_cli("export", tmp_path / "in", "-o", out, "--thickness", 8, "--jobs", 1)[0] == 0
    (out / "volume-0" / "predictions").mkdir()
    (out / "volume-0" / "predictions" / "volume-0_slab-000.nii.gz").write_bytes(b"predicted")
    return out


@pytest.mark.parametrize("mode", ["--overwrite", "--resume"])
def test_a_case_that_fails_leaves_its_earlier_export_and_the_tables(exported, tmp_path, run_cli, mode):
    before = tree(exported)
    save_nifti(
        tmp_path / "in" / "segmentation-0.nii.gz", np.zeros((3, 4, 5), np.uint8), affine(spacing=(1.3, 1.3, 1.3))
    )
    code, _, errors = run_cli("export", tmp_path / "in", "-o", exported, "--thickness", 5, mode, "--jobs", 1)
    assert code == 1
    assert "volume-0" in errors
    assert "The earlier export of this case stays as it was." in errors
    after = tree(exported)
    old = {name: data for name, data in before.items() if name.startswith("volume-0/")}
    assert {name: data for name, data in after.items() if name.startswith("volume-0/")} == old
    assert len(json.loads(after["volume-1/manifest.json"])["slabs"]) == 5
    assert_tables_agree(exported)


@pytest.mark.parametrize("mode", ["--overwrite", "--resume"])
def test_replaced_cases_keep_the_users_files_and_the_tables_follow(exported, tmp_path, run_cli, mode):
    assert run_cli("export", tmp_path / "in", "-o", exported, "--thickness", 5, mode, "--jobs", 1)[0] == 0
    assert (exported / "volume-0" / "predictions" / "volume-0_slab-000.nii.gz").read_bytes() == b"predicted"
    assert_tables_agree(exported)
    assert not list(exported.glob(".partial*"))


def test_the_result_is_the_same_as_that_of_a_first_export(exported, tmp_path, run_cli):
    fresh = tmp_path / "fresh"
    assert run_cli("export", tmp_path / "in", "-o", fresh, "--thickness", 5, "--jobs", 1)[0] == 0
    assert run_cli("export", tmp_path / "in", "-o", exported, "--thickness", 5, "--overwrite", "--jobs", 1)[0] == 0
    expected = tree(fresh) | {"volume-0/predictions/volume-0_slab-000.nii.gz": b"predicted"}
    assert tree(exported) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_replacing_leaves_whole_cases_and_true_tables(tmp_path, start_cli, cli, number):
    out = tmp_path / "out"
    make_data_set(tmp_path / "in", cases=4, shape=(24, 24, 160))
    assert cli("export", tmp_path / "in", "-o", out, "--thickness", 8)[0] == 0
    process = start_cli("export", tmp_path / "in", "-o", out, "--thickness", 5, "--overwrite", "--jobs", 2)
    first = out / "volume-0" / "manifest.json"
    stamp, deadline = first.stat().st_ino, time.monotonic() + 60
    while first.stat().st_ino == stamp and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    time.sleep(random.Random(int(number)).uniform(0.02, 0.1))
    os.killpg(process.pid, number)
    process.communicate(timeout=60)
    assert complete_cases(out) == [f"volume-{n}" for n in range(4)]
    assert_nothing_half_done_looks_finished(out)
    assert_tables_agree(out)
    assert cli("export", tmp_path / "in", "-o", out, "--thickness", 5, "--resume")[0] == 0
    assert_tables_agree(out)
    assert not list(out.glob(".partial*"))


def test_a_killed_stitch_is_no_obstacle(exported, tmp_path, run_cli):
    script = (
        "import os, sys, time; from pathlib import Path; from slab_exporter.files.atomic import scratch_beside\n"
        "with scratch_beside(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'volume.nii.gz').write_bytes(b'half'); print('there', flush=True); time.sleep(60)\n"
    )
    library = os.path.dirname(os.path.dirname(sys.modules["slab_exporter"].__file__))
    process = subprocess.Popen(
        [sys.executable, "-c", script, exported / "whole.nii.gz"],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": library},
    )  # fmt: skip
    assert process.stdout.readline() == "there\n"
    run_cli("export", tmp_path / "in", "-o", exported, "--thickness", 8, "--resume", "--jobs", 1)
    assert len(list(exported.glob(".partial-*"))) == 1  # whoever is at work is left alone
    process.kill()
    process.communicate()
    assert run_cli("export", tmp_path / "in", "-o", exported, "--thickness", 8, "--resume", "--jobs", 1)[0] == 0
    assert not list(exported.glob(".partial-*"))


def test_one_volume_more_is_listed_beside_those_of_an_earlier_export(exported, tmp_path, run_cli):
    save_nifti(tmp_path / "more.nii.gz", index_phantom((6, 7, 12)), affine())
    assert run_cli("export", tmp_path / "more.nii.gz", "-o", exported, "--resume")[0] == 0
    assert complete_cases(exported) == ["more", "volume-0", "volume-1"]
    assert_tables_agree(exported)
