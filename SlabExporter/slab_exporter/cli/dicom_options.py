"""Options of the command line about DICOM; imports nothing but the standard library."""

from __future__ import annotations

import argparse
import uuid
from pathlib import Path

from ..core.dicom_options import DicomOptions, SeriesOptions
from ..core.errors import RequestError


def add_dicom_input_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``export`` about what is accepted of a series."""
    group = parser.add_argument_group("DICOM series that are not regular volumes (refused otherwise)")
    group.add_argument(
        "--allow-uneven", type=float, metavar="MM", help="accept slices that lie up to this far from an even grid"
    )
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
    group.add_argument("--patient-name", metavar="TEXT", help="default: the source's, or the case's name")
    group.add_argument("--patient-id", metavar="TEXT", help="default: the source's, or the case's name")
    group.add_argument("--study-description", metavar="TEXT", help="default: the source's, or the file's name")
    group.add_argument("--segments", metavar="FILE.csv", help="names and colours of label values, for DICOM SEG")
    group.add_argument(
        "--quantize", action="store_true", help="round values that 16 bits cannot hold; the largest error is stated"
    )
    group.add_argument("--new-uids", action="store_true", help="other identifiers than last time for the same input")
    group.add_argument(
        "--deidentify", action="store_true", help="leave identifying attributes out (PS3.15 E.1 basic profile)"
    )


def series_options(options: argparse.Namespace) -> SeriesOptions:
    """What the command line accepts of a series.

    Raises:
        RequestError: a value that makes no sense.
    """
    return SeriesOptions(options.allow_uneven, options.resample)


def dicom_options(options: argparse.Namespace) -> DicomOptions:
    """What the command line wants DICOM slabs to say.

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
        uid_salt=uuid.uuid4().hex if options.new_uids else "",
        segments=options.segments,
    )
