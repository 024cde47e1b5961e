"""Of slicer-core only what cutting needs is loaded, and nobody else notices; headers need nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import slab_exporter
from support.phantoms import affine, index_phantom, save_nifti


def run(code: str, *arguments) -> str:
    """What a program of its own prints."""
    environment = os.environ | {"PYTHONPATH": str(Path(slab_exporter.__file__).parents[1])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_others_find_everything_in_the_package_that_was_partly_loaded():
    """As a star import of the package by somebody else, and by Slicer's own, finds it."""
    listing = "import json; print(json.dumps(sorted(n for n in dir(slicer_core) if not n.startswith('_'))))"
    whole = json.loads(run(f"import slicer_core; {listing}"))
    partly = (
        "from slab_exporter.mrml import wheel; own = wheel.load(); scene = own.vtkMRMLScene()\n"
        "import slicer_core, sys; assert slicer_core is own\n"
        "assert 'slicer_core.vtkSlicerPlotsModuleLogic' not in sys.modules\n"
        "import slicer; assert slicer.vtkMRMLScene is own.vtkMRMLScene\n"
        "assert isinstance(slicer.vtkSlicerSegmentationsModuleLogic(), slicer_core.vtkSlicerModuleLogic)\n"
    )
    assert json.loads(run(partly + listing)) == whole
    assert len(whole) > 300


def test_what_is_nowhere_is_an_attribute_error():
    code = (
        "from slab_exporter.mrml import wheel; own = wheel.load()\n"
        "try: own.vtkNothing\nexcept AttributeError as e: print(e)\n"
        "assert not hasattr(own, 'vtkNothing')"
    )
    assert "vtkNothing" in run(code)


def test_who_takes_part_in_imports_may_ask_for_anything_meanwhile():
    """As PySide6 does, which a notebook or a viewer has loaded before: the nodes still derive from one another."""
    code = (
        "import builtins, sys; plain = builtins.__import__\n"
        "def curious(*arguments, **more):\n"
        "    module = plain(*arguments, **more)\n"
        "    if 'slicer_core.vtkTeem' in sys.modules:  # on behalf of MRMLCore, which is not there yet\n"
        "        hasattr(sys.modules['slicer_core'], '__wrapped__')\n"
        "    return module\n"
        "builtins.__import__ = curious\n"
        "from slab_exporter.mrml import wheel; own = wheel.load()\n"
        "assert issubclass(own.vtkMRMLCropVolumeParametersNode, own.vtkMRMLNode)\n"
        "import slicer_core; assert slicer_core.vtkSlicerPlotsModuleLogic"
    )
    run(code)


def test_a_package_that_is_loaded_already_is_taken_as_it_is():
    run("import slicer_core; from slab_exporter.mrml import wheel; assert wheel.load() is slicer_core")


@pytest.mark.parametrize(
    "arguments",
    [("inspect",), ("where", "--ijk", "1", "2", "3"), ("export", "--dry-run", "--thickness", "3", "-o", "out")],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_look_at_headers_load_neither_vtk_nor_simpleitk(tmp_path, arguments):
    path = save_nifti(tmp_path / "ct.nii.gz", index_phantom((5, 6, 7)), affine())
    code = (
        "import sys; from slab_exporter.cli.main import main; assert main(sys.argv[1:]) == 0\n"
        "assert not [n for n in sys.modules if n.startswith(('vtk', 'slicer', 'SimpleITK', 'pydicom'))]"
    )
    run(code, arguments[0], path, *arguments[1:])


@pytest.mark.parametrize("late", [0, 0.15, 0.3])
def test_threads_that_load_it_at_the_same_time_wait_for_each_other(late):
    """One of them imports all of it, as other code of the same program may."""
    code = (
        "import sys, threading, time; from slab_exporter.mrml.runtime import open_runtime\n"
        "start, found = threading.Barrier(4), []\n"
        "def ours():\n"
        "    start.wait()\n"
        "    with open_runtime() as runtime: found.append(runtime.crop_logic.GetClassName())\n"
        "def theirs():\n"
        "    start.wait(); time.sleep(float(sys.argv[1]))\n"
        "    import slicer_core; found.append(slicer_core.vtkSlicerPlotsLogic().GetClassName())\n"
        "threads = [threading.Thread(target=one) for one in (ours, ours, ours, theirs)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(*sorted(found))"
    )
    assert run(code, late).split() == [*["vtkSlicerCropVolumeLogic"] * 3, "vtkSlicerPlotsLogic"]


def test_a_library_of_the_system_that_is_missing_is_one_sentence():
    code = (
        "import importlib, sys; from slab_exporter.core.errors import SlabExporterError\n"
        "from slab_exporter.mrml.runtime import open_runtime\n"
        "class Finder:\n"
        "    def find_spec(name, path, target=None):\n"
        "        if name == 'slicer_core.MRMLCore': raise ImportError('libXt.so.6: cannot open shared object file')\n"
        "sys.meta_path.insert(0, Finder)\n"
        "try:\n"
        "    with open_runtime() as runtime: runtime.load()\n"
        "except SlabExporterError as error: print(error)\n"
        "assert 'slicer_core' not in sys.modules"
    )
    said = run(code)
    assert "slicer-core is installed but cannot be loaded (libXt.so.6: cannot open shared object file)." in said
