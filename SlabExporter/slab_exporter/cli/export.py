"""``slab-exporter export``: cut volumes into slabs."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from ..core.errors import InputError
from ..core.naming import piece_noun
from ..core.options import AXES, COMPRESSIONS, FORMATS, NIFTI_TRANSFORMS, REMAINDER_WORDS, REMAINDERS
from ..core.text import counted
from .arguments import (
    DONE,
    INPUT_HELP,
    SOME_FAILED,
    UNUSABLE,
    Subparsers,
    add_batch_options,
    add_block_options,
    add_dicom_input_options,
    add_dicom_output_options,
    add_identity_options,
    add_keep_options,
    add_limit_options,
    add_outside_option,
    add_prepare_options,
    add_quiet_option,
    command_parser,
    fill,
)
from .asked import cases_of, completed, print_download, request_of, run_options
from .label_arguments import add_channel_options, add_frame_options, add_label_options
from .terminal import BatchLines, JsonLines, Lines, display, print_json, typed
from .usage.given import given_input, given_path, given_text

if TYPE_CHECKING:
    from ..cases.find import Case
    from ..core.options import ExportRequest
    from ..export.from_files import ExportResult, RunOptions
    from .arguments import Arguments


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter export``; returns the exit code."""
    from ..export.key_file import require_deidentify
    from ..files.network.downloads import Downloads

    options = completed(options, add_arguments)
    request = request_of(options)
    run = run_options(options)
    require_deidentify(run.key_file, request)
    with Downloads(None if options.quiet else print_download) as files:
        return _run(options, cases_of(options, request, run.data_set, files), request, run)


def _run(options: argparse.Namespace, cases: list[Case], request: ExportRequest, run: RunOptions) -> int:
    from ..export.from_files import export_cases
    from ..export.nnunet import require_layout
    from ..pipeline.limiting import require_sound
    from .dry_run import dry_run

    require_sound(cases, request)
    require_layout(cases, request, run.data_set)
    if options.dry_run:
        return code_for(dry_run(cases, options.output, request, options.json, run), len(cases))
    shown = display_for(options, cases, request, run)
    started = time.monotonic()
    try:
        result = export_cases(cases, options.output, request, shown, options.resume, options.overwrite, run)
    finally:
        shown.close()
    summarise(options, result, time.monotonic() - started)
    return exit_code(result)


def exit_code(result: ExportResult) -> int:
    """0 all done, 1 some failed, 2 if no input could be used at all."""
    if not result.failures and not result.problems:
        return DONE
    nothing_usable = (
        result.failures and not result.manifests and all(isinstance(f.error, InputError) for f in result.failures)
    )
    return UNUSABLE if nothing_usable else SOME_FAILED


def summarise(options: argparse.Namespace, result: ExportResult, seconds: float) -> None:
    """Print what came of a run, and what went wrong beside the cases."""
    slabs = [slab for manifest in result.manifests for slab in manifest.slabs]
    kind = piece_noun(manifest.plan.kind for manifest in result.manifests)
    verified = sum(slab.verified for slab in slabs)
    for problem in result.problems:
        print(f"slab-exporter: {typed(problem)}", file=sys.stderr)
    if options.json:
        print_json(
            {
                "event": "finished",
                "cases": len(result.manifests),
                "failed": len(result.failures),
                "problems": list(result.problems),
                "slabs": len(slabs),
                "verified": verified,
                "output": str(options.output),
            }
        )
    elif not options.quiet:
        listed = "" if getattr(options, "shard", None) else " (see errors.csv)"  # a shard writes no tables
        failed = f", {len(result.failures)} failed{listed}" if result.failures else ""
        print(
            f"{counted(len(result.manifests), 'case')}, {counted(len(slabs), kind)}, {verified} verified{failed}: "
            f"{options.output} ({seconds:.1f} s)"
        )


