"""What CMake installs is what lies on the disk."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULE = ROOT / "SlabExporter"


def _listed(name: str) -> list[str]:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    block = re.search(rf"set\({name}\n(.*?)\)", text, re.DOTALL)
    assert block is not None
    return [line.strip().replace("${MODULE_NAME}", "SlabExporter") for line in block[1].splitlines() if line.strip()]


def _on_disk() -> set[str]:
    files = {path.relative_to(MODULE).as_posix() for path in MODULE.rglob("*") if path.is_file()}
    # what Python and pip leave behind is not shipped
    made = ("__pycache__", ".egg-info", ".pyc")
    return {f for f in files if f != "CMakeLists.txt" and not any(part in f for part in made)}


def test_cmake_lists_exactly_the_files_on_the_disk():
    listed = _listed("MODULE_PYTHON_SCRIPTS") + _listed("MODULE_PYTHON_RESOURCES")
    assert len(listed) == len(set(listed))
    missing, gone = sorted(_on_disk() - set(listed)), sorted(set(listed) - _on_disk())
    assert not missing, "add to SlabExporter/CMakeLists.txt:\n  " + "\n  ".join(missing)
    assert not gone, "remove from SlabExporter/CMakeLists.txt:\n  " + "\n  ".join(gone)


def test_only_modules_to_be_compiled_are_listed_as_scripts():
    for name in _listed("MODULE_PYTHON_SCRIPTS"):
        assert name.endswith(".py")
        assert not name.startswith("Scripts/")  # run by path, not imported


def test_no_python_file_lies_where_slicer_would_take_it_for_a_module():
    """Slicer treats every .py directly in a module folder as a module."""
    assert [path.name for path in MODULE.glob("*.py")] == ["SlabExporter.py"]


def test_extension_index_entry_has_what_the_index_asks_for():
    entry = json.loads((ROOT / "SlabExporter.json").read_text(encoding="utf-8"))
    assert {"$schema", "category", "scm_url"} <= set(entry)
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert f'EXTENSION_CATEGORY "{entry["category"]}"' in cmake
    for variable in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'set\(EXTENSION_{variable} "[^"]+"', cmake)


def test_icon_is_a_png_of_128_by_128():
    data = (ROOT / "SlabExporter.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (128, 128)


def test_the_adapter_is_thin_and_imports_nothing_heavy():
    for path in (MODULE / "SlabExporter.py", *(MODULE / "SlabExporterPanel").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300, path.name
        imported = set()
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom) and not statement.level:
                imported.add(str(statement.module).split(".")[0])
        light = {"os", "shutil", "sys", "tempfile", "pathlib", "typing", "slicer", "qt", "ctk", "vtk"}
        assert imported <= light | {"slab_exporter", "SlabExporterPanel"}, path.name


def test_what_the_adapter_imports_of_the_library_at_file_scope_is_pure():
    """Slicer imports every module at its start: no numpy, SimpleITK or pydicom then."""
    import subprocess
    import sys

    code = (
        "import sys, SlabExporterPanel.choices; "
        "heavy = {'numpy', 'SimpleITK', 'pydicom', 'vtkmodules', 'isal'}; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=MODULE, check=True)
    assert done.stdout.strip() == "[]"
