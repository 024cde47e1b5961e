"""Conventions of single public data sets that no evidence in their folders would show.

Most data sets need no row: numbers that vary, the roles of folders, names that are equal but for a word and
the entities of BIDS decide (``groups``, ``matching``, ``parts``). ``Testing/cases/test_data_sets.py`` states
for each data set what must come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.naming import volume_stem
from .words import read_name

SAME_NAME = "same name"
LITS = "LiTS (volume-N / segmentation-N)"
NNUNET = "nnU-Net (name_0000 / name)"
SUFFIX = "suffix (name / name_seg)"
WORDS = "name but for a word (img0001 / label0001)"
BIDS = "BIDS (sub-1_ct / sub-1_seg-x_msk)"
CASE_FOLDER = "case folders (case/image, case/segmentation)"
PATTERN = "pattern"
LISTED = "list"
GIVEN = "given"


@dataclass(frozen=True)
class Convention:
    """One row.

    Attributes:
        name: of the data set.
        pattern: what the whole name of a file (without extension) or of a folder looks like; its group
            "patient", if it has one, is the same for all images of a patient, in whatever folder.
        grid: the kinds of images on whose grid the label map lies; empty for all.
        reference: the label map that counts, where a case has several.
        part: "test" where the name says that it is a test image.
    """

    name: str
    pattern: re.Pattern[str]
    grid: frozenset[str] = frozenset()
    reference: str = ""
    part: str = ""


def _row(name: str, pattern: str, grid: str = "", reference: str = "", part: str = "") -> Convention:
    return Convention(name, re.compile(pattern, re.IGNORECASE), frozenset(grid.split()), reference, part)


TABLE = (
    # The test images carry the word in front of their name.
    _row("LiTS", r"test-volume-\d+", part="test"),
    # Three annotators; the challenge was evaluated against their majority.
    _row("KiTS21", r"case_\d{5}", reference="aggregated_maj_seg"),
    # The last number is a time point (2023 and 2024).
    _row("BraTS", r"(?P<patient>BraTS(?:-[A-Z]+)+-\d{4,5})-\d{1,3}(?:[-_].*)?"),
    # CT and MR are of different people, although their numbers are the same.
    _row("MM-WHS", r"(?P<patient>(?:ct|mr)_(?:train|test)_\d{4})(?:_.*)?"),
    # The lesion is drawn on diffusion; FLAIR lies on a grid of its own.
    _row("ISLES22", r"sub-strokecase\d{4}(?:_.*)?", grid="dwi adc"),
    # Contours were drawn on the CT; the PET is coarser.
    _row(
        "HECKTOR",
        r"(?P<patient>(?:CHUM|CHUP|CHUS|CHUV|CHB|CHGJ|CHMR|HGJ|HMR|MDA|USZ)-?\d{3})(?:_.*)?",
        grid="ct",
    ),
    # CTres is the CT on the grid of the PET; CT has its own. Below the patient lies a folder for each study.
    _row("AutoPET", r"(?P<patient>PETCT_[0-9a-f]{10})", grid="suv pet ctres"),
    # AutoPET III and IV: tracer, patient, date of the study, channel.
    _row("AutoPET III", r"(?P<patient>(?:fdg|psma)_[0-9a-f]{8,16})_.+"),
    # A folder for each kind of image; site and a running number behind the person.
    _row("IXI", r"(?P<patient>IXI\d{3})-[A-Z]+-\d{4}(?:-.*)?"),
    # MR1, MR2: sessions of one person.
    _row("OASIS", r"(?P<patient>OAS\d_\d{4})_MR\d(?:_.*)?"),
    _row("ADNI", r"(?:.*_)?(?P<patient>\d{3}_S_\d{4,5})(?:_.*)?"),
)


def _rows_of(path: Path) -> Iterator[tuple[Convention, re.Match[str]]]:
    """The rows that a path matches, by its file's name, then by its folders' from the nearest."""
    for text in (volume_stem(path), *reversed(path.parent.parts)):
        for row in TABLE:
            match = row.pattern.fullmatch(text)
            if match is not None:
                yield row, match


def patient_of(image: Path) -> str:
    """The patient that a data set's names state; "" where no row knows."""
    return next((m["patient"] for row, m in _rows_of(image) if "patient" in row.pattern.groupindex), "")


def part_of(image: Path) -> str:
    """The part of a data set that its names state; "" where no row knows."""
    return next((row.part for row, _ in _rows_of(image) if row.part), "")


def drawn_on(image: Path) -> frozenset[str]:
    """The kinds of images on which an image's data set draws its label maps; empty where no row knows."""
    return next((row.grid for row, _ in _rows_of(image) if row.grid), frozenset())


def lies_on_grid(image: Path) -> bool:
    """Return False where a row says that its data set's label maps lie on the grid of other images."""
    grid, kinds = drawn_on(image), read_name(volume_stem(image)).modalities
    return not grid or not kinds or bool(kinds & grid)


def reference_among(image: Path, found: Sequence[Path]) -> list[Path]:
    """Of several label maps for an image the one that its data set takes for the truth; else all of them."""
    for row, _ in _rows_of(image):
        kept = [file for file in found if row.reference and volume_stem(file).casefold() == row.reference]
        if kept:
            return kept
    return list(found)


_CHANNEL = re.compile(r"(.+)_(\d{4})")


def channel_base(path: Path) -> str | None:
    """The case of an nnU-Net channel: "liver_3" for liver_3_0000.nii.gz; None for other names."""
    match = _CHANNEL.fullmatch(volume_stem(path))
    return match.group(1) if match else None


# File names that say what a file is, not whose: the case is named by the folder.
IMAGE_STEMS = frozenset({"imaging", "image", "img", "ct", "mr", "volume", "scan", "data"})


def named_path(path: Path) -> Path:
    """The path to name one of several cases by: its folder, where the file's own name says only what it is."""
    if volume_stem(path).casefold() in IMAGE_STEMS and path.parent.name:
        return path.parent.with_name(path.parent.name + path.name[len(volume_stem(path)) :])
    return path
