"""Programs and packages by others that judge what is written; tests skip, saying so, where they are absent."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest


def require_program(name: str, package: str) -> str:
    """Path of a program, or a skip that says which Debian package has it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return path


def require_package(name: str):
    """A Python package, or a skip."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"the Python package {name} is not installed")
    return importlib.import_module(name)


def dciodvfy_errors(paths: list[Path]) -> list[str]:
    """Error lines of dciodvfy over files; its exit status means little."""
    program = require_program("dciodvfy", "dicom3tools")
    errors = []
    for path in paths:
        result = subprocess.run([program, "-input-file", str(path)], capture_output=True, text=True, check=False)
        lines = (result.stdout + result.stderr).splitlines()
        errors += [f"{path.name}: {line}" for line in lines if line.startswith(("Error", "Abort"))]
    return errors


def dcentvfy_lines(paths: list[Path]) -> list[str]:
    """What dcentvfy finds inconsistent across files of one study."""
    program = require_program("dcentvfy", "dicom3tools")
    result = subprocess.run([program, *map(str, paths)], capture_output=True, text=True, check=False)
    return [line for line in (result.stdout + result.stderr).splitlines() if line.startswith(("Error", "Abort"))]
