"""Arguments that commands share; imports nothing but the standard library."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import RequestError
from ..core.options import (
    LAYOUTS,
    NIFTI_TRANSFORMS,
    DicomOptions,
    PrepareOptions,
    SeriesOptions,
    uid_salt,
)
from ..core.options.prepare import INTERPOLATIONS, made_ready
from ..core.pieces.keeping import KEEPS
from ..core.pieces.limiting import CROP_TO
from .usage.examples import examples_text
from .usage.given import given_file, given_path, given_text

DONE, SOME_FAILED, UNUSABLE = 0, 1, 2
PRINTED = "what is printed"

if TYPE_CHECKING:
    # a parser, or a titled group of its options
    Arguments = argparse.ArgumentParser | argparse._ArgumentGroup

INPUT_HELP = (
    "volume files, folders of volumes or DICOM series (searched recursively), glob patterns, .csv or .txt lists, "
    "addresses of files (https://, s3://)"
)


def add_batch_options(parser: Arguments) -> None:
    """Options of ``export`` that say how many cases are run, where, and how the data set is divided."""
    parser.add_argument(
        "--jobs", type=int, metavar="N",
        help="cases to work on side by side, as far as memory allows, each on one processor (default: all processors)",
    )  # fmt: skip
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="work on a Dask cluster: scheduler address, or its scheduler file (.json)"
    )
    parser.add_argument(
        "--shard", type=_shard, metavar="I/N",
        help="only part I of N of the cases, for job arrays; a last run with --resume and without --shard sums up",
    )  # fmt: skip
    parser.add_argument(
        "--split",
        metavar="A,B[,C]",
        help="shares of training, validation and test in dataset.json, such as 0.8,0.1,0.1",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the split (default 0)")
    parser.add_argument(
        "--group-by", metavar="COLUMN", help="column of a list whose cases stay together in a split (a patient)"
    )
    parser.add_argument(
        "--layout", choices=LAYOUTS,
        help="also lay the slabs out for nnU-Net v2: OUT/DatasetNNN_NAME with imagesTr, labelsTr, imagesTs, "
        "dataset.json and splits_final.json",
    )  # fmt: skip
    parser.add_argument("--dataset-id", type=int, metavar="NNN", help="with --layout nnunet: its number, 1 to 999")
    parser.add_argument("--dataset-name", metavar="NAME", help="with --layout nnunet: its name")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what matched what, the slabs and their size, and write nothing"
    )


def add_block_options(parser: Arguments) -> None:
    """Options of ``export`` that ask for blocks instead of slabs."""
    parser.add_argument(
        "--block", type=given_text, metavar="I,J,K",
        help="cut blocks of I x J x K voxels along the file's index axes instead of slabs; 'all' spans a whole axis",
    )  # fmt: skip
    parser.add_argument("--block-mm", type=given_text, metavar="I,J,K", help="the same in mm, rounded to whole voxels")


def add_limit_options(parser: Arguments) -> None:
    """Options of ``export`` that say which part of a volume is cut."""
    parser.add_argument(
        "--within", type=given_file, metavar="FILE.mrk.json",
        help="cut only inside this ROI; a pattern with {case} gives each case its own",
    )  # fmt: skip
    parser.add_argument(
        "--crop-to", choices=CROP_TO,
        help="cut only the box around the case's label maps, or around the body (what is not air)",
    )  # fmt: skip
    parser.add_argument(
        "--margin", type=float, metavar="MM", help="with --crop-to: leave this much around it, in whole voxels"
    )
    parser.add_argument(
        "--crop", action="store_true",
        help="write that box (or the ROI's, or the whole volume) as one piece instead of slabs",
    )  # fmt: skip


def add_prepare_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` that make the volume ready before it is cut."""
    group = parser.add_argument_group("made ready before it is cut (image and label maps alike)")
    group.add_argument(
        "--orient", type=given_text, metavar="CODE",
        help="permute and reverse the index axes so that i, j, k point to these letters, such as RAS or LPS; canonical "
        "is RAS. No value is touched, an oblique volume stays oblique",
    )  # fmt: skip
    group.add_argument(
        "--spacing", type=given_text, metavar="MM[,MM,MM]",
        help="resample to voxels of this size, one number or three along i, j, k (after --orient), 0 for an axis that "
        "stays; images are smoothed where they become coarser, label maps take the nearest voxel's value",
    )  # fmt: skip
    group.add_argument(
        "--like", type=given_file, metavar="REFERENCE",
        help="resample onto the grid of this volume instead; a pattern with {case} gives each case its own",
    )  # fmt: skip
    group.add_argument("--interpolation", choices=INTERPOLATIONS, help="how images are resampled (default linear)")


def prepare_options(options: argparse.Namespace) -> PrepareOptions:
    """Return how volumes are made ready.

    Raises:
        RequestError: a value makes no sense.
    """
    return made_ready(options.orient, options.spacing, options.like, options.interpolation)


def add_keep_options(parser: Arguments) -> None:
    """Options of ``export`` that leave pieces out."""
    parser.add_argument(
        "--keep", choices=KEEPS, default="all",
        help="write only the slabs or blocks that hold labels (labelled), or a part of the body (body: not air); the "
        "others' numbers stay free, and stitch fills their places (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--min-fraction", type=float, metavar="F",
        help="with --keep: the part of a piece's voxels that must be labels, or of the body (default: a single voxel)",
    )  # fmt: skip


