"""Label maps for the cases of an export: from a file, a folder, or a pattern; matched by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..core.errors import InputError, RequestError, reading
from ..core.naming import TAKEN_IN_CASE, safe_name
from ..core.text import Option, Sentence
from ..files.disk import missing
from .case import Case, filled_in
from .conventions import GIVEN, PATTERN
from .label_objects import MASKS, is_label_source, is_mask_folder, label_objects, with_objects
from .matching import LabelIndex, split_labels
from .places import folders_in_common
from .search import is_volume, volume_files

LABELS = "labels"
_MOST_NAMED = 3


def label_sets(labels: list[str]) -> dict[str, str]:
    """Name of each label set on the command line -> its path or pattern.

    Raises:
        InputError: a path that is not there.
        RequestError: two sets of one name, or a name that cannot be that of a folder in a case.
    """
    sets: dict[str, str] = {}
    for text in labels:
        name, equals, rest = text.partition("=")
        named = bool(equals) and not Path(text).exists()
        path = rest if named else text
        with reading(f"The label path {path}"):
            if "{" not in path and not Path(path).exists() and not is_label_source(Path(path)):
                raise InputError(missing(Path(path), "The label path "))
        if named and (name.casefold() in TAKEN_IN_CASE or not name.strip(" .") or name.startswith(".")):
            raise RequestError(
                f"A label set cannot be called '{name}', which is not the name of a folder or is taken in each case; ",
                Option.to("labels", f"labels={path}"),
                " would do.",
            )
        key = safe_name(name) if named else LABELS if not sets else f"{LABELS}-{len(sets) + 1}"
        if key in sets:
            raise RequestError(f"Two label sets are called '{key}'; name them apart with NAME=PATH.")
        sets[key] = path
    return sets


def with_labels(cases: list[Case], name: str, path: str) -> list[Case]:
    """The cases with the label maps of a set: a file, a folder, or a pattern; where one is missing, with a problem.

    Raises:
        InputError: a folder without label maps, or a set that fits no image.
        RequestError: a pattern that cannot be filled in, or a label file for several images.
    """
    if "{" in path and not Path(path).exists():
        return _by_pattern(cases, name, path)
    objects = {} if "*" in path else label_objects(Path(path))
    if objects:
        return with_objects(cases, name, Path(path), objects)
    if Path(path).is_dir():
        files = _label_files(Path(path), {case.image.resolve() for case in cases})
        index = LabelIndex(files, map(stand_in, cases), given=True)
        if len(cases) == 1 and len(_found_for(cases[0], index, True)[1]) != 1 and is_mask_folder(Path(path)):
            return [cases[0].labelled(name, Path(path), MASKS)]
        return matched(cases, name, index, Path(path))
    if len(cases) > 1:
        raise RequestError(
            f"The label set '{name}' is one file, {path}, but there are {len(cases)} images; "
            "give a folder of label maps, or a pattern such as 'labels/{case}_seg.nii.gz'."
        )
    return [case.labelled(name, Path(path), GIVEN) for case in cases]


def _label_files(folder: Path, images: set[Path]) -> list[Path]:
    """The label maps in a folder, which may hold images as well."""
    files = volume_files(folder)
    if not files:
        raise InputError(f"The label folder {folder} holds no volume files.")
    files = split_labels(files, folder)[1] or [file for file in files if file.resolve() not in images]
    if not files:
        raise InputError(f"The label folder {folder} holds the images and no label maps.")
    return files


def _by_pattern(cases: list[Case], name: str, pattern: str) -> list[Case]:
    result = []
    for case in cases:
        path = filled_in(pattern, case, "label")
        missing = f"The label map {path} ('{name}', from the pattern) does not exist."
        result.append(
            case.labelled(name, path, PATTERN)
            if is_volume(path) or is_label_source(path)
            else replace(case, problem=case.problem or missing)
        )
    _refuse_sharing(result, name, pattern)
    return _if_any(result, cases, f"The label pattern '{pattern}' fits no file.")


def _refuse_sharing(cases: list[Case], name: str, pattern: str) -> None:
    """Several images may have one label map in common where they lie in one folder, and it is the folder's."""
    seen: dict[Path, Case] = {}
    for case in cases:
        other = None if name not in case.labels else seen.setdefault(case.labels[name], case)
        if (
            other is not None
            and other is not case
            and ("{number}" in pattern or other.image.parent != case.image.parent)
        ):
            raise RequestError(
                f"The label pattern '{pattern}' gives {case.labels[name]} to {other.image} and to {case.image}; "
                "use {case} or {folder} in it, or a list with a column 'label'."
            )


