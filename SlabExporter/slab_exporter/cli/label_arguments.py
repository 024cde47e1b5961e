"""Arguments about label maps, channels and frames; imports nothing but the standard library."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..core.options import LABEL_AFFINES, OVERLAPPING, LabelOptions
from .usage.given import given_text

if TYPE_CHECKING:
    from .arguments import Arguments


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` that say how label maps are taken."""
    group = parser.add_argument_group("label maps (those on the image's voxels are taken in whatever order and extent)")
    group.add_argument(
        "--label-affine", choices=LABEL_AFFINES, default="file",
        help="image: a label map of the image's shape that does not lie on it has lost its geometry, and gets the "
        "image's, voxel for voxel (default file: where its own file says)",
    )  # fmt: skip
    group.add_argument(
        "--label-tolerance", type=float, metavar="VOXELS",
        help="how far a label map may lie off the image's voxels to be taken for one on them (default 0.01)",
    )  # fmt: skip
    group.add_argument(
        "--overlapping", choices=OVERLAPPING, default="layers",
        help="segments that share voxels: layers, a label set for each layer of segments that do not overlap "
        "(default); last, one set in which the later segment wins",
    )  # fmt: skip


def label_options(options: argparse.Namespace) -> LabelOptions:
    """Return how label maps are taken.

    Raises:
        RequestError: a value makes no sense.
    """
    return LabelOptions(options.label_affine, options.label_tolerance, options.overlapping)


def add_channel_options(parser: Arguments) -> None:
    """Option of ``export`` that makes several images one case."""
    parser.add_argument(
        "--channels", action="append", default=[], type=given_text, metavar="auto|4d|NAME=PATTERN",
        help="images of one patient on one grid are one case, cut by the same boxes: auto knows the names of nnU-Net "
        "(_0000) and BraTS (_t1, -flair), 4d takes the volumes of each 4D file, NAME=PATTERN (once per channel) is "
        "the end of a path such as t1={case}_t1.nii.gz or t1=*/t1.nii.gz",
    )  # fmt: skip


def add_frame_options(parser: Arguments) -> None:
    """Options of ``export`` about files and series of several volumes."""
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4D file or series, from 0")
    parser.add_argument(
        "--frames", type=given_text, metavar="all|A:B|A,B,...",
        help="write several volumes of a 4D file or series together, in 4D pieces (DICOM: a series for each): all, a "
        "half-open range such as 0:40, or a list",
    )  # fmt: skip
