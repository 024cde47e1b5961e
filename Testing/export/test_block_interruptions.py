"""Exports of blocks that end in the middle: the earlier one stays whole, and resuming gives the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.phantoms import affine, save_nifti
from support.trees import complete_cases, tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
# Hundreds of small blocks: it is not done before the signal comes, however busy the machine.
BLOCKS = ("--block", "4,4,4", "--overlap", "1", "--remainder", "shift", "--crop-to", "labels", "--jobs", "1")


@pytest.fixture
def case(tmp_path) -> Path:
    voxels = np.random.default_rng(7).integers(-1000, 1000, (26, 20, 20), dtype=np.int16)
    labels = np.zeros(voxels.shape, np.uint8)
    labels[1:25, 2:19, 1:20] = 1
    save_nifti(tmp_path / "ct_seg.nii", labels, affine())
    return save_nifti(tmp_path / "ct.nii", voxels, affine())


def interrupt_among_blocks(process: subprocess.Popen, out: Path, number: int) -> int:
    """Send a signal once blocks lie there that are not yet a case; returns the exit code."""
    deadline = time.monotonic() + 60
    while len(list(out.glob(".partial/new/ct/images/*_block-*"))) < 20 and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    os.killpg(process.pid, number) if number == signal.SIGKILL else process.send_signal(number)
    process.communicate(timeout=120)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_export_of_blocks_is_completed_to_the_same_bytes(case, tmp_path, start_cli, run_cli, number):
    inputs = (case, "--labels", tmp_path / "ct_seg.nii")
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert run_cli("export", *inputs, "-o", out, "--thickness", 20)[0] == 0
    before = tree(out / "ct")
    process = start_cli("export", *inputs, "-o", out, *BLOCKS, "--overwrite")
    code = interrupt_among_blocks(process, out, number)
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert tree(out / "ct") == before  # the earlier export, whole
    assert complete_cases(out) == ["ct"]
    assert run_cli("verify", out)[0] == 0
    code, _, errors = run_cli("export", *inputs, "-o", out, *BLOCKS, "--resume")
    assert code == 0
    assert "the options have changed since it was exported" in errors
    assert run_cli("export", *inputs, "-o", whole, *BLOCKS)[0] == 0
    assert tree(out) == tree(whole)
    assert len(list((out / "ct" / "images").iterdir())) > 200


def test_blocks_on_their_own_are_resumed_too(case, tmp_path, start_cli, run_cli):
    inputs = (case, "--labels", tmp_path / "ct_seg.nii")
    process = start_cli("export", *inputs, "-o", tmp_path / "out", *BLOCKS)
    assert interrupt_among_blocks(process, tmp_path / "out", signal.SIGTERM) == 130
    assert complete_cases(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob("*_block-*"))
    code, text, _ = run_cli("export", *inputs, "-o", tmp_path / "out", "--resume", "--options", tmp_path / "out")
    assert code == 0
    assert "blocks, " in text
    assert run_cli("verify", tmp_path / "out")[0] == 0