def matched(
    cases: list[Case],
    name: str,
    index: LabelIndex,
    folder: Path | None = None,
    warn: Callable[[str], object] | None = None,
) -> list[Case]:
    """Cases with the label maps that an index finds.

    Args:
        cases: to be labelled; one that has a map of this set already keeps it.
        name: of the label set.
        index: of the label maps.
        folder: in which the user says that they lie: then a case without a map, or with several, has a problem.
        warn: without a folder, called with a sentence where cases have several; they get none.

    Raises:
        InputError: with ``folder``, no map fits any image.
    """
    folders = Counter(case.image for case in cases if case.series is not None)
    shared = {path for path, count in folders.items() if count > 1}
    answers = _nearest_images(cases, [_found_for(case, index, case.image not in shared) for case in cases])
    result = []
    for case, (way, found) in zip(cases, answers, strict=True):
        if name in case.labels and folder is None:
            result.append(case)
        elif len(found) == 1:
            result.append(case.labelled(name, found[0], way))
        elif folder is not None:
            result.append(replace(case, problem=case.problem or _not_one(case, folder, found)))
        else:
            result.append(case)
    if folder is not None:
        return _if_any(
            result, cases, f"The label folder {folder} holds no label map for any of the {len(cases)} images"
        )
    several = [(case, found) for case, (_, found) in zip(result, answers, strict=True) if len(found) > 1]
    if several and warn is not None:
        warn(_several(several))
    return result


def _several(several: list[tuple[Case, list[Path]]]) -> Sentence:
    case, found = several[0]
    images = "1 image gets" if len(several) == 1 else f"{len(several)} images get"
    names = ", ".join(file.name for file in found[:_MOST_NAMED]) + (", ..." if len(found) > _MOST_NAMED else "")
    text = f"{images} no label map because several could be meant (first: {case.name} with {names}); choose with "
    return Sentence(text, Option("labels"), " or in a list.")


def _found_for(case: Case, index: LabelIndex, by_folder: bool) -> tuple[str, list[Path]]:
    """(convention, label maps) for a case; a series goes by the case's name, then by its folder's if it has its own."""
    if case.known_as:
        return _found_for_channels(case, index)
    if case.series is None:
        return index.find(case.image)
    places = (case.image, case.image.parent)
    if not by_folder:
        return index.find(Path(f"{case.name}.dcm"), places)
    way, found = index.find(case.image.with_name(f"{case.name}.dcm"), places)
    return (way, found) if found else index.find(stand_in(case), places)


def _found_for_channels(case: Case, index: LabelIndex) -> tuple[str, list[Path]]:
    """(convention, label maps) for a case of several images: by the name that they share, then by each one's own."""
    answers = [index.find(path) for path in (case.image.with_name(f"{case.known_as}.nii"), *_image_paths(case))]
    return next((answer for answer in answers if answer[1]), answers[0])


def _image_paths(case: Case) -> list[Path]:
    return [one.image for one in case.images]


def stand_in(case: Case) -> Path:
    """A file by whose path label maps know the image: a series goes by its folder's."""
    return case.image if case.series is None else case.image.with_name(f"{case.image.name}.dcm")


def _nearest_images(cases: list[Case], answers: list[tuple[str, list[Path]]]) -> list[tuple[str, list[Path]]]:
    """A map that suits images in several folders belongs to those whose folders are called as its own are."""
    near = [
        [folders_in_common(case.image.parent, file.parent) for file in found]
        for case, (_, found) in zip(cases, answers, strict=True)
    ]
    most: dict[Path, int] = {}
    for (_, found), counts in zip(answers, near, strict=True):
        for file, count in zip(found, counts, strict=True):
            most[file] = max(count, most.get(file, 0))
    return [
        (way, [file for file, count in zip(found, counts, strict=True) if count == most[file]])
        for (way, found), counts in zip(answers, near, strict=True)
    ]


def _not_one(case: Case, folder: Path, found: list[Path]) -> str:
    held = f"{len(found)} ({', '.join(map(str, found))})" if found else "none"
    return (
        f"The label folder {folder} should hold one label map for {case.image.name} (called '{case.stem}', or by a "
        f"convention such as segmentation-N); it holds {held}."
    )


def _if_any(result: list[Case], cases: list[Case], sentence: str) -> list[Case]:
    if cases and all(case.problem and not before.problem for case, before in zip(result, cases, strict=True)):
        first = result[0].problem or ""
        raise InputError("" if len(cases) == 1 else f"{sentence.rstrip('.')}. First: ", first)
    return result
