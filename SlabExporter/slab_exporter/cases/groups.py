"""Groups of cases that must stay together in a split: whose images they are, as far as files and names tell.

Where names leave it open, images stay together, and it is said: a patient on both sides of a split spoils
what is measured, a group too large does not.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.naming import volume_stem
from ..core.text import Option, Sentence, counted
from .bids import read_bids, top_of
from .case import Case
from .conventions import NNUNET, channel_base, patient_of
from .places import CaseFolders, absolute, part_by_role, part_by_word
from .words import MODALITIES, names_no_patient, read_name, shown_patient, tell_apart, words

_Key = tuple[Hashable, ...]
# Folders of these names with numbers hold patients, they are none.
_COLLECTIONS = frozenset(
    {"batch", "part", "fold", "subset", "set", "split", "site", "center", "centre", "hospital", "group", "disc", "disk"}
    | {"task", "dataset", "cohort", "chunk", "pt", "volume", "train", "training", "test", "study", "scanner", "vendor"}
)


@dataclass(frozen=True)
class _Patient:
    """The patient whose image a case is.

    Attributes:
        key: the same for all images of a patient.
        name: for people.
        sure: the names say so; else they only do not say otherwise.
    """

    key: _Key
    name: str
    sure: bool = True


def with_groups(cases: list[Case], warn: Callable[[str], object] | None = None) -> list[Case]:
    """The cases with their groups.

    Together belong cases with a label map in common, series that state one patient, channels of one
    nnU-Net case, images of one BIDS subject or one case folder, and images whose names differ in words
    for kinds of images or for visits only.

    Args:
        cases: with their label maps.
        warn: called with a sentence where names leave it open whether images are one patient's.
    """
    volumes = _Volumes([case for case in cases if case.series is None])
    patients = [_of_series(case) if case.series is not None else volumes.patient(case) for case in cases]
    maps = [[("label", path) for path in case.labels.values()] for case in cases]
    groups = joined([{patient.key, *files} for patient, files in zip(patients, maps, strict=True)])
    if warn is not None:
        _tell_unsure(cases, groups, patients, warn)
    first = {group: patients[number].name for number, group in reversed([*enumerate(groups)])}
    often = Counter(first.values())
    result = []
    for case, group in zip(cases, groups, strict=True):
        name = first[group]
        # Folders of one name in several places are several groups.
        result.append(replace(case, group=name if often[name] == 1 else f"{name} ({cases[group].name})"))
    return result


def _tell_unsure(cases: list[Case], groups: list[int], patients: list[_Patient], warn: Callable[[str], object]) -> None:
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    open_to_doubt = [
        numbers for numbers in members.values() if len(numbers) > 1 and (not _sure(cases, patients, numbers))
    ]
    if open_to_doubt:
        images = sum(map(len, open_to_doubt))
        one, other = (cases[number].name for number in open_to_doubt[0][:2])
        text = (
            f"{images} images are kept together in {counted(len(open_to_doubt), 'group')} because names and headers do "
            f"not tell whether they are of one patient (first: {one} and {other}); if they are not, give a list with a "
            "column for the patient and name it with "
        )
        warn(Sentence(text, Option("group_by"), "."))


def _sure(cases: list[Case], patients: list[_Patient], numbers: list[int]) -> bool:
    studies = {series.info.study_uid for n in numbers if (series := cases[n].series) is not None}
    # One PatientID for everything is what careless anonymisation leaves.
    one_for_all = len(numbers) == len(cases) and len(studies) > 2
    return all(patients[number].sure for number in numbers) and not one_for_all


def _of_series(case: Case) -> _Patient:
    name = (case.series.group if case.series is not None else "") or case.name
    return _Patient(("series", name), name)


class _Volumes:
    """Volume files, judged by their names and by what else lies in their folders."""

    def __init__(self, cases: list[Case]) -> None:
        paths = [absolute(case.image) for case in cases]
        self._folders = CaseFolders(paths)
        self._base_of = _channel_bases(cases)
        self._common = _common_folder(paths)
        self._of_patients = _patient_folders(self._folders)
        self._counted = {f for f in self._folders if tell_apart(map(_identity, self._folders.stems_in(f)))}
        patients = {f: {read_name(stem).patient for stem in self._folders.stems_in(f)} for f in self._folders}
        self._several = {folder for folder, found in patients.items() if len(found) > 1}
        self._places: dict[_Key, set[Path]] = {}
        for path in paths:
            self._places.setdefault(_name_key(path), set()).add(path.parent)

    def patient(self, case: Case) -> _Patient:
        """Return the patient of a case, by the first evidence that there is."""
        path = absolute(case.image)
        bids, folder, base = read_bids(volume_stem(path)), path.parent, self._base_of(case)
        stated = patient_of(path)
        if stated:
            return _Patient(("patient", stated.casefold()), stated)
        if bids is not None:
            return _Patient(("subject", top_of(folder), bids.subject), bids.subject)
        if base is not None:
            return _Patient(("case", folder, base), base)
        if self._folders.is_case(folder) or not _identity(volume_stem(path)):
            return self._by_folder(case, folder)
        if folder in self._of_patients:
            return _Patient(("folder", folder), folder.name, self._of_patients[folder])
        return self._by_name(case, path)

    def _by_folder(self, case: Case, folder: Path) -> _Patient:
        """The folder's patient; of a folder called by a visit or a kind of image, the next one that names somebody."""
        whose = folder
        while names_no_patient(whose.name) and self._common in whose.parent.parents:
            whose = whose.parent
        alone = whose == folder and not self._folders.is_case(folder)
        return _Patient(("folder", whose), case.name if alone else whose.name)

    def _by_name(self, case: Case, path: Path) -> _Patient:
        name = read_name(volume_stem(path).casefold())
        shown = shown_patient(volume_stem(path)) or case.name
        if path.parent in self._counted and name.patient == name.identity:
            return _Patient(("counted", path.parent, name.identity[:-1]), shown, sure=False)
        if not name.patient:  # frame01, frame02: of whom is not said
            return _Patient(("folder", path.parent), case.name, sure=False)
        varies = path.parent in self._several or name.patient in (name.identity, _identity(path.parent.name))
        key = _name_key(path)
        # Bare numbers in a folder of CT and a folder of MR may be those of different people.
        numbers_only = len(self._places[key]) > 1 and all(map(str.isdigit, name.patient))
        return _Patient(key, shown, sure=varies and not numbers_only)


