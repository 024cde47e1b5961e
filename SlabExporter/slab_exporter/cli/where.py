"""``slab-exporter where``: one point in all coordinate systems."""

from __future__ import annotations

import argparse

from ..core.errors import RequestError
from ..core.text import command_words
from .arguments import (
    DONE,
    Subparsers,
    add_transform_options,
    command_parser,
)
from .asked import print_download
from .terminal import print_json
from .usage.given import given_input, given_path


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(
        commands, "where", "give one point in all coordinate systems, and the slabs that hold it", run
    )
    parser.add_argument("file", type=given_input, metavar="FILE", help="a volume, or the folder of an exported case")
    spaces = parser.add_mutually_exclusive_group(required=True)
    for name, text in (
        ("ijk", "voxel index in the file's order, from 0"),
        ("ras", "mm, as in NIfTI and Slicer"),
        ("lps", "mm, as in DICOM and ITK"),
    ):
        spaces.add_argument(f"--{name}", nargs=3, type=float, metavar=("X", "Y", "Z"), help=text)
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D file, from 0 (default 0)")
    parser.add_argument(
        "--flirt",
        type=given_path,
        metavar="MATRIX",
        help="also give the point in --reference, through this registration",
    )
    parser.add_argument("--reference", type=given_input, metavar="FILE", help="the image that FILE was registered to")
    add_transform_options(parser, "FILE")


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter where``; returns the exit code."""
    from ..coordinates.where import find_place, through_registration
    from ..files.network.downloads import Downloads
    from ..volumes.choice import FileChoice

    if (options.flirt is None) != (options.reference is None):
        raise RequestError("--flirt and --reference belong together: the matrix, and the image it leads to.")
    space = next(name for name in ("ijk", "ras", "lps") if getattr(options, name) is not None)
    with Downloads(print_download) as files:
        file = FileChoice(files.local(options.file), options.frame, options.nifti_transform)
        places = [find_place(file, space, tuple(getattr(options, space)))]
        if options.flirt is not None:
            reference = FileChoice(files.local(options.reference), transform=options.reference_nifti_transform)
            places.append(through_registration(places[0], options.flirt, reference))
        place, *_ = places = [files.in_addresses(found, "name", "warnings") for found in places]
    if options.json:
        print_json({"event": "located", **place.to_json()} | ({"reference": places[1].to_json()} if places[1:] else {}))
    else:
        print("\n".join(p.to_text(command_words) for p in places))
    return DONE
