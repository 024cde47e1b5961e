"""Runs over many cases: bad cases, crashes, interruptions, resuming, two runs at once."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from slab_exporter.core.errors import OutputError
from slab_exporter.export.output_folder import locked
from support.command_line import make_data_set
from support.phantoms import affine, save_nifti
from support.trees import assert_nothing_half_done_looks_finished, complete_cases, tree

SMALL = ("--thickness", 8)

CRASH = """
import os, signal
from slab_exporter.export import job
good = job.run_job
def run_job(runtime, one, progress, first=None):
    if one.case.name == "volume-1":
        def crash(event):
            if event.kind == "slab-finished":
                os.kill(os.getpid(), signal.SIGSEGV)
            progress(event)
        return good(runtime, one, crash, first)
    return good(runtime, one, progress, first)
job.run_job = run_job
"""


def errors(out: Path) -> list[dict[str, str]]:
    with (out / "errors.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cli):
    """A data set, and what an undisturbed run makes of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    make_data_set(folder / "in")
    code, _, err = cli("export", folder / "in", "-o", folder / "a" / "out", *SMALL)
    assert code == 0, err
    return folder


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_number_of_processes_does_not_show_in_the_result(undisturbed, cli, jobs):
    out = undisturbed / f"jobs{jobs}" / "out"
    assert cli("export", undisturbed / "in", "-o", out, *SMALL, "--jobs", jobs)[0] == 0
    assert tree(out) == tree(undisturbed / "a" / "out")


