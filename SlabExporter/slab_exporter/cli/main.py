"""The command line. Answers ``--help`` without importing numpy or Slicer's libraries."""

from __future__ import annotations

import argparse
import importlib
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import SlabExporterError
from ..core.options import AXES, BLENDS, COMPRESSIONS, FORMATS, NIFTI_TRANSFORMS, REMAINDERS
from .arguments import INPUT_HELP, add_batch_options, add_table_options, given_path, given_text
from .dicom_options import add_dicom_input_options, add_dicom_output_options
from .output_streams import accept_any_character, drop_output

_NEGATIVE_WITH_EXPONENT = re.compile(r"-(\d+\.?\d*|\.\d+)[eE][+-]?\d+")

DONE, SOME_FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as after the program's name; ``sys.argv[1:]`` if None.

    Returns:
        0 all done; 1 some cases failed, the others are complete; 2 wrong usage or nothing usable
        in the input; 130 interrupted.
    """
    try:
        options = build_parser().parse_args(_numbers_apart(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as end:
        return int(end.code or 0)
    previous = _interrupt_on_terminate()
    try:
        accept_any_character()
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except SlabExporterError as error:
        if options.debug:
            raise
        print(f"slab-exporter: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("slab-exporter: interrupted; complete cases stay, go on with --resume.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the work has been stopped.
        drop_output()
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        # The library turns errors of files into its own: a name is missing where printing failed.
        if isinstance(error, OSError) and error.filename is None:
            drop_output()
            print(f"slab-exporter: the output cannot be printed: {error.strerror or error}.", file=sys.stderr)
            return SOME_FAILED
        reason = f"{type(error).__name__}: {str(error).strip() or 'no reason given'}"
        print(
            f"slab-exporter: something unexpected happened ({reason}); add --debug to see where, and please report it.",
            file=sys.stderr,
        )
        return UNUSABLE
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _numbers_apart(arguments: Sequence[str]) -> list[str]:
    """Arguments in which argparse takes -1e-05 for a number, as it does -1, and not for an option.

    A space in front is enough; ``float`` does not mind it.
    """
    return [f" {text}" if _NEGATIVE_WITH_EXPONENT.fullmatch(text) else text for text in arguments]


def _interrupt_on_terminate() -> Any:
    """Treat a termination signal (a cluster's time limit) like Ctrl-C, so that it cleans up."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not on the main thread
        return None


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="slab-exporter",
        description="Cut medical volumes into slabs with the geometry right, and prove it.",
        epilog="Exit codes: 0 all done; 1 some cases failed, the others are complete; 2 wrong usage or nothing "
        "usable in the input; 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"SlabExporter {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_export(commands)
    _add_verify(commands)
    _add_inspect(commands)
    _add_stitch(commands)
    _add_compare(commands)
    _add_where(commands)
    _add_flirt(commands)
    _add_demo(commands)
    return parser


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=_late(name))
    parser.add_argument("--json", action="store_true", help="print one JSON object per event on standard output")
    parser.add_argument("--debug", action="store_true", help="show a traceback instead of one sentence")
    return parser


def _late(name: str, module: str = "export") -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        found = importlib.import_module(f".{module}", __package__)
        function: Callable[[argparse.Namespace], int] = getattr(found, f"run_{name}")
        return function(options)

    return run


def _add_export(commands: Any) -> None:
    parser = _command(commands, "export", "cut volumes into slabs, one folder per case")
    parser.add_argument("inputs", nargs="+", type=given_path, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument("-o", "--output", required=True, type=given_path, metavar="OUT", help="output folder")
    _add_slab_options(parser)
    parser.add_argument(
        "--labels", action="append", default=[], type=given_text, metavar="[NAME=]PATH",
        help="label map, folder of label maps matched by name, or pattern with {case}; may be given several times",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, default="nii.gz", help="file format of the slabs (default nii.gz)")
    parser.add_argument(
        "--compression", choices=COMPRESSIONS, default="fast", help="of .nii.gz and .nrrd (default fast)"
    )
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D file or series, from 0")
    parser.add_argument(
        "--nifti-transform", choices=NIFTI_TRANSFORMS, help="which to believe where a NIfTI's sform and qform differ"
    )
    add_dicom_input_options(parser)
    add_dicom_output_options(parser)
    add_batch_options(parser)
    parser.add_argument("--no-verify", action="store_true", help="do not read the slabs back and compare them")
    parser.add_argument("--resume", action="store_true", help="go on with an earlier export; complete cases stay")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier export left in OUT")
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def _add_slab_options(parser: argparse.ArgumentParser) -> None:
    thickness = parser.add_mutually_exclusive_group()
    thickness.add_argument("--thickness", type=int, default=64, metavar="N", help="slices in a slab (default 64)")
    thickness.add_argument("--thickness-mm", type=float, metavar="MM", help="thickness in mm, rounded to whole slices")
    parser.add_argument(
        "--axis", choices=AXES, default="axial",
        help="cut along the index axis nearest to S (axial, the default), A (coronal), R (sagittal), or i, j, k",
    )  # fmt: skip
    parser.add_argument("--overlap", type=int, default=0, metavar="N", help="slices shared by neighbouring slabs")
    parser.add_argument(
        "--remainder", choices=REMAINDERS, default="keep",
        help="a last slab that is not full: keep it short (default), pad it, shift it back, drop it, "
        "or balance all slabs to equal parts",
    )  # fmt: skip
    parser.add_argument(
        "--fill", type=_fill, default=None, metavar="auto|VALUE",
        help="value of padded voxels (default auto: air for CT-like volumes, otherwise 0; labels get 0)",
    )  # fmt: skip
    parser.add_argument("--within", metavar="FILE.mrk.json", help="cut only inside this ROI")


def _fill(text: str) -> float | None:
    return None if text == "auto" else float(text)


def _add_verify(commands: Any) -> None:
    parser = _command(commands, "verify", "read every slab of an export again and compare it with its source")
    parser.add_argument("output", type=Path, metavar="OUT", help="output folder of an export, or one case's folder")
    parser.add_argument("--quiet", action="store_true", help="print differences only")


def _add_inspect(commands: Any) -> None:
    parser = _command(commands, "inspect", "say what a volume file's geometry is, and what is odd about it")
    parser.add_argument("inputs", nargs="+", type=given_path, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        type=given_text,
        metavar="[NAME=]PATH",
        help="label maps, to compare their grids",
    )
    add_table_options(parser)


def _add_demo(commands: Any) -> None:
    parser = _command(commands, "demo", "make a phantom torso with a label map and export both")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("slab-exporter-demo"), metavar="OUT",
        help="folder to make (default slab-exporter-demo)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo")
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def _way_back(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser = _command(commands, name, summary)
    parser.set_defaults(run=_late(name, "stitch"))
    return parser


def _add_stitch(commands: Any) -> None:
    parser = _way_back(commands, "stitch", "put slabs, or predictions made from them, back into one volume")
    parser.add_argument(
        "manifest", type=Path, metavar="MANIFEST", help="a case's manifest.json or folder; or the folder of an export"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FILE",
        help="file to write (.nii.gz, .nii, .nrrd); for the folder of an export a folder, one file a case",
    )  # fmt: skip
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--predictions", type=Path, metavar="DIR", help="take the files in DIR that are named like the slabs"
    )
    source.add_argument("--labels", metavar="NAME", help="stitch the label maps of this set instead of the images")
    parser.add_argument(
        "--blend", choices=BLENDS,
        help="overlapping slices: the first slab's value, the mean, a mean weighted by a Gaussian about each slab's "
        "middle, the most frequent, or the largest value (default: vote for predictions of whole numbers, mean for "
        "others, first for the export's own slabs)",
    )  # fmt: skip
    parser.add_argument(
        "--fill", type=_fill, default=None, metavar="auto|VALUE",
        help="value of slices that no slab holds (default auto: air for CT-like images, otherwise 0)",
    )  # fmt: skip
    parser.add_argument(
        "--trust-names", action="store_true", help="accept predictions that have lost their geometry, by name and shape"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def _add_transform_options(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--nifti-transform", choices=NIFTI_TRANSFORMS,
        help=f"which to believe where the sform and qform of {name} differ",
    )  # fmt: skip
    parser.add_argument("--reference-nifti-transform", choices=NIFTI_TRANSFORMS, help="the same for the reference")


def _add_compare(commands: Any) -> None:
    parser = _way_back(commands, "compare", "say how one volume's voxels and geometry relate to another's")
    parser.epilog = (
        "Exit codes: 0 OTHER's voxels lie where REFERENCE has them, or have been put there with --fix; "
        "1 they do not, or it cannot be told; 2 a file cannot be used."
    )
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="the volume that is believed")
    parser.add_argument("other", type=Path, metavar="OTHER", help="the volume in question")
    parser.add_argument(
        "--fix", type=Path, metavar="FILE", help="write OTHER with the geometry that puts it where REFERENCE is"
    )
    parser.add_argument(
        "--flip", action="store_true",
        help="with --fix, for a mirrored OTHER: reverse its voxels along the left-right axis",
    )  # fmt: skip
    parser.add_argument("--reference-frame", type=int, metavar="N", help="which volume of a 4D REFERENCE, from 0")
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D OTHER, from 0")
    _add_transform_options(parser, "OTHER")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE where it exists")


def _add_where(commands: Any) -> None:
    parser = _way_back(commands, "where", "give one point in all coordinate systems, and the slabs that hold it")
    parser.add_argument("file", type=Path, metavar="FILE", help="a volume, or the folder of an exported case")
    frames = parser.add_mutually_exclusive_group(required=True)
    for name, text in (
        ("ijk", "voxel index in the file's order, from 0"),
        ("ras", "mm, as in NIfTI and Slicer"),
        ("lps", "mm, as in DICOM and ITK"),
    ):
        frames.add_argument(f"--{name}", nargs=3, type=float, metavar=("X", "Y", "Z"), help=text)
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D file, from 0 (default 0)")
    parser.add_argument(
        "--flirt", type=Path, metavar="MATRIX", help="also give the point in --reference, through this registration"
    )
    parser.add_argument("--reference", type=Path, metavar="FILE", help="the image that FILE was registered to")
    _add_transform_options(parser, "FILE")


def _add_flirt(commands: Any) -> None:
    parser = _way_back(commands, "flirt", "convert registrations between FSL FLIRT and Slicer (ITK)")
    parser.add_argument("matrix", type=Path, metavar="MATRIX", help="FLIRT's matrix, or an ITK transform (.tfm)")
    parser.add_argument("--moving", required=True, type=Path, metavar="FILE", help="image that was registered (-in)")
    parser.add_argument(
        "--reference", required=True, type=Path, metavar="FILE", help="image it was registered to (-ref)"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT",
        help=".tfm for Slicer and ITK, .mat for FLIRT, .txt for the 4 x 4 matrix in RAS mm",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="kind", choices=("flirt", "itk", "ras"),
        help="what MATRIX is (default: ITK's by its first line, otherwise FLIRT's)",
    )  # fmt: skip
    _add_transform_options(parser, "the moving image")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT where it exists")
