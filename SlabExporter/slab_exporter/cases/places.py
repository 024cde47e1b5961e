"""Roles of folders: images or label maps, training or test; and which of them lie side by side.

Paths are compared as absolute ones, so that it does not matter how a folder was given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ..core.naming import comparable, volume_stem
from .conventions import channel_base
from .words import IMAGE_WORDS, LABEL_WORDS, read_name

# Folders whose files are label maps, when they are found below a folder that is searched.
LABEL_FOLDERS = frozenset(
    {"labelstr", "labelsts", "labelsva", "labels", "label"}
    | {"segmentations", "segmentation", "masks", "mask", "segs", "seg"}
)
# imagesTr, labelsTr2200, ImageTe: role and part in one word.
_ROLE_AND_PART = re.compile(
    r"(images?|imgs?|labels?|masks?)[-_]?(tr|ts|te|va|val|valid|train|test)(?![a-z])(.*)", re.DOTALL
)
_ROLE_WORDS = IMAGE_WORDS | LABEL_WORDS
_PART_WORDS = {
    "training": frozenset({"train", "training", "tr"}),
    "validation": frozenset({"val", "valid", "validation", "va"}),
    "test": frozenset({"test", "testing", "ts", "te"}),
}
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def absolute(path: Path) -> Path:
    """The path from the root, links left as they are."""
    return Path(os.path.abspath(path))


def is_label_folder(name: str) -> bool:
    """Return whether a folder's name says outright that label maps lie in it."""
    match = _ROLE_AND_PART.fullmatch(name.casefold())
    return name.casefold() in LABEL_FOLDERS or (match is not None and match.group(1)[:4] in ("labe", "mask"))


def may_be_label_folder(name: str) -> bool:
    """Return whether a folder's name begins or ends with a word for label maps: seg-lungs-LUNA16, FSL_SEG."""
    found = [word.casefold() for word in _CAMEL.findall(name)]
    return bool(found) and (found[0] in LABEL_WORDS or found[-1] in LABEL_WORDS)


def part_by_role(name: str) -> str:
    """The part that imagesTs and its like state; "" for other names."""
    match = _ROLE_AND_PART.fullmatch(name.casefold())
    return "" if match is None else next(part for part, known in _PART_WORDS.items() if match.group(2) in known)


def part_by_word(name: str) -> str:
    """The one part among a name's words ("Training Batch 1", ct_test); "" for none or several.

    >>> part_by_word("TrainingData_Part1"), part_by_word("train_test"), part_by_word("BraTS20_Validation_001")
    ('training', '', 'validation')
    """
    found = {word.casefold() for word in _CAMEL.findall(name) if len(word) > 2}
    parts = [part for part, known in _PART_WORDS.items() if found & known]
    return parts[0] if len(parts) == 1 else ""


def same_part(image_folder: Path, label_folder: Path) -> bool:
    """Return False where one is of nnU-Net's training folders, and the other of its test folders."""
    parts = [set(map(part_by_role, folder.parts)) - {""} for folder in (image_folder, label_folder)]
    return not all(parts) or bool(parts[0] & parts[1])


def lies_as_expected(image_folder: Path, label_folder: Path) -> bool:
    """Return whether a label map lies beside the image, or in a label folder with a tree parallel to the images'.

    A label folder serves everything below the folder that holds it; folders within it are those of the images.
    """
    image_folder, label_folder = absolute(image_folder), absolute(label_folder)
    if image_folder == label_folder:
        return True
    image, label = without_roles(image_folder), without_roles(label_folder)
    for depth, name in enumerate(label_folder.parts):
        above, within = label[:depth], label[depth + 1 :]
        below = image[depth:]
        beside = image_folder.parts[depth : depth + 1] != (name,)
        serves = beside and (is_label_folder(name) or may_be_label_folder(name))
        if serves and image[:depth] == above and below[len(below) - len(within) :] == within:
            return True
    return False


def nearest(image_folder: Path, found: list[Path]) -> list[Path]:
    """Of several label maps those that share the longest path with the image."""
    if len(found) < 2:
        return found
    image_parts = without_roles(absolute(image_folder))
    shared = [_shared(image_parts, without_roles(absolute(file.parent))) for file in found]
    return [file for file, count in zip(found, shared, strict=True) if count == max(shared)]


def folders_in_common(image_folder: Path, label_folder: Path) -> int:
    """Count the folders that two trees have in common, from the files upwards."""
    return _shared(without_roles(absolute(image_folder))[::-1], without_roles(absolute(label_folder))[::-1])


@cache
def without_roles(folder: Path) -> list[str]:
    """Return the names of folders without the words for images and label maps: imagesTr and labelsTr are the same."""
    return [_without_role(part) for part in folder.parts]


def _without_role(name: str) -> str:
    match = _ROLE_AND_PART.fullmatch(name.casefold())
    if match is not None:
        return match.group(2) + match.group(3)
    found = [word.casefold() for word in _CAMEL.findall(name)]
    kept = [word for word in found if word not in _ROLE_WORDS]
    return name.casefold() if len(kept) == len(found) else "".join(kept)


def _shared(a: list[str], b: list[str]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


class CaseFolders:
    """The folders of the images, and whether each holds a single case."""

    def __init__(self, images: Iterable[Path]) -> None:
        """Take note of the images."""
        self._stems: dict[Path, set[str]] = {}
        self._identities: dict[Path, set[tuple[str, ...]]] = {}
        self._one: dict[Path, bool] = {}
        for image in images:
            self._stems.setdefault(absolute(image.parent), set()).add(comparable(volume_stem(image)))

    def __iter__(self) -> Iterator[Path]:
        """The folders, as absolute paths."""
        return iter(self._stems)

    def stems_in(self, folder: Path) -> set[str]:
        """Names of the images in a folder, without extension, in lower case."""
        return self._stems.get(absolute(folder), set())

    def identities_in(self, folder: Path) -> set[tuple[str, ...]]:
        """Identities of the images in a folder; of a channel, that of its case too."""
        if folder not in self._identities:
            stems = self.stems_in(folder)
            bases = [base for stem in stems if (base := channel_base(Path(f"{stem}.nii")))]
            self._identities[folder] = {read_name(stem).identity for stem in (*stems, *bases)}
        return self._identities[folder]

    def holds_one_case(self, folder: Path) -> bool:
        """Return whether the images in a folder are one, or differ in their kind only: ct, mr; P1_t1, P1_t2."""
        if folder not in self._one:
            stems = self.stems_in(folder)
            own = ((), read_name(folder.name).identity)
            self._one[folder] = len(stems) < 2 or all(read_name(stem).identity in own for stem in stems)
        return self._one[folder]

    def is_case(self, folder: Path) -> bool:
        """Return whether a folder holds several images of a single case."""
        return len(self.stems_in(folder)) > 1 and self.holds_one_case(folder)
