"""Matching of label maps to images by names and places, and which files are label maps at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..core.naming import comparable, volume_stem
from .bids import may_belong, read_bids, subject_of, top_of
from .conventions import (
    BIDS,
    CASE_FOLDER,
    IMAGE_STEMS,
    LITS,
    NNUNET,
    SAME_NAME,
    SUFFIX,
    WORDS,
    channel_base,
    drawn_on,
    lies_on_grid,
    reference_among,
)
from .places import (
    CaseFolders,
    absolute,
    is_label_folder,
    lies_as_expected,
    may_be_label_folder,
    nearest,
    same_part,
)
from .words import read_name, without_label_words

# File names that say that a file is a label map, not whose.
LABEL_STEMS = ("segmentation", "seg", "labels", "label", "mask", "aggregated_seg")
# Label maps of parts of a case lie in such a folder below it (KiTS23).
_PIECES = "instances"
_LITS_IMAGE = re.compile(r"volume([-_]?)(\d+)", re.IGNORECASE)


def split_labels(files: Iterable[Path], root: Path) -> tuple[list[Path], list[Path]]:
    """(images, label maps) among the files found below ``root``, each in the order given."""
    files = list(files)
    sorter = _Sorter(files, root)
    images: list[Path] = []
    labels: list[Path] = []
    for file in files:
        (labels if sorter.is_label(file) else images).append(file)
    return images, labels


class _Sorter:
    """Tells label maps from images by what lies beside them."""

    def __init__(self, files: list[Path], root: Path) -> None:
        self._root = root
        others = [file for file in files if not says_label(file) and not self._any_folder(file, is_label_folder)]
        self._folders = CaseFolders(others)
        outside = [file for file in others if not self._any_folder(file, may_be_label_folder)]
        self._identities = {read_name(volume_stem(file)).identity for file in outside} - {()}
        self._subjects = {name.subject for file in others if (name := read_bids(volume_stem(file)))}

    def is_label(self, file: Path) -> bool:
        """Return whether its folder or its name says so, and an image is there that it could belong to."""
        pieces = file.parent.name.casefold() == _PIECES and bool(self._folders.stems_in(file.parent.parent))
        if pieces or self._any_folder(file, is_label_folder):
            return True
        bids = read_bids(volume_stem(file))
        if bids is not None and bids.is_label:
            return bids.subject in self._subjects
        identity = read_name(volume_stem(file)).identity
        if self._any_folder(file, may_be_label_folder) and identity in self._identities:
            return True
        return says_label(file) and self._answers(file, identity)

    def _answers(self, file: Path, identity: tuple[str, ...]) -> bool:
        """Return whether a label map has an image of its name beside it, or is that of the folder's images."""
        siblings = self._folders.identities_in(file.parent)
        own = ((), read_name(file.parent.name).identity)
        of_folder = identity in own or self._folders.holds_one_case(file.parent)
        return bool(siblings) and (of_folder or identity in siblings)

    def _any_folder(self, file: Path, judge: Callable[[str], bool]) -> bool:
        return any(map(judge, file.relative_to(self._root).parts[:-1]))


def says_label(file: Path) -> bool:
    """Return whether a file's name says that it is a label map."""
    bids = read_bids(volume_stem(file))
    return read_name(volume_stem(file)).is_label if bids is None else bids.is_label


