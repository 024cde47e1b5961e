"""Worker processes under an interpreter that has its own idea of the environment."""

from __future__ import annotations

import os
import sys

import pytest
from support.phantoms import affine, index_phantom, save_nifti


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_workers_start_where_the_interpreter_sets_pythonpath_itself(tmp_path, monkeypatch, run_cli):
    """As Slicer's PythonSlicer does, which is ``sys.executable`` inside the application."""
    launcher = tmp_path / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH=/nowhere exec "{os.path.abspath(sys.executable)}" "$@"\n')
    launcher.chmod(0o755)
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        save_nifti(tmp_path / "in" / f"{name}.nii", index_phantom((5, 6, 7)), affine())
    monkeypatch.setattr(sys, "executable", str(launcher))
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--jobs", 2, "--quiet")
    assert code == 0, error
    assert len(list((tmp_path / "out").glob("*/manifest.json"))) == 2
