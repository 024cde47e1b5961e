"""Write the files about a whole data set."""

from __future__ import annotations

import base64
import csv
import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from urllib.parse import quote

from ..core.errors import InputError
from ..core.manifest import Manifest, SlabRecord
from ..core.naming import DATA_LIST, ERRORS_TABLE, REPORT, SLABS_TABLE
from ..core.text import as_stored, lengths, sizes
from ..files.disk import write_file, written_part
from .dataset import ListedManifest, data_list, to_text
from .html import CaseCard, page
from .outliers import CaseFacts, find_outliers
from .pictures import preview_paths


def summary_texts(
    out: Path,
    listed: Sequence[ListedManifest],
    errors: Sequence[tuple[str, str, str]] = (),
    problems: Sequence[str] = (),
    aside: Mapping[str, Path] | None = None,
) -> dict[Path, str | None]:
    """Return the content of slabs.csv, dataset.json, report.html and errors.csv; None for a file that is not there.

    Args:
        out: folder of the data set.
        listed: the complete cases.
        errors: (case, path, sentence) of each case that failed.
        problems: sentences about the run as a whole.
        aside: folders of cases that do not lie in ``out`` yet, by name.
    """
    name = data_set_name(out, listed)
    return {
        out / ERRORS_TABLE: errors_table(errors),
        out / SLABS_TABLE: slabs_table(listed) if listed else None,
        out / DATA_LIST: to_text(data_list(name, listed)) if listed else None,
        out / REPORT: report_page(out, name, listed, errors, problems, aside or {}) if listed else None,
    }


def data_set_name(out: Path, listed: Sequence[ListedManifest]) -> str:
    """Return the name of the folder that all sources have in common: it does not depend on where the slabs are put."""
    sources = [(case.manifest.case, case.manifest.source.path) for case in listed]
    folders = {str((out / case / path).resolve().parent) for case, path in sources if path is not None}
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        common = ""
    return Path(common).name or "slabs"


# Cases whose pictures one page holds; browsers do not open one of 2,000, of 67 MB.
MOST_EMBEDDED = 50

RESOURCES = Path(__file__).parents[1] / "Resources"


def report_page(
    out: Path,
    name: str,
    cases: Sequence[ListedManifest],
    errors: Sequence[tuple[str, str, str]],
    problems: Sequence[str],
    aside: Mapping[str, Path],
) -> str:
    """Return report.html of an export.

    Args:
        out: the output folder, with the cases' folders.
        name: of the data set.
        cases: complete ones, in order.
        errors: case, image and sentence of each that failed.
        problems: sentences about the run as a whole.
        aside: folders of cases that do not lie in ``out`` yet, by name.
    """
    outliers = find_outliers([_facts(case.manifest) for case in cases])
    linked = len(cases) > MOST_EMBEDDED
    cards = [
        CaseCard(
            manifest=case.manifest,
            part=case.part,
            warnings=(*_source_warnings(case.manifest), *_sentences(outliers.get(case.manifest.case, []))),
            notes=(*_made_ready(case.manifest), *as_stored(case.manifest.plan.notes)),
            pictures=_pictures(aside.get(case.manifest.case, out / case.manifest.case), case.manifest.case, linked),
        )
        for case in cases
    ]
    style = (RESOURCES / "report.css").read_text(encoding="utf-8")
    script = (RESOURCES / "report.js").read_text(encoding="utf-8")
    return page(name, cards, errors, problems, style, script)


def _made_ready(manifest: Manifest) -> tuple[str, ...]:
    """Return a sentence on what was done to the source before it was cut, where something was."""
    if manifest.prepared is None:
        return ()
    source = manifest.source.geometry
    text = f"Made of {sizes(source.shape_ijk)} voxels of {lengths(source.spacing)} mm, {source.orientation}"
    return (f"{text}: {manifest.prepared.words}.",)


def _facts(manifest: Manifest) -> CaseFacts:
    source = manifest.source
    return CaseFacts(
        manifest.case, source.geometry, str(source.dtype), f"{source.sha256 or source.frame_sha256}/{source.frame}"
    )


def _source_warnings(manifest: Manifest) -> list[str]:
    """Return what is unusual about the files; notes about the plan are no reason to worry."""
    return [text for text in as_stored(manifest.warnings) if text not in as_stored(manifest.plan.notes)]


def _sentences(findings: Sequence[str]) -> list[str]:
    """Return findings as sentences; the identity affine has its warning in the manifest already."""
    return [f"{text[0].upper()}{text[1:]}." for text in findings if text != "identity affine"]


def _pictures(folder: Path, case: str, linked: bool) -> dict[str, str]:
    """Return the addresses of the pictures that exist, by the name of the view.

    Args:
        folder: in which the case lies now.
        case: its name, and that of the folder beside the page in which it will lie.
        linked: the page names the files; otherwise it holds them, as data URLs.
    """
    pictures = {}
    for name, path in preview_paths(folder).items():
        try:
            inner = path.relative_to(folder).as_posix()
            file = written_part(folder, inner)
            if linked:
                if file.is_file():
                    pictures[name] = quote(f"{case}/{inner}")
                continue
            content = file.read_bytes()
            pictures[name] = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
        except (OSError, InputError):
            continue
    return pictures


_COLUMNS = (
    ["case", "slab", "image", "labels"]
    + [f"{end}_{index}" for end in ("start", "stop") for index in "ijk"]
    + ["spacing_i_mm", "spacing_j_mm", "spacing_k_mm", "verified", "min", "max", "mean", "label_voxels"]
    + ["part", "group"]
)


# All images of a slab in channel order; a column only where some case has several.
_CHANNELS = "channels"


def slabs_table(cases: Sequence[ListedManifest]) -> str:
    """Return slabs.csv: one row per slab, followed by the columns of the list of cases."""
    extra = list(dict.fromkeys(name for case in cases for name in case.columns))
    several = any(case.manifest.channels for case in cases)
    known = [*_COLUMNS, *([_CHANNELS] if several else [])]
    header = [*known, *(f"list_{name}" if name in known else name for name in extra)]
    rows = [
        [*_slab_row(case, slab), *_channels(case, slab, several), *(case.columns.get(name, "") for name in extra)]
        for case in cases
        for slab in case.manifest.slabs
    ]
    return table_text(header, rows)


def errors_table(rows: Sequence[tuple[str, str, str]]) -> str | None:
    """Return errors.csv: case, image and sentence of each case that failed; None where none has."""
    return table_text(["case", "image", "error"], [list(row) for row in rows]) if rows else None


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


def _channels(case: ListedManifest, slab: SlabRecord, several: bool) -> list[str]:
    names, images = case.manifest.channel_names, slab.images
    listed = (f"{name}={case.manifest.case}/{path}" for name, path in zip(names, images, strict=False))
    return [";".join(listed)] if several else []


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a .csv file in which no text is a formula to a spreadsheet.

    Raises:
        OutputError: it could not be written.
    """
    write_file(path, table_text(header, rows))


def table_text(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as .csv in which no text is a formula to a spreadsheet."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_no_formula(value) for value in row] for row in (header, *rows))
    return text.getvalue()


def _no_formula(value: object) -> object:
    if not (isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
