"""What CMake installs is what lies on the disk."""

from __future__ import annotations

import ast
import json
import re
import sys
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


def _imported_at_start() -> dict[str, set[str]]:
    """Every file that Slicer reads when it loads the module file -> what that file imports from elsewhere."""
    found, left = {}, [MODULE / "SlabExporter.py"]
    while left:
        path = left.pop()
        outside = set()
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            for module in _modules_of(statement, path):
                file = MODULE / (module.replace(".", "/") + ".py")
                if file.is_file():
                    left += [file] if file.relative_to(MODULE).as_posix() not in found else []
                elif not (MODULE / module.replace(".", "/")).is_dir():
                    outside.add(module.split(".")[0])
        found[path.relative_to(MODULE).as_posix()] = outside
    return found


def _modules_of(statement: ast.stmt, path: Path) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if not isinstance(statement, ast.ImportFrom):
        return []
    package = list(path.relative_to(MODULE).parts[:-1])
    above = package[: len(package) - statement.level + 1] if statement.level else []
    return [".".join([*above, *([statement.module] if statement.module else [])])]


def test_the_adapter_is_thin_and_imports_nothing_heavy():
    read = _imported_at_start()
    assert {"SlabExporter.py", "SlabExporterPanel/window/widget.py", "SlabExporterPanel/logic.py"} <= set(read)
    for name, outside in read.items():
        assert outside <= {"slicer", "qt", "ctk", "vtk", *sys.stdlib_module_names}, name


def test_what_the_adapter_imports_of_the_library_at_file_scope_is_pure():
    """Slicer imports every module at its start: no numpy, SimpleITK or pydicom then."""
    import subprocess

    code = (
        "import sys, SlabExporterPanel.choices; "
        "heavy = {'numpy', 'SimpleITK', 'pydicom', 'vtkmodules', 'isal'}; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=MODULE, check=True)
    assert done.stdout.strip() == "[]"