def test_bad_cases_are_rows_of_errors_csv_and_the_others_finish(data_set, tmp_path, cli):
    (data_set / "volume-1.nii.gz").write_bytes((data_set / "volume-1.nii.gz").read_bytes()[:300])
    (data_set / "segmentation-2.nii.gz").write_bytes(b"")
    code, _, err = cli("export", data_set, "-o", tmp_path / "out", *SMALL)
    assert code == 1
    assert [row["case"] for row in errors(tmp_path / "out")] == ["volume-1", "volume-2"]
    assert "damaged" in errors(tmp_path / "out")[0]["error"]
    assert "empty" in errors(tmp_path / "out")[1]["error"]
    assert complete_cases(tmp_path / "out") == ["volume-0", "volume-3"]
    assert "Traceback" not in err
    assert not (tmp_path / "out" / "volume-1").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a segmentation fault is provoked by a POSIX signal")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_crashes_loses_one_case(undisturbed, tmp_path, cli, jobs):
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    out = undisturbed / f"crash{jobs}" / "out"
    code, _, err = cli("export", undisturbed / "in", "-o", out, *SMALL, "--jobs", jobs, extra_path=tmp_path)
    assert code == 1
    assert [row["case"] for row in errors(out)] == ["volume-1"]
    assert "signal 11 (SIGSEGV)" in errors(out)[0]["error"]
    assert complete_cases(out) == ["volume-0", "volume-2", "volume-3"]
    assert not (out / "volume-1").exists()
    assert "Traceback" not in err
    # What is missing is made good later, to the same bytes.
    assert cli("export", undisturbed / "in", "-o", out, *SMALL, "--resume")[0] == 0
    assert tree(out) == tree(undisturbed / "a" / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are killed by POSIX signals")
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_killed_run_is_resumed_to_the_same_bytes(undisturbed, start_cli, cli, whole_group):
    out = undisturbed / f"killed{whole_group}" / "out"
    moments = random.Random(5)
    for _ in range(3):
        process = start_cli("export", undisturbed / "in", "-o", out, *SMALL, "--resume", "--jobs", 2)
        time.sleep(moments.uniform(0.2, 2.5))
        if process.poll() is None:
            if whole_group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()  # its workers notice by themselves
        process.communicate()
        if out.exists():
            assert_nothing_half_done_looks_finished(out)
    code, _, err = cli("export", undisturbed / "in", "-o", out, *SMALL, "--resume")
    assert code == 0, err
    assert tree(out) == tree(undisturbed / "a" / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_ctrl_c_is_one_sentence_and_leaves_nothing_half_done(tmp_path, start_cli, cli):
    make_data_set(tmp_path / "in", cases=6, shape=(24, 24, 2000))
    out = tmp_path / "out"
    process = start_cli("export", tmp_path / "in", "-o", out, *SMALL, "--jobs", 2)
    until = time.monotonic() + 60
    while not list(out.glob("*/images/*")) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "slab-exporter: interrupted; complete cases stay, go on with --resume."
    assert "Traceback" not in err
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == complete_cases(out)
    assert not (out / ".slab-exporter.lock").exists()
    assert cli("export", tmp_path / "in", "-o", out, *SMALL, "--resume")[0] == 0


def test_resume_leaves_what_is_complete_and_notices_what_has_changed(data_set, tmp_path, cli):
    out = tmp_path / "out"
    assert cli("export", data_set, "-o", out, *SMALL)[0] == 0
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("manifest.json")}
    (data_set / "segmentation-2.nii.gz").write_bytes((data_set / "segmentation-2.nii.gz").read_bytes() + b"")
    code, _, err = cli("export", data_set, "-o", out, *SMALL, "--resume")
    assert code == 0
    assert err.count("complete already") == 4
    assert stamps == {path: path.stat().st_mtime_ns for path in out.rglob("manifest.json")}

    make_data_set(data_set, cases=1, shape=(12, 10, 33))
    code, _, err = cli("export", data_set, "-o", out, *SMALL, "--resume")
    assert code == 0
    assert "volume-0: warning:" in err
    assert "has changed since it was exported: made again" in err
    assert err.count("complete already") == 3

    code, _, err = cli("export", data_set, "-o", out, "--thickness", 9, "--resume")
    assert code == 0
    assert err.count("the options have changed") == 4
    fresh = tmp_path / "fresh" / "out"
    # The sources lie one folder further away in the fresh copy's manifests: compare the slabs.
    assert cli("export", data_set, "-o", fresh, "--thickness", 9)[0] == 0
    assert {k: v for k, v in tree(out).items() if k.endswith((".nii.gz", ".csv", ".json")) and "manifest" not in k} == {
        k: v for k, v in tree(fresh).items() if k.endswith((".nii.gz", ".csv", ".json")) and "manifest" not in k
    }


def test_a_slab_that_was_deleted_is_made_again(data_set, tmp_path, cli):
    out = tmp_path / "out"
    assert cli("export", data_set, "-o", out, *SMALL)[0] == 0
    before = tree(out)
    (out / "volume-1" / "images" / "volume-1_slab-001.nii.gz").unlink()
    assert cli("export", data_set, "-o", out, *SMALL, "--resume")[0] == 0
    assert tree(out) == before


def test_a_folder_with_other_content_is_refused(data_set, tmp_path, cli):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    code, _, err = cli("export", data_set, "-o", tmp_path / "out")
    assert code == 2
    assert "not empty" in err
    assert tree(tmp_path / "out") == {"thesis.txt": b"mine"}


def test_cases_of_an_earlier_export_are_mentioned_and_left_alone(data_set, tmp_path, cli):
    out = tmp_path / "out"
    assert cli("export", data_set, "-o", out, *SMALL)[0] == 0
    code, _, err = cli("export", data_set / "volume-2.nii.gz", "-o", out, *SMALL, "--overwrite")
    assert code == 0
    assert "not asked for (volume-0, volume-1, volume-3; 3 in all)" in err
    assert complete_cases(out) == [f"volume-{n}" for n in range(4)]
    assert {e["slab"]["case"] for e in json.loads((out / "dataset.json").read_text())["training"]} == {
        f"volume-{n}" for n in range(4)
    }


def test_a_second_run_in_the_same_folder_is_refused(data_set, tmp_path, cli):
    out = tmp_path / "out"
    out.mkdir()
    with locked(out):
        code, _, err = cli("export", data_set, "-o", out, *SMALL)
    assert code == 2
    assert f"Another run (process {os.getpid()} on " in err
    assert list(out.iterdir()) == []
    (out / ".slab-exporter.lock").write_text('{"pid": 1, "host": "gone"}')  # what a killed run leaves
    assert cli("export", data_set, "-o", out, *SMALL)[0] == 0
    assert not (out / ".slab-exporter.lock").exists()


def test_shards_of_several_numbers_do_not_work_side_by_side(tmp_path):
    refused = pytest.raises(OutputError, match=r"on shard ./2; wait for it, or divide by the same number, not by 3")
    with locked(tmp_path, (1, 2)), locked(tmp_path, (2, 2)), refused, locked(tmp_path, (1, 3)):
        pass
    with locked(tmp_path, (1, 3)):
        pass


def test_shards_share_a_folder_and_a_last_run_sums_up(undisturbed, start_cli, cli):
    out = undisturbed / "shards" / "out"
    shards = [start_cli("export", undisturbed / "in", "-o", out, *SMALL, "--shard", f"{n}/3") for n in (1, 2, 3)]
    for shard in shards:
        _, err = shard.communicate(timeout=300)
        assert shard.returncode == 0, err
    assert complete_cases(out) == [f"volume-{n}" for n in range(4)]
    assert not (out / "dataset.json").exists()
    code, _, err = cli("export", undisturbed / "in", "-o", out, *SMALL, "--resume")
    assert code == 0
    assert err.count("complete already") == 4
    assert tree(out) == tree(undisturbed / "a" / "out")


def test_a_source_that_disappears_costs_its_case_only(data_set, tmp_path):
    from slab_exporter.cases.find import find_cases
    from slab_exporter.core.options import ExportRequest
    from slab_exporter.export.from_files import RunOptions, export_cases

    cases = find_cases([data_set], [])

    def remove_next(event):
        if event.kind == "case-started":
            cases[3].image.unlink(missing_ok=True)

    result = export_cases(cases, tmp_path / "out", ExportRequest(), remove_next, run=RunOptions(jobs=1))
    assert [m.case for m in result.manifests] == ["volume-0", "volume-1", "volume-2"]
    assert [f.case for f in result.failures] == ["volume-3"]
    assert "volume-3.nii.gz does not exist; is " in str(result.failures[0].error)


def test_a_progress_callable_that_cancels_ends_the_workers(data_set, tmp_path):
    from slab_exporter.cases.find import find_cases
    from slab_exporter.core.errors import Cancelled
    from slab_exporter.core.options import ExportRequest
    from slab_exporter.export.from_files import export_cases

    def cancel(event):
        if event.kind == "slab-finished":
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        export_cases(find_cases([data_set], []), tmp_path / "out", ExportRequest(), cancel)
    assert not (tmp_path / "out" / ".slab-exporter.lock").exists()
    left = [p.name for p in (tmp_path / "out").iterdir()]
    assert sorted(left) == sorted(["options.json", *complete_cases(tmp_path / "out")])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_stops_the_run_and_can_be_resumed(tmp_path, cli):
    make_data_set(tmp_path / "in", cases=6, shape=(64, 64, 60))
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", disk], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        out = disk / "out"
        code, _, err = cli("export", tmp_path / "in", "-o", out, *SMALL, "--format", "nii", "--jobs", 1)
        assert code == 1
        assert "Traceback" not in err
        assert "cases were not begun" in err
        assert_nothing_half_done_looks_finished(out)
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        code, _, err = cli("export", tmp_path / "in", "-o", out, *SMALL, "--format", "nii", "--resume")
        assert code == 0, err
        assert not (out / "errors.csv").exists()
        assert len(complete_cases(out)) == 6
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folder permissions are POSIX ones")
def test_a_read_only_folder_is_one_sentence(data_set, tmp_path, cli):
    out = tmp_path / "out"
    out.mkdir()
    if os.geteuid() == 0:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", out], capture_output=True).returncode:
            pytest.skip("root writes everywhere, and this machine does not let us mount a read-only disk")
    else:
        out.chmod(0o500)
    try:
        code, _, err = cli("export", data_set, "-o", out)
        assert code == 2
        assert len(err.splitlines()) <= 2  # what matched what, and the sentence
        assert "cannot be written" in err
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", out], check=False)


def test_a_dry_run_writes_nothing_and_tells_all(data_set, tmp_path, cli):
    code, text, _ = cli("export", data_set, "-o", tmp_path / "out", *SMALL, "--dry-run")
    assert code == 0
    assert "4 by LiTS" in text
    assert "4 of 4 cases, 14 slabs, 98 slices" in text
    assert not (tmp_path / "out").exists()
    coarse = affine(signs=(-1, 1, 1), spacing=(1.4, 1.8, 5.0))
    save_nifti(data_set / "segmentation-3.nii.gz", np.zeros((6, 5, 10), np.uint8), coarse)
    code, text, _ = cli("export", data_set, "-o", tmp_path / "out", *SMALL, "--dry-run", "--json")
    assert code == 1
    assert "voxels" in json.loads(text.splitlines()[3])["error"]
