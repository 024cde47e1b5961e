"""Small data sets, and the command line in processes of its own, as users run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from interrupts import INTERRUPTIBLE
from phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(__file__).parents[2] / "SlabExporter"


def make_data_set(folder: Path, cases: int = 4, shape=(12, 10, 20), labels: bool = True) -> Path:
    """LiTS-like names; slice counts differ, so do the values."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(cases):
        size = (shape[0], shape[1], shape[2] + 3 * n)
        place = affine(signs=(-1, 1, 1))
        save_nifti(folder / f"volume-{n}.nii.gz", index_phantom(size) + np.int16(n), place)
        if labels:
            save_nifti(folder / f"segmentation-{n}.nii.gz", (index_phantom(size) % 3).astype(np.uint8), place)
    return folder


@pytest.fixture
def data_set(tmp_path) -> Path:
    return make_data_set(tmp_path / "in")


@pytest.fixture(scope="session")
def start_cli():
    """Start the command line in a process group of its own; returns the process."""

    def start(*arguments: object, extra_path: Path | None = None, cwd: Path | None = None) -> subprocess.Popen:
        paths = [str(LIBRARY)] + ([str(extra_path)] if extra_path else [])
        return subprocess.Popen(
            [sys.executable, "-m", "slab_exporter", *(str(a) for a in arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
            preexec_fn=INTERRUPTIBLE,
        )

    return start


@pytest.fixture(scope="session")
def cli(start_cli):
    """Run the command line to its end; returns (exit code, standard output, standard error)."""

    def run(*arguments: object, **options) -> tuple[int, str, str]:
        process = start_cli(*arguments, **options)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    return run
