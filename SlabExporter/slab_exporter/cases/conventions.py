"""Which label map belongs to which image, and which files are label maps at all, by their names.

Paths are judged by their text alone; nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.naming import volume_stem

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
