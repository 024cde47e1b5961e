"""The notebook runs from its first cell to its last in an empty folder, and its model finds the lungs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support.pasted import programs_in

NOTEBOOK = Path(__file__).parents[1] / "docs" / "examples" / "slabs.ipynb"


@pytest.mark.skipif(sys.platform == "win32", reason="the program's stand-in is for a POSIX shell")
def test_the_notebook_goes_from_a_volume_to_a_prediction(tmp_path, monkeypatch):
    for package, extra in (("nbclient", "docs"), ("ipykernel", "docs"), ("torch", "train"), ("matplotlib", "pictures")):
        pytest.importorskip(package, reason=f"{package} is not installed (extra '{extra}')")
    import nbformat
    from nbclient import NotebookClient

    for name, value in programs_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(output.get("text", "") for output in outputs)
    assert float(re.search(r"^Dice ([\d.]+)$", printed, re.MULTILINE)[1]) > 0.9
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert not [output for output in outputs if output.get("name") == "stderr"]
