"""The shape of the house: which folder may import from which, and how large its rooms are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[1] / "SlabExporter"
LIBRARY = MODULE / "slab_exporter"
PANEL = MODULE / "SlabExporterPanel"

# Top to bottom: a folder imports from the folders named on its line, and from itself.
ORDER = {
    "core": "",
    "files": "core",
    "dicom": "core files",
    "mrml": "core files dicom",
    "report": "core files dicom mrml",
    "volumes": "core files dicom mrml report",
    "cases": "core files dicom mrml report volumes",
    "prepare": "core files dicom mrml report volumes cases",
    "pipeline": "core files dicom mrml report volumes cases prepare",
    "inspection": "core files dicom mrml report volumes cases prepare pipeline",
    "compare": "core files dicom mrml report volumes cases prepare pipeline inspection",
    "export": "core files dicom mrml report volumes cases prepare pipeline inspection compare",
    "coordinates": "core files dicom mrml report volumes cases prepare pipeline inspection compare export",
    "stitch": "core files dicom mrml report volumes cases prepare pipeline inspection compare export coordinates",
    "cli": "core files dicom mrml report volumes cases prepare pipeline inspection compare export coordinates stitch",
}
# What users import stands in front of all rooms, and no room imports it.
FRONT_DOOR = {f"slab_exporter.{name}" for name in ("api", "asked", "cutting", "plans", "keywords", "dataset")}
SLICER_ONLY = ("qt", "ctk", "slicer.util", "slicer.app", "slicer.modules", "slicer.mrmlScene")
LONGEST_FILE, LONGEST_FUNCTION, MOST_FILES = 300, 40, 15


def modules(folder: Path = LIBRARY):
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def name(path: Path) -> str:
    return path.relative_to(MODULE).as_posix()


def imported(path: Path):
    """Absolute names of all modules that a file imports, also inside functions."""
    package = path.relative_to(MODULE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms(path: Path) -> set[str]:
    """Folders of the library from which a file imports."""
    parts = [module.split(".") for module in imported(path)]
    return {p[1] for p in parts if p[0] == "slab_exporter" and len(p) > 1 and p[1] in ORDER}


@pytest.mark.parametrize("folder", ORDER)
def test_imports_point_up_the_list(folder):
    for path in modules(LIBRARY / folder):
        assert rooms(path) <= {folder, *ORDER[folder].split()}, name(path)
        assert not FRONT_DOOR & set(imported(path)), name(path)


def test_the_order_is_a_list_without_circles():
    """Each line names exactly the folders above it, so that no circle can be hidden in the table."""
    assert list(ORDER.values()) == [" ".join(list(ORDER)[:n]) for n in range(len(ORDER))]
    assert set(ORDER) == {p.name for p in LIBRARY.iterdir() if p.is_dir()} - {"Resources", "__pycache__"}


@pytest.mark.parametrize("path", modules(), ids=name)
def test_the_library_knows_neither_panel_nor_window(path):
    for module in imported(path):
        assert not any(module == other or module.startswith(other + ".") for other in SLICER_ONLY)
        assert module.split(".")[0] not in ("SlabExporter", "SlabExporterPanel")


# core/text.py is where the words of the command line are made.
SENTENCES = [p for p in modules() if LIBRARY / "cli" not in p.parents and p != LIBRARY / "core" / "text.py"]


@pytest.mark.parametrize("path", SENTENCES, ids=name)
def test_the_library_names_options_as_objects_and_never_as_they_are_typed(path):
    """Whoever shows a sentence writes its options; ``gdcmconv --raw`` is another program's."""
    texts = [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_text(node)]
    assert not [text for text in texts if re.search(r"--(?!help)[a-z]", text.replace("gdcmconv --raw", ""))]


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("path", modules(LIBRARY / "core"), ids=name)
def test_core_needs_numpy_only(path):
    for module in imported(path):
        assert module.split(".")[0] in {"slab_exporter", "numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", modules(PANEL), ids=name)
def test_the_panel_imports_no_command_line_and_its_views_no_window(path):
    def is_window(module: str) -> bool:
        return module.startswith(
            ("SlabExporterPanel.window", "SlabExporterPanel.self_tests", "SlabExporterPanel.sample")
        )

    inside = "SlabExporterPanel." + ".".join(path.relative_to(PANEL).with_suffix("").parts)
    # The parameter node needs Slicer's wrapper, and the console's logic Slicer's scene.
    is_logic = path.parent == PANEL and path.stem.endswith(("logic", "loading"))
    needs_slicer = is_window(inside) or is_logic or path.stem == "parameters"
    for module in imported(path):
        assert not module.startswith("slab_exporter.cli")
        if not needs_slicer:
            assert module.split(".")[0] not in ("qt", "ctk", "slicer")
        if not is_window(inside):
            assert module.split(".")[0] not in ("qt", "ctk")
            assert not is_window(module)


@pytest.mark.parametrize("path", [*modules(), *modules(PANEL)], ids=name)
def test_files_and_functions_are_read_in_one_sitting(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            # what is read is the body; signature and docstring are looked up
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < LONGEST_FUNCTION, f"{node.name}, line {node.lineno}"


def test_no_folder_is_crowded():
    for folder in {path.parent for path in (*modules(), *modules(PANEL))}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder.name


def test_the_module_file_only_hands_on():
    assert len((MODULE / "SlabExporter.py").read_text(encoding="utf-8").splitlines()) <= 50


@pytest.mark.parametrize("command", ["export", "verify", "inspect", "stitch", "compare", "where", "flirt", "demo"])
def test_help_imports_neither_vtk_nor_numpy(command):
    code = (
        f"import sys; from slab_exporter.cli.main import main; main([{command!r}, '--help']); "
        "sys.exit(any(m in sys.modules for m in ('numpy', 'vtkmodules', 'slicer_core', 'SimpleITK', 'pydicom')))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=MODULE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