class LabelIndex:
    """Label maps that can be asked for by the image they belong to."""

    def __init__(self, files: Iterable[Path], images: Iterable[Path] = (), given: bool = False) -> None:
        """Index label maps.

        Args:
            files: the label maps.
            images: all that will be asked for.
            given: the user says that these maps belong to the images, wherever they lie.
        """
        images = list(images)
        self._given = given
        self._folders = CaseFolders(images)
        self._subjects: dict[str, list[Path]] = {}
        for image in images:
            self._subjects.setdefault(subject_of(image), []).append(image)
        self._by_stem: dict[str, list[Path]] = {}
        self._by_base: dict[str, list[Path]] = {}
        self._by_identity: dict[tuple[str, ...], list[Path]] = {}
        self._by_folder: dict[str, list[Path]] = {}
        self._by_subject: dict[str, list[Path]] = {}
        for file in files:
            self._add(file)

    def _add(self, file: Path) -> None:
        stem = comparable(volume_stem(file))
        self._by_stem.setdefault(stem, []).append(file)
        bids = read_bids(volume_stem(file))
        if bids is not None and bids.is_label:
            self._by_subject.setdefault(bids.subject, []).append(file)
            return
        name = read_name(stem)
        if without_label_words(stem) != stem:
            self._by_base.setdefault(without_label_words(stem), []).append(file)
        if name.identity:
            self._by_identity.setdefault(name.identity, []).append(file)
        of_folder = not name.identity or name.identity not in self._folders.identities_in(file.parent)
        if stem in LABEL_STEMS or (name.is_label and of_folder):
            self._by_folder.setdefault(comparable(file.parent.name), []).append(file)

    def find(self, image: Path, places: tuple[Path, ...] = ()) -> tuple[str, list[Path]]:
        """(convention, label maps) for an image; one map if all is well, none or several if not.

        Args:
            image: path whose names are looked up.
            places: folders in which the image may be thought to lie, if not in its own.
        """
        for convention, candidates in self._candidates(image):
            for place in places or (image.parent,):
                found = nearest(place, [file for file in candidates if self._may_belong(place, file)])
                found = reference_among(image, list(dict.fromkeys(found)))
                if found:
                    return convention, found if lies_on_grid(image) else []
        return self._find_bids(image)

    def _find_bids(self, image: Path) -> tuple[str, list[Path]]:
        """Label maps of the same subject with the same entities, where no other image could be meant."""
        subject = subject_of(image)
        found = [file for file in self._by_subject.get(subject, []) if self._is_meant(image, file)] if subject else []
        return BIDS, nearest(image.parent, found)

    def _is_meant(self, image: Path, label: Path) -> bool:
        """Return whether a BIDS label map belongs to this image, and to no other unless its data set says so."""
        suits = [other for other in self._subjects.get(subject_of(label), []) if self._suits(other, label)]
        meant = [other for other in suits if other.parent == label.parent] or suits
        return image in meant and (len(meant) == 1 or bool(drawn_on(image)))

    def _suits(self, image: Path, label: Path) -> bool:
        same_tree = absolute(top_of(image.parent)) == absolute(top_of(label.parent))
        return (
            may_belong(image, label)
            and lies_on_grid(image)
            and (self._given or same_tree)
            and same_part(image.parent, label.parent)
        )

    def _may_belong(self, place: Path, file: Path) -> bool:
        return same_part(place, file.parent) and (self._given or lies_as_expected(place, file.parent))

    def _candidates(self, image: Path) -> Iterator[tuple[str, list[Path]]]:
        stem = comparable(volume_stem(image))
        # In a folder of many cases its name says nothing about one of them.
        folder = comparable(image.parent.name) if self._folders.holds_one_case(image.parent) else ""
        if stem not in IMAGE_STEMS:
            yield SAME_NAME, self._by_stem.get(stem, [])
        lits = _LITS_IMAGE.fullmatch(stem)
        if lits:
            yield LITS, self._by_stem.get(f"segmentation{lits.group(1)}{lits.group(2)}", [])
        base = channel_base(image)
        if base is not None:
            yield NNUNET, self._by_stem.get(comparable(base), [])
        for name in filter(None, (stem, folder, comparable(base or ""))):
            yield SUFFIX, self._by_base.get(name, [])
        for name in filter(None, (stem, base)):
            yield WORDS, self._but_for_a_word(name)
        for name in filter(None, (folder, stem)):
            yield CASE_FOLDER, [file for file in self._by_folder.get(name, []) if folder or file.parent != image.parent]
            yield CASE_FOLDER, self._by_stem.get(name, [])

    def _but_for_a_word(self, stem: str) -> list[Path]:
        """Label maps with the image's identity that name no kind of image that it is not."""
        name = read_name(comparable(stem))
        found = self._by_identity.get(name.identity, []) if name.identity else []
        return [file for file in found if read_name(comparable(volume_stem(file))).modalities <= name.modalities]
