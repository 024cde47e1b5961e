"""Native libraries are loaded ahead of their import, and other threads run meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
import sys
from pathlib import Path
from slab_exporter.native import load_beside
load_beside("SimpleITK", "_SimpleITK", "not_there")
load_beside("no_such_package", "library")
assert "SimpleITK" not in sys.modules, "imported"
assert "_SimpleITK" in Path("/proc/self/maps").read_text(), "not loaded"
import SimpleITK
assert SimpleITK.Image(2, 2, SimpleITK.sitkInt16).GetSize() == (2, 2)
"""

WITHOUT_CTYPES = """
import sys
sys.modules["ctypes"] = None
from slab_exporter.native import load_beside
load_beside("SimpleITK", "_SimpleITK")
import SimpleITK
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            LOAD, marks=pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
        ),
        WITHOUT_CTYPES,
    ],
    ids=["loaded without being imported", "without ctypes"],
)
def test_libraries_are_loaded_ahead_of_their_import(script):
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
