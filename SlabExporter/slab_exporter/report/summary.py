"""The files about a whole data set, written together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .dataset import ListedManifest
from .report import write_report
from .tables import write_data_list, write_errors_table, write_slabs_table


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
    sources = [(case.manifest.case, case.manifest.source["path"]) for case in listed]
    folders = {str((out / case / path).resolve().parent) for case, path in sources if path is not None}
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        common = ""
    return Path(common).name or "slabs"