def code_for(unusable: int, cases: int) -> int:
    """Return the exit code where so many of the cases cannot be used."""
    if unusable == cases:
        return UNUSABLE
    return SOME_FAILED if unusable else DONE


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "export", "cut volumes into slabs, one folder per case", run)
    parser.usage = "slab-exporter export INPUT [INPUT ...] -o OUT [options]"
    add_arguments(parser)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add inputs and options."""
    parser.add_argument("inputs", nargs="+", type=given_input, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument("-o", "--output", required=True, type=given_path, metavar="OUT", help="output folder")
    parser.add_argument(
        "--labels", action="append", default=[], type=given_text, metavar="[NAME=]PATH",
        help="label map, .seg.nrrd, DICOM SEG or RTSTRUCT, folder of them or of one mask per structure, or pattern "
        "with {case}; may be given several times",
    )  # fmt: skip
    add_channel_options(parser)
    _add_run_options(parser)
    _add_slab_options(parser.add_argument_group("how it is cut"))
    add_block_options(parser.add_argument_group("blocks instead of slabs"))
    add_limit_options(parser.add_argument_group("which part of the volume"))
    add_keep_options(parser.add_argument_group("which slabs or blocks are written"))
    add_prepare_options(parser)
    add_label_options(parser)
    _add_file_options(parser.add_argument_group("files"))
    add_dicom_input_options(parser)
    add_dicom_output_options(parser)
    add_identity_options(parser)
    add_batch_options(parser.add_argument_group("many cases"))


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--options", type=given_path, metavar="FILE",
        help="take the options of an earlier export again: its options.json, or a case's manifest.json; options given "
        "here win",
    )  # fmt: skip
    parser.add_argument("--no-verify", action="store_true", help="do not read the slabs back and compare them")
    parser.add_argument("--resume", action="store_true", help="go on with an earlier export; complete cases stay")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier export left in OUT")
    add_quiet_option(parser, "print warnings and errors only")


def _add_file_options(parser: Arguments) -> None:
    parser.add_argument("--format", choices=FORMATS, default="nii.gz", help="file format of the slabs (default nii.gz)")
    parser.add_argument(
        "--compression",
        choices=COMPRESSIONS,
        default="fast",
        help="of .nii.gz and .nrrd (default fast; small is slower)",
    )
    add_frame_options(parser)
    parser.add_argument(
        "--nifti-transform", choices=NIFTI_TRANSFORMS, help="which to believe where a NIfTI's sform and qform differ"
    )
    add_outside_option(parser)


def _add_slab_options(parser: Arguments) -> None:
    thickness = parser.add_mutually_exclusive_group()
    thickness.add_argument("--thickness", type=int, metavar="N", help="slices per slab (default 64)")
    thickness.add_argument("--thickness-mm", type=float, metavar="MM", help="thickness in mm, rounded to whole slices")
    thickness.add_argument(
        "--cut-at", type=given_text, metavar="N[,N...]",
        help="slabs that are not equally thick: indices of slices, along the axis that is cut, at which slabs begin",
    )  # fmt: skip
    parser.add_argument(
        "--axis", choices=AXES,
        help="cut along the index axis nearest to S (axial, the default), A (coronal), R (sagittal), or i, j, k",
    )  # fmt: skip
    parser.add_argument(
        "--overlap", type=given_text, default="0", metavar="N[,N,N]",
        help="slices shared by neighbouring slabs; for blocks voxels, along each axis that is cut or along i, j, k",
    )  # fmt: skip
    parser.add_argument(
        "--remainder", choices=REMAINDERS, default="keep",
        help="a last slab (of blocks: along each axis) that is not full (default keep): "
        + "; ".join(f"{word}: {meaning}" for word, meaning in REMAINDER_WORDS.items()),
    )  # fmt: skip
    parser.add_argument(
        "--fill", type=fill, default=None, metavar="auto|VALUE",
        help="value of padded voxels (default auto: air for CT-like volumes, otherwise 0; labels get 0)",
    )  # fmt: skip


def display_for(
    options: argparse.Namespace, cases: list[Case], request: ExportRequest, run: RunOptions
) -> JsonLines | Lines | BatchLines:
    """Return the display of the progress; for many cases first print what matched what."""
    from ..cases.find import match_summary
    from ..export.survey import survey_case

    if options.json or len(cases) < 2:
        return display(options.json, options.quiet)
    if not options.quiet:
        print("; ".join(match_summary(cases)), file=sys.stderr, flush=True)
    mine = cases if run.shard is None else cases[run.shard[0] - 1 :: run.shard[1]]
    return BatchLines({case.name: survey_case(case, request).slices for case in mine}, options.quiet)
