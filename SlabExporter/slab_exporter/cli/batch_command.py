"""The part of ``export`` that is about many cases: which, where they run, what is shown."""

from __future__ import annotations

import argparse
import sys

from ..cases.find import Case, find_cases, grouped, match_summary
from ..core.errors import RequestError
from ..core.options import ExportRequest
from ..export.from_files import RunOptions
from ..export.survey import survey_case
from ..report.splits import parse_split
from .display import BatchLines
from .terminal import JsonLines, Lines, display


def cases_of(options: argparse.Namespace) -> list[Case]:
    """The cases that the command line asks for.

    Raises:
        RequestError: options that do not go together.
        InputError: nothing usable.
    """
    cases = find_cases(options.inputs, options.labels, options.output, options.deidentify, print_warning)
    return cases if options.group_by is None else grouped(cases, options.group_by)


def print_warning(text: str) -> None:
    """Print a sentence about the inputs as a whole."""
    print(f"slab-exporter: warning: {text}", file=sys.stderr, flush=True)


def run_options(options: argparse.Namespace) -> RunOptions:
    """How the command line wants the export to be run.

    Raises:
        RequestError: a value that makes no sense, or options that do not go together.
    """
    if options.dask is not None and options.jobs is not None:
        raise RequestError("--jobs counts processes here; with --dask the cluster decides. Leave one of them out.")
    if options.shard is not None and options.dask is not None:
        raise RequestError("--shard and --dask are two ways to use many machines; leave one of them out.")
    return RunOptions(
        jobs=options.jobs,
        dask=options.dask,
        shard=options.shard,
        split=None if options.split is None else parse_split(options.split),
        seed=options.seed,
        debug=options.debug,
    )


def display_for(
    options: argparse.Namespace, cases: list[Case], request: ExportRequest, run: RunOptions
) -> JsonLines | Lines | BatchLines:
    """What shows the progress; for many cases it first says what matched what."""
    if options.json or len(cases) < 2:
        return display(options.json, options.quiet)
    if not options.quiet:
        print("; ".join(match_summary(cases)), file=sys.stderr, flush=True)
    mine = cases if run.shard is None else cases[run.shard[0] - 1 :: run.shard[1]]
    return BatchLines({case.name: survey_case(case, request).slices for case in mine}, options.quiet)
