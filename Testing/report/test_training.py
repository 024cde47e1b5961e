"""The training example runs on an export, through MONAI and through TorchIO, and learns."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import LIBRARY

for package in ("torch", "monai", "torchio"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra 'train')")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "train_on_slabs.py"


@pytest.fixture(scope="module")
def phantom_export(tmp_path_factory, cli):
    folder = tmp_path_factory.mktemp("training")
    code, _, err = cli("demo", "-o", folder / "demo")
    assert code == 0, err
    return folder / "demo" / "slabs"


@pytest.mark.parametrize("route", ["monai", "torchio"])
def test_the_example_trains_on_an_export(phantom_export, route):
    command = [sys.executable, EXAMPLE, phantom_export, "--with", route, "--steps", "6", "--patch", "32", "32", "16"]
    paths = os.environ | {"PYTHONPATH": str(LIBRARY)}
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, env=paths, check=False)
    assert result.returncode == 0, result.stderr
    losses = [float(value) for value in re.findall(r"loss ([\d.]+)", result.stdout)]
    assert len(losses) == 6
    assert min(losses[3:]) < losses[0]


def test_the_example_says_for_which_torchio_it_is_written(phantom_export, tmp_path):
    """The one whose transforms it calls; the extra 'train' installs no other."""
    (tmp_path / "torchio").mkdir()
    (tmp_path / "torchio" / "__init__.py").write_text('__version__ = "2.0.0"\n')
    command = [sys.executable, EXAMPLE, phantom_export, "--with", "torchio", "--steps", "1"]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(LIBRARY)])}
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, env=paths, check=False)
    assert result.returncode == 1
    assert result.stderr == "This example is written for TorchIO 1, not 2.0.0: pip install 'torchio<2'.\n"
    with (EXAMPLE.parents[2] / "pyproject.toml").open(encoding="utf-8") as file:
        bounds = re.findall(r'"torchio([<>=][^"]*)"', file.read())
    assert bounds == [">=0.20,<2", ">=0.20,<2"]
