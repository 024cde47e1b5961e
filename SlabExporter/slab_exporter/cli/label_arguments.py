"""Arguments about label maps; imports nothing but the standard library."""

from __future__ import annotations

import argparse

from ..core.options import LABEL_AFFINES, OVERLAPPING, LabelOptions


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