def add_table_options(parser: Arguments) -> None:
    """Options of ``inspect`` for its table of many cases."""
    parser.add_argument("--sort", metavar="COLUMN", help="order the table by a column instead of unusual cases first")
    parser.add_argument(
        "--csv", type=given_path, metavar="FILE", help="also write the table to a file, for a spreadsheet"
    )


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N, such as 3/8")
    return int(number), int(count)


Subparsers = Any  # argparse keeps its own class private


def command_parser(
    commands: Subparsers, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Return a new parser of one command, with the options that every command has."""
    description = f"{summary[0].upper()}{summary[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=description, epilog=examples_text(name)
    )
    parser.set_defaults(run=run)
    printed = parser.add_argument_group(PRINTED)
    printed.add_argument("--json", action="store_true", help="print one JSON object per event on standard output")
    printed.add_argument("--debug", action="store_true", help="show a traceback instead of one sentence")
    return parser


def add_quiet_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--quiet`` to what is said of the printing."""
    groups: list[Arguments] = [one for one in parser._action_groups if one.title == PRINTED]
    (*groups, parser)[0].add_argument("--quiet", action="store_true", help=text)


def fill(text: str) -> float | None:
    """Return the value of ``--fill``; None for auto."""
    try:
        return None if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number nor auto") from None


def add_transform_options(parser: Arguments, name: str) -> None:
    """Options that choose between sform and qform, of ``name`` and of the reference."""
    parser.add_argument(
        "--nifti-transform", choices=NIFTI_TRANSFORMS,
        help=f"which to believe where the sform and qform of {name} differ",
    )  # fmt: skip
    parser.add_argument("--reference-nifti-transform", choices=NIFTI_TRANSFORMS, help="the same for the reference")


def add_dicom_input_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` about what is accepted of a series."""
    group = parser.add_argument_group("DICOM series that are not regular volumes (refused otherwise)")
    group.add_argument(
        "--allow-uneven", type=float, metavar="MM", help="accept slices that lie up to this far from an even grid"
    )
    group.add_argument(
        "--allow-damaged", action="store_true",
        help="take the rest of a series of which images are lost or damaged, and say so in the manifest",
    )  # fmt: skip
    group.add_argument(
        "--split-series", action="store_true",
        help="a case for each volume of a series that holds several (times, echoes, kernels, stacks)",
    )  # fmt: skip
    group.add_argument(
        "--resample", action="store_true",
        help="make a regular volume by linear interpolation: tilted gantry, missing or uneven slices",
    )  # fmt: skip


def add_dicom_output_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` about what DICOM slabs say."""
    group = parser.add_argument_group("DICOM slabs (--format dicom)")
    group.add_argument(
        "--modality", metavar="CT|MR|...", help="kind of image (default: the source's, or by its values)"
    )
    group.add_argument("--patient-name", metavar="TEXT", help="PatientName (default: the source's, or the case's name)")
    group.add_argument("--patient-id", metavar="TEXT", help="PatientID (default: the source's, or the case's name)")
    group.add_argument("--study-description", metavar="TEXT", help="default: the source's, or the file's name")
    group.add_argument("--segments", metavar="FILE.csv", help="names and colours of label values, for DICOM SEG")
    group.add_argument(
        "--quantize", action="store_true", help="round values that 16 bits cannot hold; the largest error is stated"
    )
    group.add_argument("--new-uids", action="store_true", help="new identifiers; without, they follow from the input")


def add_identity_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` about whose images they are, for every format."""
    group = parser.add_argument_group("identity (every format)")
    group.add_argument(
        "--deidentify", action="store_true",
        help="call cases case-0001 and so on, and let no file of OUT say whose images they are (DICOM: PS3.15 E.1 "
        "basic profile)",
    )  # fmt: skip
    group.add_argument(
        "--key-file", type=given_path, metavar="FILE.csv",
        help="with --deidentify: write the table of the cases' names and sources to a new file outside of OUT",
    )  # fmt: skip


def add_outside_option(parser: Arguments) -> None:
    """Option of ``export`` and ``inspect`` about headers that name files elsewhere."""
    parser.add_argument(
        "--allow-outside-data", action="store_true",
        help="read files of voxels that a header (.nhdr, .mhd, .hdr) names outside of its own folder; for headers that "
        "you trust",
    )  # fmt: skip


def series_options(options: argparse.Namespace) -> SeriesOptions:
    """Return what the command line accepts of a series.

    Raises:
        RequestError: a value is out of range.
    """
    return SeriesOptions(options.allow_uneven, options.resample, options.allow_damaged)


def dicom_options(options: argparse.Namespace) -> DicomOptions:
    """Return the attributes of DICOM slabs that the command line states.

    Raises:
        RequestError: a text that DICOM cannot hold, a table of segments that is not there.
    """
    if options.segments is not None and not Path(options.segments).is_file():
        raise RequestError(f"The table of segments {options.segments} does not exist.")
    return DicomOptions(
        modality=None if options.modality is None else options.modality.strip(),
        patient_name=options.patient_name,
        patient_id=options.patient_id,
        study_description=options.study_description,
        quantize=options.quantize,
        deidentify=options.deidentify,
        uid_salt=uid_salt(options.new_uids),
        segments=options.segments,
    )
