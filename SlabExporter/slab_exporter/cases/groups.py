"""Which cases must stay together in a split, as far as files and their names tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .case import Case
from .conventions import NNUNET, CaseFolders, channel_base, without_modality

_Key = tuple[Hashable, ...]


def with_groups(cases: list[Case], anonymous: bool) -> list[Case]:
    """The cases with their groups.

    Together belong cases with a label map in common, series that state one patient, channels of one
    nnU-Net case, images of one case folder, and images whose names differ in the modality only.

    Args:
        cases: with their label maps.
        anonymous: name groups without saying whose they are.
    """
    folders = CaseFolders(case.image for case in cases if case.series is None)
    base_of = _channel_bases(cases)
    names = [_group_name(case, anonymous, folders, base_of) for case in cases]
    keys = [{*_files_in_common(case), _name_in_common(case, name)} for case, name in zip(cases, names, strict=True)]
    groups = joined(keys)
    first = {group: names[number] for number, group in reversed([*enumerate(groups)])}
    often = Counter(first.values())
    result = []
    for case, group in zip(cases, groups, strict=True):
        name = first[group]
        # Folders of one name in several places are several groups.
        result.append(replace(case, group=name if often[name] == 1 else f"{name} ({cases[group].name})"))
    return result


def _files_in_common(case: Case) -> set[_Key]:
    return {("label", path) for path in case.labels.values()}


def _name_in_common(case: Case, name: str) -> _Key:
    # A patient's name means the same everywhere, a file's name in its folder only.
    return ("group", name) if case.series is not None else ("group", case.image.parent, name)


def _group_name(case: Case, anonymous: bool, folders: CaseFolders, base_of: Callable[[Case], str | None]) -> str:
    if case.series is not None:
        return case.series.group(anonymous) or case.name
    if folders.is_case(case.image.parent):
        return case.image.parent.name
    return base_of(case) or without_modality(case.stem) or case.name


def _channel_bases(cases: list[Case]) -> Callable[[Case], str | None]:
    """The nnU-Net case of a channel, in folders where names that end in four digits mean channels."""
    by_label: dict[Path, bool] = {}
    channels: dict[Path, dict[str, set[int]]] = {}
    for case in cases:
        base = None if case.series is not None else channel_base(case.image)
        if base is None:
            continue
        folder = case.image.parent
        if case.matched:
            by_label[folder] = by_label.get(folder, False) or NNUNET in case.matched.values()
        channels.setdefault(folder, {}).setdefault(base, set()).add(int(case.stem[-4:]))

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
