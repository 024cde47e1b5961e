"""``slab-exporter stitch``: slabs, or predictions made from them, back into one volume."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Cancelled, InputError, RequestError, SlabExporterError
from ..core.options import BLENDS, GRIDS
from ..core.text import counted
from .arguments import DONE, SOME_FAILED, UNUSABLE, Subparsers, add_quiet_option, command_parser, fill
from .terminal import display, print_json, typed
from .usage.given import given_path

if TYPE_CHECKING:
    from ..stitch.predictions import Predictions
    from ..stitch.stitching import StitchRequest, StitchResult


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter stitch``; returns the exit code."""
    from ..core.manifest import find_manifests
    from ..stitch.outputs import default_output
    from ..stitch.predictions import Predictions
    from ..stitch.stitching import StitchRequest

    made = (options.grid, options.argmax, options.channel)
    request = StitchRequest(options.blend, options.fill, options.trust_names, options.labels, *made)
    manifests = find_manifests(options.manifest)
    predictions = None if options.predictions is None else Predictions(options.predictions)
    one_case = options.manifest in manifests or options.manifest / "manifest.json" in manifests
    if one_case:
        _stitch_one(options, manifests[0], options.output, request, predictions)
        return DONE
    if options.output.is_file():
        raise RequestError(f"{options.output} is a file; a whole export is stitched into a folder.")
    failures: list[SlabExporterError] = []
    for manifest in manifests:
        try:
            _stitch_one(options, manifest, default_output(manifest, options.output), request, predictions)
        except Cancelled:
            raise
        except SlabExporterError as error:
            failures.append(error)
            _tell_failure(options, manifest, error)
    if not failures:
        return DONE
    nothing = len(failures) == len(manifests) and all(isinstance(error, InputError) for error in failures)
    return UNUSABLE if nothing else SOME_FAILED


def _stitch_one(
    options: argparse.Namespace,
    manifest: Path,
    output: Path,
    request: StitchRequest,
    predictions: Predictions | None,
) -> None:
    from ..stitch.stitching import stitch_case

    shown = display(options.json, options.quiet)
    try:
        result = stitch_case(manifest, output, request, predictions, options.overwrite, shown)
    finally:
        shown.close()
    if options.json:
        print_json({"event": "stitched", **result.to_json()})
        return
    for text in result.warnings:
        print(f"{result.case}: warning: {typed(text)}", file=sys.stderr)
    if result.uncovered:
        print(f"{result.case}: warning: {result.uncovered}; filled with {result.fill:g}.", file=sys.stderr)
    if not options.quiet:
        print(_described(result))


def _described(result: StitchResult) -> str:
    channels = f", {result.channels} channels" if result.channels > 1 else ""
    overlaps = f", overlaps: {result.blend}" if result.overlapping else ""
    left = f", {result.left_out} left out: filled with {result.fill:g}" if result.left_out else ""
    pieces = counted(result.slabs, result.kind)
    return f"{result.case}: {pieces} -> {result.path} ({result.dtype}{channels}{overlaps}{left})"


def _tell_failure(options: argparse.Namespace, manifest: Path, error: SlabExporterError) -> None:
    if options.json:
        print_json({"event": "case-failed", "case": manifest.parent.name, "message": error.sentence})
    else:
        print(f"slab-exporter: {manifest.parent.name}: {typed(error.sentence)}", file=sys.stderr)


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "stitch", "put slabs, or predictions made from them, back into one volume", run)
    parser.add_argument(
        "manifest",
        type=given_path,
        metavar="MANIFEST",
        help="a case's manifest.json or folder; or the folder of an export",
    )
    parser.add_argument(
        "-o", "--output", required=True, type=given_path, metavar="FILE",
        help="file to write (.nii.gz, .nii, .nrrd); for the folder of an export a folder, one file a case",
    )  # fmt: skip
    _add_source_options(parser)
    parser.add_argument(
        "--blend", choices=BLENDS,
        help="overlapping slices: the first slab's value, the mean, a mean weighted by a Gaussian about each slab's "
        "middle, the most frequent, or the largest value (default: vote for predictions of whole numbers, mean for "
        "others, first for the export's own slabs)",
    )  # fmt: skip
    parser.add_argument(
        "--fill", type=fill, default=None, metavar="auto|VALUE",
        help="value of slices that no slab holds (default auto: air for CT-like images, otherwise 0)",
    )  # fmt: skip
    parser.add_argument(
        "--trust-names", action="store_true", help="accept predictions that have lost their geometry, by name and shape"
    )
    parser.add_argument(
        "--grid", choices=GRIDS, default="cut",
        help="of the result: the grid that was cut (default), or the source's, where export oriented or resampled; "
        "whole numbers go back by nearest neighbour, others linearly",
    )  # fmt: skip
    parser.add_argument(
        "--argmax", action="store_true",
        help="of predictions with one number per class write the number of the largest, from 0, on the result's grid",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    add_quiet_option(parser, "print warnings and errors only")


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--predictions",
        type=given_path,
        metavar="DIR",
        help="take the files in DIR that are named like the slabs; a pattern such as DIR/*.npz chooses among them",
    )
    source.add_argument("--labels", metavar="NAME", help="stitch the label maps of this set instead of the images")
    source.add_argument(
        "--channel", metavar="NAME",
        help="of an export with several channels: stitch this one (default: the first), or all of them as one 4D file",
    )  # fmt: skip
