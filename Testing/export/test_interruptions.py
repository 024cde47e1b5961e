"""Cancel, Ctrl-C and a full disk: nothing half written, and the work can be taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from slab_exporter.core.errors import Cancelled
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.pipeline.case_sources import CaseSources
from slab_exporter.pipeline.one_case import export_sources
from slab_exporter.volumes.choice import FileVolume
from slab_exporter.volumes.reading import open_volume
from support.interrupts import INTERRUPTIBLE
from support.phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(__file__).parents[2] / "SlabExporter"
SHAPE = (6, 7, 12)


@pytest.fixture
def source(tmp_path):
    return save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine())


@pytest.mark.parametrize("after", [0, 1, 3])
def test_cancel_leaves_no_file_and_no_node(runtime, source, tmp_path, after):
    def cancel(event):
        if event.done >= after:
            raise Cancelled("stopped by the test")

    nodes = runtime.scene.GetNumberOfNodes()
    case = CaseSources("ct", open_volume(runtime, FileVolume(source)), {})
    with pytest.raises(Cancelled):
        export_sources(runtime, case, ExportRequest(SlabOptions(thickness=2)), tmp_path / "out" / "ct", cancel)
    assert not (tmp_path / "out" / "ct").exists()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert runtime.scene.GetNumberOfNodes() == nodes


def test_an_export_leaves_no_node(runtime, source, tmp_path):
    nodes = runtime.scene.GetNumberOfNodes()
    case = CaseSources("ct", open_volume(runtime, FileVolume(source)), {})
    export_sources(runtime, case, ExportRequest(SlabOptions(thickness=2)), tmp_path / "out" / "ct")
    assert runtime.scene.GetNumberOfNodes() == nodes


def test_resume_keeps_complete_cases_and_redoes_the_rest(run_cli, tmp_path):
    inputs = [save_nifti(tmp_path / f"v{n}.nii.gz", index_phantom(SHAPE) + n, affine()) for n in range(2)]
    out = tmp_path / "out"
    assert run_cli("export", *inputs, "-o", out, "--thickness", 5)[0] == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    kept = (out / "v0" / "manifest.json").stat().st_mtime_ns
    (out / "v1" / "manifest.json").unlink()
    (out / ".partial" / "new" / "v1").mkdir(parents=True)
    (out / ".partial" / "new" / "v1" / "images-0.nii").write_bytes(b"left over")
    code, _, errors = run_cli("export", *inputs, "-o", out, "--thickness", 5, "--resume")
    assert (code, "v0: complete already" in errors) == (0, True)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert (out / "v0" / "manifest.json").stat().st_mtime_ns == kept


def test_resume_notices_other_options_and_a_changed_source(run_cli, source, tmp_path):
    out = tmp_path / "out"
    assert run_cli("export", source, "-o", out, "--thickness", 5)[0] == 0
    run_cli("export", source, "-o", out, "--thickness", 6, "--resume")
    assert len(list(out.rglob("*_slab-*"))) == 2
    save_nifti(source, index_phantom(SHAPE) + 1, affine())
    assert "complete already" not in run_cli("export", source, "-o", out, "--thickness", 6, "--resume")[2]
    assert run_cli("verify", out)[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_130_and_nothing_half_written(tmp_path, number):
    # thousands of slabs: it is not done before the signal comes, however busy the machine
    path = save_nifti(tmp_path / "long.nii", np.zeros((16, 16, 5000), np.int16), affine())
    out = tmp_path / "out"
    command = [sys.executable, "-m", "slab_exporter", "export", path, "-o", out, "--thickness", "1"]
    process = subprocess.Popen(command, cwd=LIBRARY, stderr=subprocess.PIPE, text=True, preexec_fn=INTERRUPTIBLE)
    deadline = time.monotonic() + 60
    while not list(out.rglob("*_slab-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    assert not list(out.rglob("*_slab-*"))


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True, check=False
    ) if os.name == "posix" else None  # fmt: skip
    if mounted is None or mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here (needs root on Linux)")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("extension", ["nii.gz", "nii", "nrrd"])
def test_a_full_disk_is_one_sentence(run_cli, small_disk, tmp_path, extension):
    noise = np.random.default_rng(0).integers(-1000, 1000, (60, 60, 60), dtype=np.int16)
    path = save_nifti(tmp_path / "noise.nii", noise, affine())
    out = small_disk / "out"
    code, _, errors = run_cli("export", path, "-o", out, "--thickness", 10, "--format", extension)
    assert code == 1
    assert "Traceback" not in errors
    assert "disk" in errors or "No space left" in errors
    assert not list(out.rglob("*_slab-*"))
    assert not list(out.rglob(".partial"))
