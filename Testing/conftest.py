"""Shared fixtures: a runtime on slicer-core, the folder of real scanner data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from support.command_line import LIBRARY, make_data_set
from support.interrupts import INTERRUPTIBLE

# These machines are shared: how long an example takes says nothing.
settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")


@pytest.fixture(scope="session")
def runtime():
    from slab_exporter.mrml.runtime import open_runtime

    with open_runtime() as opened:
        yield opened


@pytest.fixture
def scene():
    """A scene like a Slicer user's."""
    from support.scenes import user_scene

    made = user_scene()
    yield made
    made.Clear(True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("SLABEXPORTER_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scanner data at {folder} (set SLABEXPORTER_TEST_DATA)")
    return folder


@pytest.fixture
def run_cli(capsys):
    """Run a command in this process; returns (exit code, standard output, standard error)."""
    from slab_exporter.cli.main import main

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


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
