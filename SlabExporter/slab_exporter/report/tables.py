"""The files of a whole export: slabs.csv, errors.csv and dataset.json."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from ..core.manifest import SlabRecord
from ..core.naming import DATA_LIST, ERRORS_TABLE, SLABS_TABLE
from ..export.output_folder import write_file
from .dataset import ListedManifest, data_list, to_text

_COLUMNS = (
    ["case", "slab", "image", "labels"]
    + [f"{end}_{index}" for end in ("start", "stop") for index in "ijk"]
    + ["spacing_i_mm", "spacing_j_mm", "spacing_k_mm", "verified", "min", "max", "mean", "label_voxels"]
    + ["part", "group"]
)


def write_slabs_table(out: Path, cases: Sequence[ListedManifest]) -> None:
    """slabs.csv: one row a slab, with the columns of the list of cases behind ours.

    Raises:
        OutputError: it could not be written.
    """
    extra = list(dict.fromkeys(name for case in cases for name in case.columns))
    header = [*_COLUMNS, *(f"list_{name}" if name in _COLUMNS else name for name in extra)]
    rows = [
        [*_slab_row(case, slab), *(case.columns.get(name, "") for name in extra)]
        for case in cases
        for slab in case.manifest.slabs
    ]
    write_table(out / SLABS_TABLE, header, rows)


def write_errors_table(out: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """errors.csv: case, image and sentence of each case that failed; no file where none has.

    Raises:
        OutputError: it could not be written.
    """
    if rows:
        write_table(out / ERRORS_TABLE, ["case", "image", "error"], [list(row) for row in rows])


def write_data_list(out: Path, name: str, cases: Sequence[ListedManifest]) -> None:
    """dataset.json.

    Raises:
        OutputError: it could not be written.
    """
    write_file(out / DATA_LIST, to_text(data_list(name, cases)))


def _slab_row(case: ListedManifest, slab: SlabRecord) -> list[object]:
    manifest = case.manifest
    counts: dict[str, int] = {}
    for values in slab.statistics.get("labels", {}).values():
        counts |= values or {}
    return [
        manifest.case,
        slab.index,
        f"{manifest.case}/{slab.image}",
        ";".join(f"{manifest.case}/{path}" for path in slab.labels.values()),
        *slab.box.start,
        *slab.box.stop,
        *(f"{n:.6g}" for n in slab.geometry.spacing),
        slab.verified,
        *(slab.statistics.get(name) for name in ("min", "max", "mean")),
        sum(counts.values()) if slab.labels else None,
        case.part,
        case.group,
    ]


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a .csv file in which no text is a formula to a spreadsheet.

    Raises:
        OutputError: it could not be written.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_no_formula(value) for value in row] for row in (header, *rows))
    write_file(path, text.getvalue())


def _no_formula(value: object) -> object:
    if not (isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
