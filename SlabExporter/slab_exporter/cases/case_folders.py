"""What folders say: whether one is a single case's, and whether a label map lies where an image's would.

Paths are judged by their text alone; nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..core.naming import volume_stem

# Folders whose files are label maps, when they are found below a folder that is searched.
LABEL_FOLDERS = frozenset(
    {"labelstr", "labelsts", "labelsva", "labels", "label"}
    | {"segmentations", "segmentation", "masks", "mask", "segs", "seg"}
)
# File names that say what a file is, not whose: the case is named by the folder.
IMAGE_STEMS = frozenset({"imaging", "image", "img", "ct", "mr", "volume", "scan", "data"})
# Words that tell the images of one patient apart.
_MODALITIES = IMAGE_STEMS | frozenset(
    {"t1", "t1w", "t1n", "t1c", "t1ce", "t1gd", "t2", "t2w", "t2f", "flair", "pd", "dwi", "adc", "swi", "bold", "asl"}
    | {"pet", "pt", "suv", "spect", "cbct", "cta", "mri", "mra", "us"}
)

_PART = re.compile(r"(?:images|labels)(tr|ts|va)")


class CaseFolders:
    """Which folders hold the images of a single case."""

    def __init__(self, images: Iterable[Path]) -> None:
        self._stems: dict[Path, set[str]] = {}
        for image in images:
            self._stems.setdefault(image.parent, set()).add(volume_stem(image).casefold())

    def holds_one_case(self, folder: Path) -> bool:
        """Whether the images in a folder are one, or are told apart by modality: ct, mr; P1_t1, P1_t2."""
        stems = self._stems.get(folder, set())
        return len(stems) < 2 or all(_tells_modality(stem, folder.name.casefold()) for stem in stems)

    def is_case(self, folder: Path) -> bool:
        """Whether a folder holds several images of a single case."""
        return len(self._stems.get(folder, ())) > 1 and self.holds_one_case(folder)


def _tells_modality(stem: str, folder: str) -> bool:
    rest = stem.removeprefix(folder)
    words = re.split(r"[^a-z0-9]+", rest)
    own = words[0] in _MODALITIES or (stem.startswith(folder) and not rest[:1].isalnum())
    return own and any(word in _MODALITIES for word in words)


def without_modality(stem: str) -> str:
    """The patient's part of a name that ends in a modality: "sub-01" of sub-01_T1w; "" for other names."""
    match = re.fullmatch(r"(.+?)[-_. ]+([A-Za-z0-9]+)", stem)
    return match.group(1) if match and match.group(2).casefold() in _MODALITIES else ""


def same_part(image_folder: Path, label_folder: Path) -> bool:
    """False where one is of nnU-Net's training folders, and the other of its test folders."""
    parts = [
        {match.group(1) for part in folder.parts if (match := _PART.fullmatch(part.casefold()))}
        for folder in (image_folder, label_folder)
    ]
    return not all(parts) or bool(parts[0] & parts[1])


def lies_as_expected(image_folder: Path, label_folder: Path) -> bool:
    """Whether a label map lies beside the image, or in a label folder whose tree is parallel to the images'.

    A label folder serves everything below the folder that holds it; folders within it are those of the images.
    """
    image, label = as_label_parts(image_folder), as_label_parts(label_folder)
    if image_folder == label_folder:
        return True
    for depth, name in enumerate(label_folder.parts):
        above, within = label[:depth], label[depth + 1 :]
        below = image[depth:]
        if name.casefold() in LABEL_FOLDERS and image[:depth] == above and below[len(below) - len(within) :] == within:
            return True
    return False


def nearest(image_folder: Path, found: list[Path]) -> list[Path]:
    """Of several label maps those that share the longest path with the image."""
    if len(found) < 2:
        return found
    image_parts = as_label_parts(image_folder)
    shared = [_shared(image_parts, as_label_parts(file.parent)) for file in found]
    return [file for file, count in zip(found, shared, strict=True) if count == max(shared)]


def folders_in_common(image_folder: Path, label_folder: Path) -> int:
    """How many folders two trees have in common, counted from the files upwards."""
    return _shared(as_label_parts(image_folder)[::-1], as_label_parts(label_folder)[::-1])


def as_label_parts(folder: Path) -> list[str]:
    """Folder names, with nnU-Net's imagesTr and labelsTr taken as the same."""
    return [_PART.sub(r"\1", part.casefold()) for part in folder.parts]


def _shared(a: list[str], b: list[str]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count
