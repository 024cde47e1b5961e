"""``slab-exporter inspect``: the preflight report, for one volume or a whole data set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.text import command_words
from .arguments import (
    INPUT_HELP,
    Subparsers,
    add_outside_option,
    add_table_options,
    command_parser,
)
from .asked import print_download, print_warning
from .export import code_for
from .terminal import print_json, typed
from .usage.given import given_input, given_text

if TYPE_CHECKING:
    from ..cases.find import Case
    from ..inspection.inspect import Inspection

# What the table on a terminal shows; the file has all columns.
_SHOWN = ("case", "size", "spacing_mm", "orientation", "oblique_degrees", "voxels", "findings")
_LONGEST_FINDINGS = 110


def show_data_set(reports: Sequence[Inspection], sort: str | None, csv_path: Path | None, as_json: bool) -> None:
    """Print the table of a data set, and write it if asked to.

    Args:
        reports: one per case.
        sort: column to order by; None for unusual cases first.
        csv_path: file for all columns.
        as_json: print the findings as one JSON object instead.

    Raises:
        RequestError: there is no such column.
        OutputError: the file cannot be written.
    """
    from ..inspection.table import data_set_findings, ordered, table_row
    from ..report.summary import write_table

    findings = data_set_findings(reports)
    rows = ordered([table_row(report, findings[report.case]) for report in reports], sort)
    if csv_path is not None:
        write_table(csv_path, list(rows[0]), [list(row.values()) for row in rows])
    odd = {case: found for case, found in findings.items() if found}
    if as_json:
        print_json({"event": "data-set", "cases": len(reports), "odd": odd})
        return
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print("\n".join([*_table(rows), "", f"{len(odd)} of {len(reports)} cases are unusual."]))
    for case, found in odd.items():
        print("\n".join(f"{case}: {typed(text)}" for text in found))


def _table(rows: list[dict[str, object]]) -> list[str]:
    cells = [_SHOWN, *(tuple(_short(str(row[name])) for name in _SHOWN) for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(_SHOWN))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_FINDINGS else f"{text[:_LONGEST_FINDINGS]}..."


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "inspect", "show a volume file's geometry, and what is unusual about it", run)
    parser.add_argument("inputs", nargs="+", type=given_input, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        type=given_text,
        metavar="[NAME=]PATH",
        help="label maps, to compare their grids",
    )
    add_outside_option(parser)
    add_table_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter inspect``; returns the exit code."""
    from ..cases.find import find_cases
    from ..files.network.downloads import Downloads

    with Downloads(print_download) as files:
        return _run(options, find_cases(options.inputs, options.labels, warn=print_warning, files=files))


def _run(options: argparse.Namespace, cases: list[Case]) -> int:
    from ..inspection.inspect import inspect_cases
    from ..inspection.table import refuse_table_file

    if options.csv is not None:
        refuse_table_file(options.csv, [path for path in options.inputs if isinstance(path, Path)], cases)
    reports = []
    for report in inspect_cases(cases, options.allow_outside_data):
        reports.append(report)
        if options.json:
            print_json({"event": "inspected", **report.to_json()})
        elif len(cases) == 1:
            print(report.to_text(command_words))
        elif sys.stderr.isatty():
            print(f"\r{len(reports)} of {len(cases)} inspected", end="", file=sys.stderr, flush=True)
    if len(cases) > 1 or options.csv is not None:
        show_data_set(reports, options.sort, options.csv, options.json)
    return code_for(sum(report.error is not None for report in reports), len(cases))
