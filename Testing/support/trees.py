"""Trees of files: made for their names; and what lies in an output folder, and whether it pretends to be finished."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def touch(folder: Path, *names: str) -> Path:
    """Make files of one byte, where only names matter; returns the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def complete_cases(out: Path) -> list[str]:
    return sorted(path.parent.name for path in out.glob("*/manifest.json"))


def assert_nothing_half_done_looks_finished(out: Path) -> None:
    """A manifest means a whole case; a slab with its final name can be read to the end; lists hold what is there."""
    for path in out.rglob("*_slab-*.nii.gz"):
        if ".partial" not in path.parts:
            gzip.decompress(path.read_bytes())
    for path in out.glob("*/manifest.json"):
        manifest = json.loads(path.read_text("utf-8"))
        for slab in manifest["slabs"]:
            assert (path.parent / slab["image"]).is_file()
            assert all((path.parent / label).is_file() for label in slab["labels"].values())
    if (out / "dataset.json").exists():
        document = json.loads((out / "dataset.json").read_text("ascii"))
        for entry in document["training"]:
            assert (out / entry["image"]).is_file()
            assert (out / entry["slab"]["case"] / "manifest.json").is_file()


def assert_tables_agree(out: Path) -> None:
    """dataset.json and slabs.csv, where they are, name exactly the slabs of the complete cases."""
    there = {
        f"{path.parent.name}/{slab['image']}"
        for path in out.glob("*/manifest.json")
        for slab in json.loads(path.read_text("utf-8"))["slabs"]
    }
    if (out / "dataset.json").exists():
        document = json.loads((out / "dataset.json").read_text("ascii"))
        listed = [entry["image"] for part in ("training", "validation", "test") for entry in document.get(part, ())]
        assert sorted(listed) == sorted(there)
    if (out / "slabs.csv").exists():
        with (out / "slabs.csv").open(encoding="utf-8", newline="") as file:
            assert sorted(row["image"] for row in csv.DictReader(file)) == sorted(there)