def _identity(stem: str) -> tuple[str, ...]:
    return read_name(stem.casefold()).identity


def _name_key(path: Path) -> _Key:
    """The patient's part of a file's name, with the folder but for words for kinds of images: IXI-T1 and IXI-T2."""
    place = tuple(tuple(word for word in words(part) if word not in MODALITIES) for part in path.parent.parts)
    return ("name", place, read_name(volume_stem(path).casefold()).patient)


def _common_folder(paths: list[Path]) -> Path:
    try:
        return Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    except ValueError:  # on several drives
        return Path()


def _patient_folders(folders: CaseFolders) -> dict[Path, bool]:
    """Folders side by side in which the same names come again (patient001/..._frame01), and whether that is sure.

    What comes again cannot tell patients apart, so the folder does. Names that are numbers themselves may count
    the patients of a site, and folders without a number may be sites: then it is not sure, and taken so only where
    there are no fewer folders than images in one.
    """
    alike: dict[tuple[Path, str], list[Path]] = {}
    for folder in folders:
        if _may_be_a_patient(folder.name):
            shape = re.sub(r"\d+", "#", folder.name)
            alike.setdefault((folder.parent, shape if "#" in shape else ""), []).append(folder)
    found = {}
    for (_, shape), group in alike.items():
        rests = {folder: {_rest(stem, folder) for stem in folders.stems_in(folder)} for folder in group}
        often = Counter(rest for own in rests.values() for rest in own)
        few = max(map(len, rests.values())) <= len(group)
        for folder, own in rests.items():
            again = [often[rest] > 1 for rest in own]
            named = all(stem.startswith(folder.name.casefold()) for stem in folders.stems_in(folder))
            sure = named and shape != "" and not any(re.fullmatch(r"[\W_]*\d+", rest) for rest in own)
            if len(own) > 1 and (any(again) if shape else all(again)) and (sure or few):
                found[folder] = sure
    return found


def _may_be_a_patient(folder: str) -> bool:
    collects = _COLLECTIONS & set(re.findall(r"[a-z]+", folder.casefold()))
    return not (collects or part_by_role(folder) or part_by_word(folder) or names_no_patient(folder))


def _rest(stem: str, folder: Path) -> str:
    return stem.removeprefix(folder.name.casefold())


def _channel_bases(cases: list[Case]) -> Callable[[Case], str | None]:
    """The nnU-Net case of a channel, in folders where names that end in four digits mean channels."""
    by_label: dict[Path, bool] = {}
    channels: dict[Path, dict[str, set[int]]] = {}
    for case in cases:
        base = channel_base(case.image)
        if base is None:
            continue
        folder = case.image.parent
        if case.matched:
            by_label[folder] = by_label.get(folder, False) or NNUNET in case.matched.values()
        channels.setdefault(folder, {}).setdefault(base, set()).add(int(volume_stem(case.image)[-4:]))

    def means_channels(folder: Path) -> bool:
        found = list(channels.get(folder, {}).values())
        alike = len(found) > 1 and all(numbers == set(range(len(numbers))) == found[0] for numbers in found)
        return by_label.get(folder, alike or any(by_label.values()))

    return lambda case: channel_base(case.image) if means_channels(case.image.parent) else None


def joined(keys: Sequence[set[Any]]) -> list[int]:
    """For each item the first of those that it hangs together with, through keys that they share."""
    first: list[int] = list(range(len(keys)))
    seen: dict[Any, int] = {}
    for number, own in enumerate(keys):
        for key in own:
            here, there = _root(first, number), _root(first, seen.setdefault(key, number))
            first[max(here, there)] = min(here, there)
    return [_root(first, number) for number in range(len(keys))]


def _root(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number
