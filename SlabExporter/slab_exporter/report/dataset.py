"""dataset.json: the data list of the Medical Segmentation Decathlon, as MONAI's load_decathlon_datalist reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.manifest import Manifest, SlabRecord
from .splits import PARTS

# Smallest value by which an image is taken for a CT (air in Hounsfield units).
_LOOKS_LIKE_CT = -500


@dataclass(frozen=True)
class ListedManifest:
    """A complete case with what the data set knows about it.

    Attributes:
        manifest: of the case.
        group: cases of one group stay together in a split.
        part: "training", "validation" or "test".
        columns: passed through from a list of cases.
    """

    manifest: Manifest
    group: str
    part: str = PARTS[0]
    columns: Mapping[str, str] = field(default_factory=dict)


def data_list(name: str, cases: Sequence[ListedManifest]) -> dict[str, Any]:
    """The document; paths are relative to the file's folder.

    "label" is the first label set in order of name, or the set called "labels"; further sets stand
    under their own names. What is known about a slab stands in objects of its own ("slab", "columns"):
    MONAI takes every other text that happens to be the name of a folder for a path.
    """
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    columns = list(dict.fromkeys(column for case in cases for column in case.columns))
    for case in cases:
        parts[case.part] += [_entry(case, slab, columns) for slab in case.manifest.slabs]
    values = {"0": "background"} | {v: f"label {v}" for v in _label_values(cases)}
    return {
        "name": name,
        "description": "Slabs of whole volumes, cut by SlabExporter; slabs of one group are in one part only.",
        "tensorImageSize": "3D",
        "modality": {"0": "CT" if _all_like_ct(cases) else "unknown"},
        "labels": values,
        "numTraining": len(parts["training"]),
        "numValidation": len(parts["validation"]),
        "numTest": len(parts["test"]),
        **{part: entries for part, entries in parts.items() if entries or part == PARTS[0]},
    }


def to_text(document: dict[str, Any]) -> str:
    """The document as ASCII text (MONAI opens it in the system's encoding), one slab a line."""
    lines = []
    for key, value in document.items():
        if key in PARTS:
            entries = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            text = f"[\n{entries}\n ]" if value else "[]"
        else:
            text = json.dumps(value)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(case: ListedManifest, slab: SlabRecord, columns: Sequence[str]) -> dict[str, Any]:
    manifest = case.manifest
    entry: dict[str, Any] = {"image": f"{manifest.case}/{slab.image}"}
    names = sorted(slab.labels, key=lambda name: (name != "labels", name))
    for n, name in enumerate(names):
        entry["label" if n == 0 else f"label_{name}"] = f"{manifest.case}/{slab.labels[name]}"
    entry["slab"] = {"case": manifest.case, "group": case.group, "index": slab.index, "ijk_start": list(slab.box.start)}
    if columns:
        entry["columns"] = {column: case.columns.get(column, "") for column in columns}
    return entry


def _label_values(cases: Sequence[ListedManifest]) -> list[str]:
    """All values but 0 that the label maps hold, in order."""
    values: set[str] = set()
    for case in cases:
        for slab in case.manifest.slabs:
            for counts in slab.statistics.get("labels", {}).values():
                values |= set(counts or ())
    return sorted(values, key=int)


def _all_like_ct(cases: Sequence[ListedManifest]) -> bool:
    lowest = [
        min((n for slab in c.manifest.slabs if (n := slab.statistics.get("min")) is not None), default=0.0)
        for c in cases
    ]
    return bool(lowest) and all(n <= _LOOKS_LIKE_CT for n in lowest)
