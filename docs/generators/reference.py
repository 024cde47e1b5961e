"""Pages of the site that are made from the code: every option from the parsers, every field from the schema.

MkDocs loads this file as a hook (``mkdocs.yml``); a test compares what it makes with the parsers and the schema.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "SlabExporter"))

import slab_exporter as se  # noqa: E402
from slab_exporter.cli.main import build_parser  # noqa: E402
from slab_exporter.cli.usage.examples import EXAMPLES  # noqa: E402
from slab_exporter.cli.usage.parser import commands_of  # noqa: E402
from slab_exporter.core.manifest import SCHEMA_PATH  # noqa: E402

REPOSITORY = "https://github.com/SlabExporter/SlicerSlabExporter"
SCREENSHOTS = "Resources/Screenshots"

# What no schema states: columns of slabs.csv, entries of dataset.json and of each slab in it.
SLABS_COLUMNS = {
    "case": "Name of the case, and of its folder.",
    "slab": "Number of the slab or block, from 0.",
    "image": "File or folder of the image, from the export's folder.",
    "labels": "Files of its label maps, divided by semicolons.",
    "start_i": "First voxel along i, j, k, in the volume that was cut.",
    "start_j": "",
    "start_k": "",
    "stop_i": "The voxel after the last one along i, j, k.",
    "stop_j": "",
    "stop_k": "",
    "spacing_i_mm": "Distance of voxels along i, j, k in mm.",
    "spacing_j_mm": "",
    "spacing_k_mm": "",
    "verified": "Whether the file was read back and compared.",
    "min": "Smallest value of the image.",
    "max": "Largest value of the image.",
    "mean": "Mean of the image.",
    "label_voxels": "Voxels that are not 0 in any of the label maps.",
    "part": "Part of the data set: training, validation, test, unlabelled.",
    "group": "What stays together in a split: the patient, or the case.",
}
DATA_LIST = {
    "name": "Name of the folder that all sources have in common.",
    "description": "Who made it.",
    "tensorImageSize": "3D.",
    "modality": "CT where all images have air of about -1000, otherwise unknown.",
    "labels": "Values of the label maps, with names.",
    "numTraining": "Slabs in the list of that name, likewise the two below.",
    "numValidation": "",
    "numTest": "",
    "training": "Lists of slabs: training, validation, test, and unlabelled, for those without a label map.",
}
DATA_LIST_ENTRY = {
    "image": "File of the image, from the folder of dataset.json.",
    "label": "File of the main label map: of the set called labels, or of the first by name; others are label_NAME.",
    "slab": "Case, group, number and first voxel (ijk_start) of the slab.",
    "columns": "Your own columns of a list of cases, where there was one.",
}


def on_config(config: Any) -> Any:
    """Put chapters that the navigation does not name at the end of its guides."""
    named = set(re.findall(r"[\w/-]+\.md", json.dumps(config["nav"])))
    guides = next(section["Guides"] for section in config["nav"] if "Guides" in section)
    guides += [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in named]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made, and the pictures that lie beside the documents."""
    from mkdocs.structure.files import File

    pages = {
        "index.md": home_page(),
        "reference/commands.md": commands_page(),
        "reference/files.md": files_page(),
        "reference/python.md": python_page(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for path in sorted((ROOT / SCREENSHOTS).glob("*.png")):
        files.append(File.generated(config, f"{SCREENSHOTS}/{path.name}", abs_src_path=str(path)))
    files.append(File.generated(config, "Resources/logo.png", abs_src_path=str(ROOT / "SlabExporter.png")))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let pages find pictures and files of the repository, which lie outside of the site's folder."""
    text = markdown.replace(f"(../{SCREENSHOTS}/", f"({SCREENSHOTS}/")
    return re.sub(r"\]\(\.\./([A-Z][^)]*)\)", rf"]({REPOSITORY}/blob/main/\1)", text)


def home_page() -> str:
    """README, with its links to the release's documents and pictures leading to those of the site."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(rf"{REPOSITORY}/blob/v[^/]+/docs/", "", text)
    return re.sub(r"https://raw\.githubusercontent\.com/SlabExporter/SlicerSlabExporter/v[^/]+/", "", text)


def commands_page() -> str:
    """Every command with every option, from the parsers."""
    lines = [
        "# Commands",
        "",
        "What `slab-exporter COMMAND --help` prints. An option that Python takes too has its keyword beside it.",
        "",
    ]
    for name, parser in commands_of(build_parser()).items():
        lines += [f"## {name}", "", str(parser.description), "", "```text", _usage(parser), "```", ""]
        for title, actions in _groups(parser):
            title = _TITLES.get(title, title)
            lines += [f"### {name}: {title}", "", "| option | keyword in Python | meaning |", "|---|---|---|"]
            lines += [_row(f"`{_typed(action)}`", _keyword(name, action), _help(parser, action)) for action in actions]
            lines.append("")
        lines += ["For example:", "", "```", *EXAMPLES[name], "```", ""]
    lines += [
        "## Exit codes",
        "",
        "0 all done; 1 some cases failed, the others are complete (`compare`: another place, or not certain); ",
        "2 wrong usage or nothing usable in the input; 130 interrupted.",
        "",
    ]
    return "\n".join(lines)


_TITLES = {"positional arguments": "what it takes"}


def _usage(parser: argparse.ArgumentParser) -> str:
    return parser.format_usage().removeprefix("usage: ").strip()


def _groups(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[argparse.Action]]]:
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help is not argparse.SUPPRESS]
        if actions:
            yield str(group.title), actions


def _typed(action: argparse.Action) -> str:
    """An option as it is typed, with its value."""
    if not action.option_strings:
        return str(action.metavar)
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    values = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "VALUE")
    return f"{names} {' '.join(values) if isinstance(values, tuple) else values}"


def _keyword(command: str, action: argparse.Action) -> str:
    function = getattr(se, command, None)
    known = inspect.signature(function).parameters if inspect.isfunction(function) else {}
    found = "verify" if action.dest == "no_verify" else action.dest
    return f"`{found}`" if found in known else ""


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action)


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """A cell in which neither a bar nor a bracket means anything to Markdown."""
    text = " ".join(text.split())
    return text if text.startswith("`") else re.sub(r"([|<>{}\[\]*_])", r"\\\1", text)


def files_page() -> str:
    """Every field of the files that an export writes, from the schema."""
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    lines = [
        "# Files of an export",
        "",
        "## manifest.json",
        "",
        f"One per case, written last. It follows [a schema]({REPOSITORY}/blob/main/"
        f"{SCHEMA_PATH.relative_to(ROOT).as_posix()}). "
        "Boxes are half-open voxel indices (i, j, k) in the order of the source's file; affines map voxel indices to "
        "RAS in mm. A field is always there, or where what it tells of was asked for. A later version may add fields, "
        "and removes none.",
        "",
        "| field | kind | always | meaning |",
        "|---|---|---|---|",
        *(_row(f"`{f.path}`", f.kind, "yes" if f.always else "", f.meaning) for f in schema_fields(schema)),
        "",
    ]
    for title, about, rows in (
        ("slabs.csv", "One row per slab or block. Columns of your own list follow.", SLABS_COLUMNS),
        (
            "dataset.json",
            "The data list of the Medical Segmentation Decathlon.",
            DATA_LIST,
        ),
        ("dataset.json: a slab", "Each entry of its lists.", DATA_LIST_ENTRY),
    ):
        lines += [f"## {title}", "", about, "", "| field | meaning |", "|---|---|"]
        lines += [_row(f"`{name}`", meaning) for name, meaning in rows.items()] + [""]
    return "\n".join(lines)


class Field:
    """One field of a schema."""

    def __init__(self, path: str, schema: dict[str, Any], always: bool, root: dict[str, Any]) -> None:
        target = _resolved(schema, root)
        self.path, self.always = path, always
        self.meaning = schema.get("description") or target.get("description", "")
        self.kind = _kind(target)


def schema_fields(root: dict[str, Any]) -> list[Field]:
    """The fields of a schema, those of objects and lists after their own, with paths such as ``slabs[].index``."""
    return list(_fields("", root, root))


def _fields(path: str, schema: dict[str, Any], root: dict[str, Any]) -> Iterator[Field]:
    if path != "source" and schema.get("$ref") == "#/$defs/source":
        return  # whose fields stand there already
    target = _resolved(schema, root)
    for name, inner in target.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield Field(here, inner, name in target.get("required", ()), root)
        yield from _fields(here, inner, root)
    items = target.get("items")
    if isinstance(items, dict):
        yield from _fields(f"{path}[]", items, root)
    others = target.get("additionalProperties")
    if isinstance(others, dict):
        yield from _fields(f"{path}.NAME", others, root)


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else root["$defs"][reference.rpartition("/")[2]] | {"ref": reference}


def _kind(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    kinds = schema.get("type", "")
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


RESULTS = (
    "slab_exporter.plans.FilePlan",
    "slab_exporter.core.manifest.Manifest",
    "slab_exporter.core.manifest.SlabRecord",
    "slab_exporter.export.from_files.ExportResult",
    "slab_exporter.stitch.stitching.StitchResult",
    "slab_exporter.compare.files.CompareResult",
    "slab_exporter.inspection.inspect.Inspection",
    "slab_exporter.pipeline.verification.CaseReport",
    "slab_exporter.coordinates.where.Place",
)


def python_page() -> str:
    """Everything that ``import slab_exporter`` offers, for mkdocstrings to fill in."""
    homes = {"SlabDataset": "dataset", "plan": "plans", "export": "cutting"}
    lines = ["# Python", "", "```python", "import slab_exporter as se", "```", ""]
    for name in ("plan", "export", "verify", "stitch", "compare", "inspect", "where", "read_manifest", "SlabDataset"):
        lines += [f"::: slab_exporter.{homes.get(name, 'api')}.{name}", ""]
    lines += ["## What they return", ""]
    for path in RESULTS:
        lines += [f"::: {path}", "    options:", "      heading_level: 3", ""]
    lines += [
        "## Errors",
        "",
        "::: slab_exporter.core.errors",
        "    options:",
        "      heading_level: 3",
        "      members_order: source",
        "      filters: ['!^reading$', '!^writing$']",
        "      show_root_heading: false",
        "      show_root_toc_entry: false",
        "",
    ]
    return "\n".join(lines)
