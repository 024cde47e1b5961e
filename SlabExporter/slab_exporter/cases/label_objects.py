"""Segments for cases: DICOM segmentations and structure sets by what they refer to, masks by their folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.errors import InputError
from ..dicom.labels.references import References, label_object
from ..dicom.labels.structures import structure_names
from ..files.disk import files_below
from ..volumes.labels.masks import is_mask_pattern, mask_files, mask_name
from .case import Case
from .opening import refers_to

REFERENCE = "the series that it refers to"
MASKS = "one mask per structure"
# Folders that TotalSegmentator and others fill with one mask for each structure.
_MASK_FOLDERS = frozenset({"segmentations", "masks", "segmentation"})


def is_label_source(path: Path) -> bool:
    """Return whether a path is a DICOM segmentation or structure set, or a folder or pattern of masks."""
    return bool(mask_files(path)) if is_mask_pattern(path) else label_object(path) is not None


def label_objects(path: Path) -> dict[Path, References]:
    """Return the DICOM segmentations and structure sets in a file or folder.

    Raises:
        InputError: one is damaged.
    """
    files: Iterable[Path] = files_below(path, None) if path.is_dir() else [path]
    found = {file: label_object(file) for file in sorted(files)}
    return {file: references for file, references in found.items() if references is not None}


def with_objects(cases: Sequence[Case], name: str, path: Path, objects: dict[Path, References]) -> list[Case]:
    """Return the cases with the label objects that refer to them; a single object of a single case needs no reference.

    Args:
        cases: to be labelled.
        name: of the label set.
        path: where the objects lie.
        objects: as ``label_objects`` finds them.

    Raises:
        InputError: no object refers to any of the images.
    """
    if len(cases) == 1 and len(objects) == 1:
        return [cases[0].labelled(name, next(iter(objects)), REFERENCE)]
    result = []
    for case in cases:
        found = [file for file, one in objects.items() if case.series is not None and refers_to(one, case.series)]
        if len(found) == 1:
            result.append(case.labelled(name, found[0], REFERENCE))
            continue
        shown = ", ".join(str(file) for file in found[:3]) or "none"
        wanted = f"{path} should hold one DICOM segmentation or structure set that refers to {case.image}"
        result.append(replace(case, problem=case.problem or f"{wanted}; it holds {len(found)} ({shown})."))
    if all(case.problem for case in result):
        raise InputError(f"No DICOM segmentation or structure set in {path} refers to any of the images.")
    return result


def is_mask_folder(folder: Path) -> bool:
    """Return whether a folder, of which no single file is a case's label map, holds a mask for each structure.

    It does if it is called so, or holds several files whose names are words: numbers alone tell cases apart.
    """
    names = [mask_name(file) for file in mask_files(folder)]
    without_numbers = {re.sub(r"\d+", "", name) for name in names}
    return bool(names) and (folder.name.casefold() in _MASK_FOLDERS or len(without_numbers) > 1)


def with_structures(cases: Sequence[Case], name: str) -> list[Case]:
    """Return the cases with one value for each structure that any of them has, the same in all.

    Masks and structure sets name structures and number none; two cases may lack different ones.
    """
    of_case = [_names_in(case.labels[name]) if name in case.labels else () for case in cases]
    if not any(of_case):
        return list(cases)
    names = sorted({one for names in of_case for one in names}, key=str.casefold)
    values = {one: number for number, one in enumerate(names, start=1)}
    return [
        replace(case, structures=case.structures | {name: values}) if of else case
        for case, of in zip(cases, of_case, strict=True)
    ]


def _names_in(path: Path) -> tuple[str, ...]:
    if is_mask_pattern(path):
        return tuple(map(mask_name, mask_files(path)))
    found = label_object(path)
    return structure_names(path) if found is not None and found.kind == "rtstruct" else ()
