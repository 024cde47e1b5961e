"""The reference is that of the code, and what the documents say to type can be typed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
import slab_exporter as se
from slab_exporter.cli.main import build_parser
from slab_exporter.cli.usage.parser import commands_of
from slab_exporter.core.manifest import SCHEMA_PATH
from slab_exporter.report.dataset import LISTS
from support.phantoms import affine, index_phantom, save_nifti

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def reference():
    path = ROOT / "docs" / "generators" / "reference.py"
    spec = importlib.util.spec_from_file_location("docs_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_option_of_every_command_is_in_the_reference(reference):
    page = reference.commands_page()
    for name, parser in commands_of(build_parser()).items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for action in parser._actions:
            typed = ", ".join(action.option_strings) or str(action.metavar)
            (row,) = (line for line in section.splitlines() if re.match(rf"\| `{re.escape(typed)}[ `]", line))
            assert len(row.split(" | ")[-1]) > 5, f"{name} {typed} has no help"


def test_keywords_of_python_stand_beside_their_options(reference):
    rows = reference.commands_page().splitlines()
    assert any(row.startswith("| `--thickness-mm MM` | `thickness_mm` |") for row in rows)
    assert any(row.startswith("| `--no-verify` | `verify` |") for row in rows)


def test_every_field_of_the_manifest_is_in_the_reference_and_described(reference):
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    fields = {field.path: field for field in reference.schema_fields(schema)}
    assert [path for path, field in fields.items() if not field.meaning] == []
    assert {"source.affine_ras", "plan.block.shape_ijk", "slabs[].statistics", "label_sources"} <= set(fields)
    page = reference.files_page()
    assert [path for path in fields if f"| `{path}` |" not in page] == []


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """An export with everything that can stand in its tables: a list with a column, two label sets, a split."""
    folder = tmp_path_factory.mktemp("documented")
    for name in ("ct", "mr"):
        save_nifti(folder / f"{name}.nii.gz", index_phantom((6, 7, 9)), affine())
        save_nifti(folder / f"{name}_seg.nii.gz", (index_phantom((6, 7, 9)) % 3).astype("uint8"), affine())
    (folder / "list.csv").write_text(
        "image,label,label_tumour,age\nct.nii.gz,ct_seg.nii.gz,ct_seg.nii.gz,60\nmr.nii.gz,,,70\n"
    )
    se.export(folder / "list.csv", folder / "out", thickness=5, split="1,1")
    return folder / "out"


def test_fields_of_a_real_manifest_are_in_the_reference(reference, exported):
    page = reference.files_page()
    for path in exported.glob("*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        assert [key for key in manifest if f"| `{key}` |" not in page] == []
        assert [key for key in manifest["source"] if f"| `source.{key}` |" not in page] == []
        assert [key for key in manifest["plan"] if f"| `plan.{key}` |" not in page] == []
        assert [key for key in manifest["slabs"][0] if f"| `slabs[].{key}` |" not in page] == []


def test_columns_and_entries_of_the_data_set_are_those_of_the_reference(reference, exported):
    header = (exported / "slabs.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [*reference.SLABS_COLUMNS, "age"] == header
    document = json.loads((exported / "dataset.json").read_text(encoding="utf-8"))
    assert set(document) - set(LISTS) == set(reference.DATA_LIST) - {"training"}
    entries = [entry for part in LISTS for entry in document.get(part, ())]
    assert {key for entry in entries for key in entry} == {*reference.DATA_LIST_ENTRY, "label_tumour"}


def typed_in(page: str) -> list[str]:
    """The commands in a page's blocks, without prompts and comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```(?:console|sh|bash)?\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("slab-exporter ")]


@pytest.mark.parametrize("page", [page for page in PAGES if typed_in(page)])
def test_what_a_page_says_to_type_is_understood(page):
    for line in typed_in(page):
        arguments = shlex.split(re.sub(r"\$\{[^}]*\}", "1", line).partition(" > ")[0], comments=True)[1:]
        if "--print-completion" in arguments:
            continue
        try:
            build_parser().parse(arguments)
        except argparse.ArgumentError as error:
            pytest.fail(f"{line}\n{error}")


def test_there_are_recipes_for_what_is_asked_most():
    titles = re.findall(r"^## \.\.\. .*\?$", (ROOT / "docs/recipes.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(titles) >= 15


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_and_to_pictures_lead_somewhere(page, reference):
    made = {"reference/commands.md", "reference/files.md", "reference/python.md"}
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("https://") and target not in made:
            assert (ROOT / page).parent.joinpath(target).is_file(), target
