"""``slab-exporter verify``: read an export again and compare it with its sources."""

from __future__ import annotations

import argparse
from itertools import chain

from ..core.text import counted
from .arguments import (
    DONE,
    SOME_FAILED,
    Subparsers,
    add_quiet_option,
    command_parser,
)
from .terminal import print_json, typed
from .usage.given import given_path


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(
        commands, "verify", "read every slab of an export again and compare it with its source", run
    )
    parser.add_argument("output", type=given_path, metavar="OUT", help="folder of an export, or of one of its cases")
    add_quiet_option(parser, "print differences only")


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter verify``; returns the exit code."""
    from ..export.nnunet import verify_nnunet
    from ..pipeline.verification import verify_export

    differences = 0
    checked = 0
    for report in chain(verify_export(options.output), verify_nnunet(options.output)):
        checked += report.files
        differences += len(report.differences)
        if options.json:
            print_json({"event": "case-verified", **report.to_json()})
            continue
        for text in report.differences:
            print(f"{report.case}: DIFFERENT: {typed(text)}")
        if not report.differences and not options.quiet:
            told = "as the source has it" if report.unchecked is None else f"as they were written; {report.unchecked}"
            print(f"{report.case}: {counted(report.files, 'file')} {told}")
    if not options.json and not options.quiet:
        print(f"{counted(checked, 'file')} checked, {counted(differences, 'difference')}")
    return SOME_FAILED if differences else DONE
