"""Nothing that lies among the data is ever executed, wherever a program is started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.command_line import LIBRARY, make_data_set

# Modules that the library, its dependencies and their stand-ins import, from the start on or late.
_WORDS = """
    abc argparse ast base64 bisect calendar code codecs collections colorsys concurrent contextlib copy csv
    ctypes dataclasses datetime decimal email enum fcntl fractions functools gettext glob gzip hashlib heapq
    html http importlib inspect io isal itertools json locale logging math multiprocessing numbers numpy
    operator packaging pathlib pickle pickletools platform pydicom queue random re select selectors shutil
    signal SimpleITK slicer slicer_core socket sqlite3 stat string struct subprocess tempfile textwrap
    threading token tokenize tqdm traceback types typing unicodedata urllib uuid vtk vtkmodules warnings
    weakref xml zipfile zlib sitecustomize usercustomize slab_exporter_plugins
"""
NAMES = _WORDS.split()
# What the interpreter does not need itself before it looks at the program that it is to run.
LATE = {"numpy", "SimpleITK", "pydicom", "slicer_core", "isal", "tqdm", "queue", "random", "csv", "pickle", "hashlib"}


@pytest.fixture
def hostile(tmp_path):
    """A data set with modules beside its volumes, each of which leaves a mark when it is executed."""
    folder = make_data_set(tmp_path / "in", cases=2)
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write('{name} ')\n")
    return folder


def run(hostile, *arguments, **environment):
    executable = os.path.join(os.path.dirname(sys.executable), "slab-exporter")
    start = [executable] if os.access(executable, os.X_OK) else [sys.executable, "-c", CONSOLE_SCRIPT]
    return subprocess.run(
        [*start, *map(str, arguments)],
        cwd=hostile,
        env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


# What pip installs, whose folder comes first on the path; here the interpreter's option does the same.
CONSOLE_SCRIPT = "import sys; sys.path[:] = [p for p in sys.path if p]; from slab_exporter.__main__ import main; main()"


def executed(hostile) -> str:
    mark = hostile.parent / "executed"
    return mark.read_text() if mark.exists() else ""


def test_no_command_executes_what_lies_in_the_working_folder(hostile):
    assert "verified" in run(hostile, "export", ".", "-o", "../out", "--thickness", 8, "--jobs", 2).stdout
    run(hostile, "verify", "../out")
    run(hostile, "inspect", ".")
    run(hostile, "stitch", "../out/volume-0", "-o", "../whole.nii.gz")
    run(hostile, "compare", "volume-0.nii.gz", "../whole.nii.gz")
    run(hostile, "where", "volume-0.nii.gz", "--ijk", 1, 1, 1)
    assert (hostile.parent / "whole.nii.gz").exists()
    assert executed(hostile) == ""


def test_an_empty_entry_of_pythonpath_is_not_the_data(hostile):
    paths = os.pathsep.join([str(LIBRARY), ""])
    run(hostile, "export", ".", "-o", "../out", "--thickness", 8, "--jobs", 2, PYTHONPATH=paths)
    assert set(executed(hostile).split()) & LATE == set()


def test_python_m_takes_modules_from_the_working_folder_only_before_it_can_be_helped(hostile):
    """The interpreter itself imports a few modules before it looks at ours: docs/safety.md says so."""
    for name in set(NAMES) - LATE:  # beside some of them the interpreter does not even start
        (hostile / f"{name}.py").unlink()
    command = [sys.executable, "-m", "slab_exporter", "export", ".", "-o", "../out", "--thickness", "8", "--jobs", "2"]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    done = subprocess.run(command, cwd=hostile, env=environment, capture_output=True, text=True, check=False)
    assert "verified" in done.stdout, done.stderr
    assert executed(hostile) == ""
