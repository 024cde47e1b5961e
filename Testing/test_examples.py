"""Every example in the library's docstrings runs and gives what it says; so does the Python in README."""

from __future__ import annotations

import doctest
import importlib
import re
import shutil
from pathlib import Path

import pytest
import slab_exporter as se
from support.examples import lay_out

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "SlabExporter" / "slab_exporter"
FUNCTIONS = ("plan", "export", "verify", "stitch", "compare", "inspect", "where", "read_manifest")
# Where it is and which extra brings it.
NEEDS = {"SlabDataset.subjects": ("torchio", "train"), "FilePlan.show": ("matplotlib", "pictures")}


def examples() -> list[doctest.DocTest]:
    """The docstrings of the library that have examples."""
    found = []
    finder = doctest.DocTestFinder(exclude_empty=True)
    for path in sorted(LIBRARY.rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            name = ".".join(("slab_exporter", *path.relative_to(LIBRARY).with_suffix("").parts))
            found += [test for test in finder.find(importlib.import_module(name), name) if test.examples]
    return found


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    lay_out(folder)
    return folder


@pytest.fixture
def workplace(laid_out, tmp_path, monkeypatch) -> Path:
    """A folder with the files that examples name, as current folder."""
    shutil.copytree(laid_out, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name.removeprefix("slab_exporter."))
def test_an_example_gives_what_it_says(example, workplace):
    for name, (package, extra) in NEEDS.items():
        if example.name.endswith(name):
            pytest.importorskip(package, reason=f"{package} is not installed (extra '{extra}')")
    said: list[str] = []
    example.globs = {"__name__": "__main__"} | example.globs
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(example, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_an_example(name):
    assert ">>> import slab_exporter as se\n" in getattr(se, name).__doc__


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run_as_printed(page: str, block: str) -> dict:
    names: dict = {}
    exec(compile(block, page, "exec"), names)
    return names


def predictions_of(case: Path, folder: Path) -> None:
    """What a model would make of a case's slabs: its label maps."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(case / "labels", folder)


def test_the_python_in_readme_runs_as_printed(workplace, capsys, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'pictures')")
    matplotlib.use("agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)  # no window, whose closing it would wait for
    (workplace / "mirrored.nii.gz").rename(workplace / "other.nii.gz")
    shutil.rmtree(workplace / "slabs")
    se.export("scans", "before", thickness=64, remainder="pad", labels="masks")
    predictions_of(workplace / "before" / "a", workplace / "predictions")
    (block,) = python_blocks("README.md")
    names = run_as_printed("README.md", block)
    assert names["result"].failures == ()
    assert [manifest.case for manifest in names["result"].manifests] == ["a", "b"]
    shown = capsys.readouterr().out
    assert "3 slabs of up to 64 slices along k, numbered I to S Box(start=(0, 0, 0), stop=(16, 14, 64))" in shown
    assert len(re.findall(r"^[ab] \(1, 16, 14, 64\) \(1, 16, 14, 64\) ", shown, re.MULTILINE)) == 6
    assert "\nmirrored\n(SlabHit(index=1, image='images/a_slab-001.nii.gz', voxel=(3, 4, 11)),)" in shown
    assert se.compare("masks/a.nii.gz", "whole.nii.gz").same_place


def test_the_python_of_the_way_back_runs_as_printed(workplace):
    (workplace / "ct.nii.gz").rename(workplace / "torso.nii.gz")
    se.export("torso.nii.gz", "slabs", labels="ct_seg.nii.gz", overlap=8, overwrite=True)
    predictions_of(workplace / "slabs" / "torso", workplace / "predictions")
    block = python_blocks("docs/way-back.md")[-1]
    names = run_as_printed("docs/way-back.md", block)
    assert names["result"].path == Path("torso_air.nii.gz")
    assert se.compare("ct_seg.nii.gz", "torso_air.nii.gz").same_place


def test_the_python_about_training_runs_as_printed(workplace, capsys):
    pytest.importorskip("torch", reason="torch is not installed (extra 'train')")
    (block,) = (block for block in python_blocks("docs/batch.md") if "SlabDataset" in block)
    # a script without a main guard: its workers are forked on Linux only
    run_as_printed("docs/batch.md", block.replace("num_workers=2", "num_workers=0"))
    assert capsys.readouterr().out.count("torch.Size") == 6
