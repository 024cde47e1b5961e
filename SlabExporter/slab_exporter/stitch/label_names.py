"""Names and colours of stitched labels: from the export's manifest, or from the dataset.json beside predictions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import SlabExporterError, reading
from ..core.manifest import Manifest
from ..core.naming import DATA_LIST
from ..core.records import SourceRecord
from ..core.segments.layers import Member

_BACKGROUND = "background"


def label_names(
    manifest: Manifest, values: Sequence[int], label_set: str | None = None, predictions: Path | None = None
) -> tuple[Member, ...]:
    """Return name and colour of each label of a stitched label map; "Label 7" where nothing is known of it.

    Names of predictions are those in the dataset.json in their folder, as nnU-Net and MONAI write it; where there is
    none, or for another value, those of the export's first label set that names all values.

    Args:
        manifest: of the case.
        values: of the labels, apart from the background's 0.
        label_set: that was stitched; None for predictions.
        predictions: their folder.
    """
    stated = {} if predictions is None else _stated_names(predictions)
    record = manifest.label_sources.get(label_set) if label_set is not None else _naming(manifest, values)
    known = {} if record is None else dict(record.segments)
    colours = {} if record is None else dict(record.colours)
    names = {value: stated.get(value) or known.get(value) or f"Label {value}" for value in values}
    # a colour is that of the segment, not of the number
    return tuple(
        Member(name, value, colours.get(value) if name == known.get(value) else None) for value, name in names.items()
    )


def channel_names(channels: int, predictions: Path | None) -> tuple[str, ...]:
    """Return a name for each number per voxel of predictions: that of its label, or "channel 0" and so on.

    Args:
        channels: how many numbers per voxel there are.
        predictions: their folder.
    """
    labels = {} if predictions is None else _labels_in(predictions / DATA_LIST)
    classes = [labels.get(number) for number in range(channels)]
    if len(labels) == channels and all(classes):
        return tuple(map(str, classes))
    regions = [labels.get(number) for number in range(1, channels + 1)]  # one mask each, and none of the background
    if len(labels) == channels + 1 and labels.get(0) == _BACKGROUND and all(regions):
        return tuple(map(str, regions))
    return tuple(f"channel {number}" for number in range(channels))


def _naming(manifest: Manifest, values: Collection[int]) -> SourceRecord | None:
    """Return the first label set that has a name for every value, "labels" before others."""
    for _, record in sorted(manifest.label_sources.items(), key=lambda item: (item[0] != "labels", item[0])):
        if record.segments and {*values} <= {value for value, _ in record.segments}:
            return record
    return None


def _stated_names(folder: Path) -> dict[int, str]:
    """Return the names in a dataset.json by the values of the source, into which ``numbering`` leads predictions."""
    document = _document(folder / DATA_LIST)
    record = document.get("slab_exporter")
    renumbered = record.get("source_values") if isinstance(record, Mapping) else None
    source = renumbered if isinstance(renumbered, Mapping) else {}
    found = {}
    for number, name in _labels(document).items():
        value = source.get(str(number), number)
        if number != 0 and isinstance(value, int):
            found[value] = name
    return found


def _labels_in(path: Path) -> dict[int, str]:
    return _labels(_document(path))


def _labels(document: Mapping[str, Any]) -> dict[int, str]:
    """Return names by number, whichever way round they stand: nnU-Net 2 has {name: number}, MONAI {number: name}."""
    stated = document.get("labels")
    found = {}
    for one, other in stated.items() if isinstance(stated, Mapping) else ():
        name, number = (one, other) if isinstance(other, int) else (other, one)
        if isinstance(name, str) and name.strip() and str(number).isdecimal():
            found[int(number)] = name.strip()
    return found


def _document(path: Path) -> Mapping[str, Any]:
    """Return what a file holds; nothing where it is missing or damaged: names are a convenience."""
    if not path.is_file():
        return {}
    try:
        with reading(path):
            document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (SlabExporterError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) else {}
