"""Write dataset.json, the data list of the Medical Segmentation Decathlon that MONAI loads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InputError, RequestError, reading
from ..core.manifest import Manifest, SlabRecord
from ..core.naming import safe_name
from ..core.text import Option

PARTS = ("training", "validation", "test")
# Cases without a label map, where others have one: a loader that asks for label maps must not meet them.
UNLABELLED = "unlabelled"
LISTS = (*PARTS, UNLABELLED)


def parse_split(text: str) -> tuple[float, ...]:
    """Return a split such as "0.8,0.1,0.1" or "80,10,10" as shares that add up to 1.

    Two numbers are training and validation, a third one is test.

    Raises:
        RequestError: not two or three numbers of 0 or more, or all of them 0.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(0 <= n < float("inf") for n in numbers) or sum(numbers) == 0:
        raise RequestError(
            Option("split"),
            f" needs two or three shares such as 0.8,0.1,0.1 (training, validation, test); it is '{text}'.",
        )
    return tuple(n / sum(numbers) for n in numbers)


def split_of(given: str | Sequence[float]) -> tuple[float, ...]:
    """Return a split as it is typed, or as numbers, as shares that add up to 1.

    >>> split_of("80,20"), split_of([0.8, 0.1, 0.1])
    ((0.8, 0.2), (0.8, 0.1, 0.1))

    Raises:
        RequestError: as ``parse_split``.
    """
    return parse_split(given if isinstance(given, str) else ",".join(map(str, given)))


def split_groups(groups: Sequence[str], shares: Sequence[float], seed: int) -> dict[str, str]:
    """Return the part, "training", "validation" or "test", of each group.

    The order in which groups are dealt depends on their names and the seed alone, so that the same
    data set is split the same way on every machine. A part with a share above 0 gets at least one
    group where there are enough.

    Args:
        groups: names; repeats count once.
        shares: of each part, adding up to 1.
        seed: any whole number.
    """
    names = _dealt(groups, seed)
    result: dict[str, str] = {}
    start = 0
    for part, count in zip(PARTS, _counts(len(names), shares), strict=False):
        result |= dict.fromkeys(names[start : start + count], part)
        start += count
    return result


def split_groups_evenly(groups: Sequence[str], count: int, seed: int) -> list[set[str]]:
    """Return up to ``count`` parts of the groups, each with as many, dealt as by ``split_groups``; none for one group.

    >>> [sorted(part) for part in split_groups_evenly(["a", "b", "c", "a"], 5, seed=0)]
    [['c'], ['b'], ['a']]
    """
    names = _dealt(groups, seed)
    return [set(names[n::count]) for n in range(min(count, len(names)))] if len(names) > 1 else []


def _dealt(groups: Sequence[str], seed: int) -> list[str]:
    return sorted(set(groups), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def _counts(total: int, shares: Sequence[float]) -> list[int]:
    """Return the whole numbers nearest to the shares of ``total``, adding up to it (largest remainder)."""
    exact = [share * total for share in shares]
    counts = [int(n) for n in exact]
    by_remainder = sorted(range(len(shares)), key=lambda n: (counts[n] - exact[n], n))
    for n in by_remainder[: total - sum(counts)]:
        counts[n] += 1
    for n, share in enumerate(shares):
        largest = counts.index(max(counts))
        if share > 0 and counts[n] == 0 and counts[largest] > 1:
            counts[n] += 1
            counts[largest] -= 1
    return counts


# Smallest value by which an image is taken for a CT (air in Hounsfield units).
_LOOKS_LIKE_CT = -500


@dataclass(frozen=True)
class ListedManifest:
    """A complete case with what the data set knows about it.

    Attributes:
        manifest: of the case.
        group: cases of one group stay together in a split.
        part: "training", "validation", "test" or "unlabelled".
        columns: passed through from a list of cases.
    """

    manifest: Manifest
    group: str
    part: str = PARTS[0]
    columns: Mapping[str, str] = field(default_factory=dict)


def data_list(name: str, cases: Sequence[ListedManifest]) -> dict[str, Any]:
    """Return the document; paths are relative to the file's folder.

    "image" is a list, in channel order, for cases of several images. "label" is the set called "labels", or the first
    in order of name, the same one for all slabs; further sets follow under their own names. What is known about a slab
    is kept in objects of its own ("slab", "columns"): MONAI takes every other text that happens to be the name of a
    folder for a path.
    """
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in LISTS}
    main = main_label_set(name for case in cases for slab in case.manifest.slabs for name in slab.labels)
    columns = list(dict.fromkeys(column for case in cases for column in case.columns))
    for case in cases:
        parts[case.part] += [_entry(case, slab, main, columns) for slab in case.manifest.slabs]
    named = _names_of_values(cases)
    values = {"0": "background"} | {v: named.get(v, f"label {v}") for v in _label_values(cases)}
    return {
        "name": name,
        "description": "Slabs of whole volumes, cut by SlabExporter; slabs of one group are in one part only.",
        "tensorImageSize": "3D",
        "modality": _modality(cases),
        "labels": values,
        "numTraining": len(parts["training"]),
        "numValidation": len(parts["validation"]),
        "numTest": len(parts["test"]),
        **{part: entries for part, entries in parts.items() if entries or part == PARTS[0]},
    }


