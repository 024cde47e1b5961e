"""``slab-exporter flirt``: registrations between FSL FLIRT and Slicer."""

from __future__ import annotations

import argparse

from .arguments import (
    DONE,
    Subparsers,
    add_transform_options,
    command_parser,
)
from .terminal import print_json, typed
from .usage.given import given_path


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "flirt", "convert registrations between FSL FLIRT and Slicer (ITK)", run)
    parser.add_argument(
        "matrix", type=given_path, metavar="MATRIX", help="FLIRT's matrix, or an ITK transform (.tfm, .txt, .mat, .h5)"
    )
    parser.add_argument("--moving", required=True, type=given_path, metavar="FILE", help="image registered (-in)")
    parser.add_argument(
        "--reference", required=True, type=given_path, metavar="FILE", help="image it was registered to (-ref)"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=given_path, metavar="OUT",
        help=".tfm or .h5 for Slicer and ITK, .mat for FLIRT, .txt for the 4 x 4 matrix in RAS mm",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="kind", choices=("flirt", "itk", "ras"),
        help="what MATRIX is (default: ITK's by how it begins, otherwise FLIRT's)",
    )  # fmt: skip
    add_transform_options(parser, "the moving image")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT where it exists")


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter flirt``; returns the exit code."""
    from ..coordinates.registration import convert, describe_grid
    from ..volumes.choice import FileChoice

    moving = FileChoice(options.moving, transform=options.nifti_transform)
    reference = FileChoice(options.reference, transform=options.reference_nifti_transform)
    found = convert(options.matrix, moving, reference, options.output, options.kind, options.overwrite)
    if options.json:
        print_json({"event": "converted", "output": str(options.output), **found.to_json()})
        return DONE
    print(describe_grid(options.moving.name, found.moving))
    print(describe_grid(options.reference.name, found.reference))
    print("RAS mm of the moving image -> RAS mm of the reference:")
    for row in found.ras:
        print("  " + "  ".join(f"{value:12.6f}" for value in row))
    for text in found.warnings:
        print(f"note: {typed(text)}")
    print(f"written: {options.output}")
    return DONE
