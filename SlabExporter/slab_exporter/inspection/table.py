"""``inspect`` over many inputs: one table, unusual cases first, and what is unusual about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..cases.case import Case
from ..core.errors import OutputError, RequestError
from ..core.naming import volume_extension
from ..core.text import Option, Sentence, as_stored, lengths, sizes
from ..files.disk import begins_with
from ..report.outliers import CaseFacts, find_outliers
from .inspect import Inspection

_Row = dict[str, object]
_FIRST_COLUMNS = "case,usable,odd,"


def refuse_table_file(path: Path, inputs: Sequence[Path], cases: Sequence[Case]) -> None:
    """Refuse to write the table over anything but an earlier table.

    Raises:
        OutputError: the path is a folder, an input, a volume, or a file of another kind.
        InputError: the file that is there cannot be read.
    """
    if path.is_dir():
        raise OutputError(Option.to("csv", path), " is a folder; give the name of a file.")
    sources = {source.resolve() for source in (*inputs, *(file for case in cases for file in case.files))}
    if path.resolve() in sources or volume_extension(path) is not None:
        raise OutputError(Option.to("csv", path), " is an input or has the name of a volume; choose another file.")
    if path.exists() and not begins_with(path, _FIRST_COLUMNS):
        raise OutputError(
            Option.to("csv", path), " exists, and is not a table of inspect; choose another file or remove it."
        )


def data_set_findings(reports: Sequence[Inspection]) -> dict[str, list[str]]:
    """Return case -> what is unusual about it: by itself, and against the other cases."""
    outliers = find_outliers(
        [
            CaseFacts(report.case, report.geometry, str(report.facts.get("voxels")), report.content)
            for report in reports
            if report.geometry is not None
        ]
    )
    return {
        report.case: ([Sentence("CANNOT BE EXPORTED: ", report.error)] if report.error else [])
        + outliers.get(report.case, [])
        + list(report.warnings)
        for report in reports
    }


def table_row(report: Inspection, findings: Sequence[str]) -> _Row:
    """Return everything about a case in columns; numbers as numbers."""
    row: _Row = {"case": report.case, "usable": report.error is None, "odd": len(findings)}
    geometry = report.geometry
    names = [f"size_{c}" for c in "ijk"] + [f"spacing_{c}_mm" for c in "ijk"]
    values: list[object] = [""] * 6 if geometry is None else [*geometry.shape_ijk, *map(_rounded, geometry.spacing)]
    row |= dict(zip(names, values, strict=True))
    row["size"] = "" if geometry is None else sizes(geometry.shape_ijk)
    row["spacing_mm"] = "" if geometry is None else lengths(geometry.spacing)
    row["orientation"] = "" if geometry is None else geometry.orientation
    row["handedness"] = report.facts.get("handedness", "")
    row["oblique_degrees"] = "" if geometry is None else round(geometry.obliquity_degrees, 1)
    row["voxels"] = report.facts.get("voxels", "")
    row["transform"] = report.facts.get("transform", "")
    row["sform_qform_mm"] = report.facts.get("sform-qform", {}).get("corner_distance_mm", "")
    row["content_sha256"] = report.content or ""
    row["path"] = str(report.path)
    row["findings"] = "; ".join(as_stored(findings))
    return row


def ordered(rows: list[_Row], sort: str | None) -> list[_Row]:
    """Return the rows sorted by a column, numbers by size; without one the most unusual first, the others as they were.

    Raises:
        RequestError: there is no such column.
    """
    if sort is None:
        return sorted(rows, key=lambda row: (bool(row["usable"]), -int(str(row["odd"]))))
    if sort not in rows[0]:
        raise RequestError(f"There is no column '{sort}' to sort by; there are: {', '.join(rows[0])}.")
    return sorted(rows, key=lambda row: _comparable(row[sort]))


def _comparable(value: object) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, (int, float)) else (1, 0.0, str(value))


def _rounded(value: float) -> float:
    return round(float(value), 6)