def to_text(document: dict[str, Any]) -> str:
    """Return the document as ASCII text (MONAI opens it in the system's encoding), one slab per line."""
    lines = []
    for key, value in document.items():
        if key in LISTS:
            entries = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            text = f"[\n{entries}\n ]" if value else "[]"
        else:
            text = json.dumps(value)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(case: ListedManifest, slab: SlabRecord, main: str | None, columns: Sequence[str]) -> dict[str, Any]:
    manifest = case.manifest
    images = [f"{manifest.case}/{path}" for path in slab.images]
    entry: dict[str, Any] = {"image": images if len(images) > 1 else images[0]}
    for key, name in label_keys(slab.labels, main).items():
        entry[key] = f"{manifest.case}/{slab.labels[name]}"
    entry["slab"] = {"case": manifest.case, "group": case.group, "index": slab.index, "ijk_start": list(slab.box.start)}
    if columns:
        entry["columns"] = {column: case.columns.get(column, "") for column in columns}
    return entry


def main_label_set(names: Iterable[str]) -> str | None:
    """Return the label set that is called "label" in the list: "labels", else the first in order of name.

    >>> main_label_set(["tumour", "liver"]), main_label_set([])
    ('liver', None)
    """
    return min(names, key=lambda name: (name != "labels", name), default=None)


def label_keys(names: Iterable[str], main: str | None) -> dict[str, str]:
    """Return the label set of each key in the data list.

    "label" is the main set of all slabs, which this one may lack; the others have keys with their own names.

    >>> label_keys(["tumour", "liver"], "liver"), label_keys(["tumour"], "liver")
    ({'label': 'liver', 'label_tumour': 'tumour'}, {'label_tumour': 'tumour'})
    """
    ordered = sorted(names, key=lambda name: (name != main, name))
    return {"label" if name == main else f"label_{name}": name for name in ordered}


def read_parts(path: Path) -> dict[str, tuple[str, ...]]:
    """The cases of each part of a dataset.json that an export wrote, in its order.

    Raises:
        InputError: it cannot be read, or is not of an export.
    """
    try:
        with reading(path):
            document = json.loads(path.read_text(encoding="utf-8"))
        entries = {part: document.get(part, []) for part in LISTS}
        parts = {part: tuple(dict.fromkeys(entry["slab"]["case"] for entry in entries[part])) for part in LISTS}
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not the data list of an export: run the export again with ", Option.on("resume"), "."
        ) from error
    for case in (case for cases in parts.values() for case in cases):
        if not isinstance(case, str) or safe_name(case) != case:
            raise InputError(f"{path} has a case called '{case}', which cannot be the name of a folder.")
    return parts


def _modality(cases: Sequence[ListedManifest]) -> dict[str, str]:
    """Names of the channels, where all cases have the same; else what the values look like."""
    names = {case.manifest.channel_names for case in cases}
    if len(names) == 1 and (channels := names.pop()):
        return {str(n): name for n, name in enumerate(channels)}
    return {"0": "CT" if looks_like_ct(cases) else "unknown"}


def _label_values(cases: Sequence[ListedManifest]) -> list[str]:
    """All values but 0 that the label maps hold, in order."""
    values: set[str] = set()
    for case in cases:
        for slab in case.manifest.slabs:
            for counts in slab.statistics.get("labels", {}).values():
                values |= set(counts or ())
    return sorted(values, key=int)


def _names_of_values(cases: Sequence[ListedManifest]) -> dict[str, str]:
    """Return what segments with a value are called; several names where cases or label sets differ."""
    names: dict[str, dict[str, None]] = {}
    for case in cases:
        for source in case.manifest.label_sources.values():
            for value, name in source.segments:
                names.setdefault(str(value), {})[name] = None
    return {value: " or ".join(found) for value, found in names.items()}


def looks_like_ct(cases: Sequence[ListedManifest]) -> bool:
    """Return whether all images hold air in Hounsfield units."""
    lowest = [
        min((n for slab in c.manifest.slabs if (n := slab.statistics.get("min")) is not None), default=0.0)
        for c in cases
    ]
    return bool(lowest) and all(n <= _LOOKS_LIKE_CT for n in lowest)
