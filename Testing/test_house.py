"""The shape of the house: imports point one way, and the shipped files are the listed ones."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "SlabExporter" / "slab_exporter"
# What a folder of the library may import from its sisters; "" is the top of the library.
ALLOWED = {
    "pure": {"pure"},
    "files": {"pure", "files"},
    "dicom": {"pure", "files", "dicom"},
    "mrml": {"pure", "files", "dicom", "mrml"},
}
TOP = {"", "batch"}  # the pipeline and what stands on it
SLICER_ONLY = ("qt", "ctk", "slicer.util", "slicer.app", "slicer.modules", "slicer.mrmlScene")


def modules():
    return sorted(p for p in LIBRARY.rglob("*.py") if "__pycache__" not in p.parts)


def imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((0, name.name) for name in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_imports_point_one_way(path):
    folder = path.relative_to(LIBRARY).parts[0] if path.parent != LIBRARY else ""
    if folder in TOP:
        return
    for level, module in imported(path):
        if level >= 2:
            assert module.split(".")[0] in ALLOWED[folder], f"{path.name} imports {module}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_no_window_below_the_adapter(path):
    for _, module in imported(path):
        assert not any(module == name or module.startswith(name + ".") for name in SLICER_ONLY)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_pure_code_needs_numpy_only(path):
    if path.parent.name != "pure":
        return
    for level, module in imported(path):
        top = module.split(".")[0]
        assert level > 0 or top == "numpy" or top in sys.stdlib_module_names


def test_help_imports_neither_vtk_nor_numpy():
    code = (
        "import sys; from slab_exporter.cli.main import main; main(['export', '--help']); "
        "sys.exit(any(m in sys.modules for m in ('numpy', 'vtkmodules', 'slicer_core', 'SimpleITK')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=None, cwd=LIBRARY.parent, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
