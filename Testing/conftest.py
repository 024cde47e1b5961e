"""Shared fixtures: a runtime on slicer-core, the folder of real scanner data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# These machines are shared: how long an example takes says nothing.
settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")


@pytest.fixture(scope="session")
def runtime():
    from slab_exporter.mrml.runtime import open_runtime

    with open_runtime() as opened:
        yield opened


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("SLABEXPORTER_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scanner data at {folder} (set SLABEXPORTER_TEST_DATA)")
    return folder


@pytest.fixture
def run_cli(capsys):
    """Run a command in this process; returns (exit code, standard output, standard error)."""
    from slab_exporter.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
