"""Which cases run at once, how big they are thought to be, and what stays in memory afterwards."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.cases.find import Case
from slab_exporter.cli.terminal import BatchLines, duration
from slab_exporter.core.errors import RequestError
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.core.progress import ProgressEvent
from slab_exporter.export.from_files import RunOptions
from slab_exporter.export.pool import _admitted
from slab_exporter.export.survey import PROCESS_BYTES, default_jobs, survey_case
from slab_exporter.files.machine import usable_processors
from support import memory_of_cases
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (20, 30, 40)


def test_cases_are_admitted_while_they_fit():
    memory = [6, 6, 3, 20]
    assert _admitted([0, 1, 2, 3], [], memory, count=4, budget=10) == 0
    assert _admitted([1, 2, 3], [0], memory, count=4, budget=10) == 2  # the next one does not fit, this one does
    assert _admitted([1, 3], [0, 2], memory, count=4, budget=10) is None
    assert _admitted([3], [], memory, count=4, budget=10) == 3  # too large altogether: alone, if at all
    assert _admitted([1, 2], [0], memory, count=1, budget=100) is None
    assert _admitted([1, 2], [0], memory, count=2, budget=None) == 1
    assert _admitted([], [0], memory, count=2, budget=None) is None


def test_a_case_is_sized_by_its_headers(tmp_path):
    image = save_nifti(tmp_path / "a.nii.gz", index_phantom(SHAPE), affine())
    label = save_nifti(tmp_path / "b.nii.gz", index_phantom(SHAPE).astype(np.uint8), affine())
    size = survey_case(Case("a", image, {"labels": label}), ExportRequest())
    voxels = 20 * 30 * 40
    assert size.voxel_bytes == 3 * voxels
    assert size.slices == 40
    assert PROCESS_BYTES + 3 * voxels < size.memory < PROCESS_BYTES + 8 * voxels
    assert survey_case(Case("a", image, {}), ExportRequest(slabs=SlabOptions(axis="coronal"))).slices == 30
    assert survey_case(Case("a", tmp_path / "missing.nii", {}), ExportRequest()).slices == 1


def test_the_default_number_of_processes_suits_machine_and_data():
    assert default_jobs(1) == 1
    assert 1 <= default_jobs(1000) <= usable_processors()


@pytest.mark.parametrize("values", [{"jobs": 0}, {"shard": (0, 3)}, {"shard": (4, 3)}])
def test_senseless_run_options_are_refused(values):
    with pytest.raises(RequestError):
        RunOptions(**values)


def test_voxels_are_let_go_of_with_their_node(runtime):
    from slab_exporter.core.geometry import VolumeGeometry
    from slab_exporter.mrml.nodes import add_volume_node, temporary_nodes

    voxels = np.zeros(SHAPE[::-1], np.int16)
    with temporary_nodes(runtime.scene) as nodes:
        nodes.append(add_volume_node(runtime, voxels, VolumeGeometry(SHAPE, np.eye(4))))
    gone = weakref.ref(voxels)
    del voxels, nodes
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_memory_stays_flat_over_cases(tmp_path):
    """In a process of its own: what other tests left in this one's heap comes and goes."""
    image = tmp_path / "volume.nii"
    nib.save(nib.Nifti1Image(index_phantom((160, 160, 200)), affine()), image)  # 10 MB
    command = [sys.executable, memory_of_cases.__file__, image, tmp_path / "out", "8"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    after = json.loads(done.stdout)
    # the heap may take its final size at the second or third case; a volume that is kept would be 10 MB each time
    assert max(after[4:]) - after[3] < 5, f"MB after each case: {after}"


def test_a_log_tells_cases_rate_and_time_left(capsys, monkeypatch):
    shown = BatchLines({"a": 100, "b": 300, "c": 50}, quiet=False)
    monkeypatch.setattr(shown, "_began", shown._began - 10)
    shown(ProgressEvent("case-skipped", "c", 1, 1, "complete already"))
    shown(ProgressEvent("slab-finished", "a", 1, 2))
    shown(ProgressEvent("warning", "b", 0, 0, "odd"))
    shown(ProgressEvent("case-finished", "a", 2, 2))
    shown(ProgressEvent("case-failed", "b", message="damaged"))
    shown.close()
    assert capsys.readouterr().err.splitlines() == [
        "[1/3] c: complete already",
        "b: warning: odd",
        "[2/3] a: 2 slabs, 100 slices; 10 slices/s, 30 s left",
        "slab-exporter: [3/3] b: damaged",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (125, "2 min 05 s"), (12000, "3 h 20 min")])
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
