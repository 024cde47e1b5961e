"""``slab-exporter compare``: how one volume's voxels and geometry relate to another's."""

from __future__ import annotations

import argparse
import sys

from .arguments import (
    DONE,
    SOME_FAILED,
    Subparsers,
    add_transform_options,
    command_parser,
)
from .asked import print_download
from .terminal import print_json, typed
from .usage.given import given_input, given_path


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "compare", "say how one volume's voxels and geometry relate to another's", run)
    parser.epilog = f"""Exit codes: 0 OTHER's voxels lie where REFERENCE has them, or have been put there with --fix;
1 they do not, or it cannot be decided; 2 a file cannot be used.

{parser.epilog}"""
    parser.add_argument("reference", type=given_input, metavar="REFERENCE", help="the volume that is believed")
    parser.add_argument("other", type=given_input, metavar="OTHER", help="the volume in question")
    parser.add_argument(
        "--fix", type=given_path, metavar="FILE", help="write OTHER with the geometry that puts it where REFERENCE is"
    )
    parser.add_argument(
        "--flip", action="store_true",
        help="with --fix, for a mirrored OTHER: reverse its voxels along the left-right axis",
    )  # fmt: skip
    parser.add_argument("--reference-frame", type=int, metavar="N", help="which volume of a 4D REFERENCE, from 0")
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D OTHER, from 0")
    add_transform_options(parser, "OTHER")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE where it exists")


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter compare``; returns the exit code."""
    from ..compare.files import CompareRequest, compare_files
    from ..compare.words import comparison_json, comparison_lines
    from ..files.network.downloads import Downloads

    with Downloads(print_download) as files:
        request = CompareRequest(
            reference=files.local(options.reference),
            other=files.local(options.other),
            reference_frame=options.reference_frame,
            frame=options.frame,
            reference_transform=options.reference_nifti_transform,
            transform=options.nifti_transform,
            fix=options.fix,
            flip=options.flip,
            overwrite=options.overwrite,
        )
        result = files.in_addresses(compare_files(request), "descriptions", "warnings", "refused")
    found = result.comparison
    if options.json:
        done = {"mended": None if result.fixed is None else str(options.fix), "refused": result.refused}
        print_json({"event": "compared", **comparison_json(found), "warnings": list(result.warnings), **done})
    else:
        print(f"REFERENCE {result.descriptions[0]}")
        print(f"OTHER     {result.descriptions[1]}")
        print("\n".join(comparison_lines(found)))
        for text in result.warnings:
            print(f"note: {typed(text)}")
        if result.fixed is not None:
            print(f"fixed: {result.fixed}")
    if result.refused is not None:
        print(f"slab-exporter: {typed(result.refused)}", file=sys.stderr)
        return SOME_FAILED
    return DONE if found.is_same_place or result.fixed is not None else SOME_FAILED
