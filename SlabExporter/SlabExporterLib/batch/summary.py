"""The files about a whole data set, written together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..pure.datalist import ListedManifest
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
    write_errors_table(out, errors)
    write_slabs_table(out, listed)
    write_data_list(out, listed)
    write_report(out, listed, errors, problems)
