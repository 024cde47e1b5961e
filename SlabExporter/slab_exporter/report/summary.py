"""The files about a whole data set, written together."""

from __future__ import annotations

import base64
import csv
import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from ..core.manifest import Manifest, SlabRecord
from ..core.naming import DATA_LIST, ERRORS_TABLE, REPORT, SLABS_TABLE
from ..core.text import as_stored
from ..files.disk import write_file
from .dataset import ListedManifest, data_list, to_text
from .html import CaseCard, page
from .outliers import CaseFacts, find_outliers
from .pictures import preview_paths


def write_summary(
    out: Path,
    listed: Sequence[ListedManifest],
    errors: Sequence[tuple[str, str, str]] = (),
    problems: Sequence[str] = (),
) -> None:
    """Write slabs.csv, dataset.json, report.html, and errors.csv if a case failed.

    Args:
        out: folder of the data set.
        listed: the complete cases.
        errors: (case, path, sentence) of each case that failed.
        problems: sentences about the run as a whole.

    Raises:
        OutputError: one of them could not be written.
    """
    name = data_set_name(out, listed)
    write_errors_table(out, errors)
    write_slabs_table(out, listed)
    write_data_list(out, name, listed)
    write_report(out, name, listed, errors, problems)


def data_set_name(out: Path, listed: Sequence[ListedManifest]) -> str:
    """The folder that all sources have in common: it does not depend on where the slabs are put."""
    sources = [(case.manifest.case, case.manifest.source.path) for case in listed]
    folders = {str((out / case / path).resolve().parent) for case, path in sources if path is not None}
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        common = ""
    return Path(common).name or "slabs"


RESOURCES = Path(__file__).parents[1] / "Resources"


def write_report(
    out: Path,
    name: str,
    cases: Sequence[ListedManifest],
    errors: Sequence[tuple[str, str, str]],
    problems: Sequence[str],
) -> None:
    """Write report.html for an export.

    Args:
        out: the output folder, with the cases' folders.
        name: of the data set.
        cases: complete ones, in order.
        errors: case, image and sentence of each that failed.
        problems: sentences about the run as a whole.

    Raises:
        OutputError: it could not be written.
    """
    outliers = find_outliers([_facts(case.manifest) for case in cases])
    cards = [
        CaseCard(
            manifest=case.manifest,
            part=case.part,
            warnings=(*_source_warnings(case.manifest), *_sentences(outliers.get(case.manifest.case, []))),
            notes=as_stored(case.manifest.plan.notes),
            pictures=_pictures(out / case.manifest.case),
        )
        for case in cases
    ]
    style = (RESOURCES / "report.css").read_text(encoding="utf-8")
    script = (RESOURCES / "report.js").read_text(encoding="utf-8")
    write_file(out / REPORT, page(name, cards, errors, problems, style, script))


def _facts(manifest: Manifest) -> CaseFacts:
    source = manifest.source
    return CaseFacts(manifest.case, source.geometry, str(source.dtype), f"{source.sha256}/{source.frame}")


def _source_warnings(manifest: Manifest) -> list[str]:
    """What is odd about the files; notes about the plan are no reason to worry."""
    return [text for text in as_stored(manifest.warnings) if text not in as_stored(manifest.plan.notes)]


def _sentences(findings: Sequence[str]) -> list[str]:
    """Findings as sentences; the identity affine has its warning in the manifest already."""
    return [f"{text[0].upper()}{text[1:]}." for text in findings if text != "identity affine"]


def _pictures(folder: Path) -> dict[str, str]:
    """Data addresses of the pictures that are there, by the name of the view."""
    pictures = {}
    for name, path in preview_paths(folder).items():
        try:
            pictures[name] = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
        except OSError:
            continue
    return pictures


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
