"""Which label map belongs to which image, and which files are label maps at all, by their names.

Paths are judged by their text alone; nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.naming import volume_stem
from .case_folders import IMAGE_STEMS, LABEL_FOLDERS, CaseFolders, lies_as_expected, nearest, same_part

SAME_NAME = "same name"
LITS = "LiTS (volume-N / segmentation-N)"
NNUNET = "nnU-Net (name_0000 / name)"
SUFFIX = "suffix (name / name_seg)"
CASE_FOLDER = "case folders (case/image, case/segmentation)"
PATTERN = "pattern"
LISTED = "list"
GIVEN = "given"

# File names that say what a file is, not whose: the case is named by the folder.
LABEL_STEMS = ("segmentation", "seg", "labels", "label", "mask", "aggregated_seg")
LABEL_SUFFIXES = tuple(f"{mark}{word}" for word in LABEL_STEMS[:5] for mark in "_-.") + ("_gt", "-gt")

_LITS_IMAGE = re.compile(r"volume([-_]?)(\d+)", re.IGNORECASE)
_LITS_LABEL = re.compile(r"segmentation([-_]?)(\d+)", re.IGNORECASE)
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def channel_base(path: Path) -> str | None:
    """The case of an nnU-Net channel: "liver_3" for liver_3_0000.nii.gz; None for other names."""
    match = _CHANNEL.fullmatch(volume_stem(path))
    return match.group(1) if match else None


def named_path(path: Path) -> Path:
    """The path to name one of several cases by: its folder, where the file's own name says only what it is."""
    if volume_stem(path).casefold() in IMAGE_STEMS and path.parent.name:
        return path.parent.with_name(path.parent.name + path.name[len(volume_stem(path)) :])
    return path


def split_labels(files: Iterable[Path], root: Path) -> tuple[list[Path], list[Path]]:
    """(images, label maps) among the files found below ``root``, each in the order given."""
    files = list(files)
    stems_in: dict[Path, set[str]] = {}
    for file in files:
        stems_in.setdefault(file.parent, set()).add(volume_stem(file).casefold())
    images: list[Path] = []
    labels: list[Path] = []
    for file in files:
        (labels if _is_label(file, root, stems_in[file.parent]) else images).append(file)
    return images, labels


def _is_label(file: Path, root: Path, siblings: set[str]) -> bool:
    stem = volume_stem(file).casefold()
    below = file.relative_to(root).parts[:-1]
    if any(part.casefold() in LABEL_FOLDERS for part in below):
        return True
    lits = _LITS_LABEL.fullmatch(stem)
    if lits and f"volume{lits.group(1)}{lits.group(2)}" in siblings:
        return True
    if stem in LABEL_STEMS:
        return any(other not in LABEL_STEMS for other in siblings)
    base = next((stem[: -len(s)] for s in LABEL_SUFFIXES if stem.endswith(s)), None)
    if base is None:
        return False
    by_folder = base == file.parent.name.casefold() and len(siblings) > 1
    return base in siblings or by_folder or any(_is_channel_of(other, base) for other in siblings)


def _is_channel_of(stem: str, base: str) -> bool:
    match = _CHANNEL.fullmatch(stem)
    return match is not None and match.group(1) == base


class LabelIndex:
    """Label maps that can be asked for by the image they belong to."""

    def __init__(self, files: Iterable[Path], images: Iterable[Path] = (), given: bool = False) -> None:
        """Index label maps.

        Args:
            files: the label maps.
            images: all that will be asked for.
            given: the user says that these maps belong to the images, wherever they lie.
        """
        self._given = given
        self._folders = CaseFolders(images)
        self._by_stem: dict[str, list[Path]] = {}
        self._by_folder: dict[str, list[Path]] = {}
        for file in files:
            self._by_stem.setdefault(volume_stem(file).casefold(), []).append(file)
            if volume_stem(file).casefold() in LABEL_STEMS:
                self._by_folder.setdefault(file.parent.name.casefold(), []).append(file)

    def find(self, image: Path, places: tuple[Path, ...] = ()) -> tuple[str, list[Path]]:
        """(convention, label maps) for an image; one map if all is well, none or several if not.

        Args:
            image: path whose names are looked up.
            places: folders in which the image may be thought to lie, if not in its own.
        """
        for convention, candidates in self._candidates(image):
            for place in places or (image.parent,):
                found = nearest(place, [file for file in candidates if self._may_belong(place, file)])
                if found:
                    return convention, found
        return "", []

    def _may_belong(self, place: Path, file: Path) -> bool:
        return same_part(place, file.parent) and (self._given or lies_as_expected(place, file.parent))

    def _candidates(self, image: Path) -> Iterator[tuple[str, list[Path]]]:
        stem = volume_stem(image).casefold()
        # In a folder of many cases its name says nothing about one of them.
        folder = image.parent.name.casefold() if self._folders.holds_one_case(image.parent) else ""
        if stem not in IMAGE_STEMS:
            yield SAME_NAME, self._stem(stem)
        lits = _LITS_IMAGE.fullmatch(stem)
        if lits:
            yield LITS, self._stem(f"segmentation{lits.group(1)}{lits.group(2)}")
        base = channel_base(image)
        if base is not None:
            yield NNUNET, self._stem(base.casefold())
        for name in (stem, folder, (base or "").casefold()):
            for suffix in LABEL_SUFFIXES if name else ():
                yield SUFFIX, self._stem(name + suffix)
        for name in filter(None, (folder, stem)):
            yield CASE_FOLDER, self._by_folder.get(name, [])
            yield CASE_FOLDER, self._stem(name)

    def _stem(self, stem: str) -> list[Path]:
        return self._by_stem.get(stem, [])
