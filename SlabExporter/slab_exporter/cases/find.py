"""From the arguments to cases: image and label files with distinct names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.errors import RequestError
from ..core.naming import case_names, comparable, volume_stem
from ..core.options import DataSetOptions, ExportRequest
from ..core.text import Option, Sentence, counted
from ..files.network.addresses import Address
from ..files.network.downloads import Downloads
from .case import Case
from .channels.grouping import with_channels
from .conventions import GIVEN, LISTED, named_path
from .groups import with_groups
from .label_maps import LABELS, label_sets, matched, stand_in, with_labels
from .label_objects import with_structures
from .lists import ListedCase, beside_list
from .matching import LabelIndex
from .opening import with_series_split
from .parts import with_parts
from .search import search_inputs


def find_cases(
    inputs: Sequence[Path | Address],
    labels: list[str],
    out: Path | None = None,
    warn: Callable[[str], object] | None = None,
    channels: Sequence[str] = (),
    files: Downloads | None = None,
) -> list[Case]:
    """Cases for the inputs, in order, with their label maps.

    Label maps come from a list's columns, from ``labels``, or else from the inputs themselves, where
    their names follow a known convention (LiTS, nnU-Net, a suffix such as _seg, case folders).

    Args:
        inputs: volume files, folders of volumes or of DICOM series, glob patterns, .csv and .txt lists.
        labels: label sets as on the command line: a file, a folder, or a pattern with "{case}",
            "NAME=..." to name the set.
        out: the output folder, which is never searched for inputs.
        warn: called with a sentence for label maps that belong to no image, for images that might have several,
            and for images that may or may not be of one patient.
        channels: which images are channels of one case: "auto", "4d", or one NAME=PATTERN per channel.
        files: takes what lies at addresses; None where all files are on this machine.

    Raises:
        RequestError: a file or a name given twice, or a label file for several images.
        InputError: nothing found, a label path that is not there, a label set that fits no image.
    """
    places = [Path(str(given)) if files is None else files.local(given) for given in inputs]
    found = search_inputs(places, out, beside_list if files is None else files.beside)
    _refuse_repeats(found.images)
    images, maps = with_channels(found.images, found.labels, channels, warn)
    cases = [
        Case(
            name,
            entry.image,
            dict(entry.labels or {}),
            entry.series,
            columns=entry.columns,
            matched=dict.fromkeys(entry.labels or {}, LISTED),
            problem=entry.problem,
            within=entry.within,
            channel=entry.channel,
            channels=entry.channels,
            known_as="" if entry.named_by is None else volume_stem(entry.named_by),
            frame=entry.frame,
        )
        for name, entry in zip(_names(images), images, strict=True)
    ]
    sets = label_sets(labels if files is None else files.labels(labels))
    if sets:
        for name, path in sets.items():
            cases = with_labels(cases, name, path)
    elif maps:
        cases = matched(cases, LABELS, LabelIndex(maps, map(stand_in, cases)), warn=warn)
        if warn is not None:
            _tell_unused(maps, cases, warn)
    for name in dict.fromkeys(name for case in cases for name in case.labels):
        cases = with_structures(cases, name)
    cases = with_parts(with_groups(cases, warn))
    return cases if files is None else [replace(case, addresses=files.of(case.files)) for case in cases]


def _tell_unused(labels: list[Path], cases: list[Case], warn: Callable[[str], object]) -> None:
    used = {path for case in cases for path in case.labels.values()}
    unused = [path for path in labels if path not in used]
    if unused:
        maps = "1 label map belongs" if len(unused) == 1 else f"{len(unused)} label maps belong"
        told = f"{maps} to no image by name and place (first: {unused[0]}); give label maps with "
        warn(Sentence(told, Option("labels"), " or in a list."))


def split_and_grouped(cases: list[Case], request: ExportRequest, data_set: DataSetOptions) -> list[Case]:
    """Return the cases divided and put together as asked for.

    Raises:
        RequestError: a volume was asked for as well, or a column that no case has.
    """
    if data_set.split_series:
        cases = with_series_split(cases, request.series, request.frame)
    return cases if data_set.group_by is None else grouped(cases, data_set.group_by)


def grouped(cases: list[Case], column: str) -> list[Case]:
    """The cases with their group taken from a column of their list; an empty cell is a group alone.

    Raises:
        RequestError: no case has that column.
    """
    if not any(column in case.columns for case in cases):
        known = sorted({name for case in cases for name in case.columns})
        raise RequestError(f"There is no column '{column}' to group by; the lists have: {', '.join(known) or 'none'}.")
    return [replace(case, group=case.columns.get(column) or case.name) for case in cases]


def match_summary(cases: list[Case]) -> list[str]:
    """Sentences for people: how many images, which label maps, matched by which convention."""
    lines = _images(cases)
    for name in sorted({name for case in cases for name in case.labels}):
        ways = Counter(case.matched.get(name, GIVEN) for case in cases if name in case.labels)
        how = ", ".join(f"{count} by {way}" for way, count in ways.most_common())
        missing = sum(name not in case.labels for case in cases)
        lines.append(f"label set '{name}': {how}" + (f"; {missing} without" if missing else ""))
    groups = len({case.group or case.name for case in cases})
    return lines if groups == len(cases) else [*lines, counted(groups, "group")]


def _images(cases: list[Case]) -> list[str]:
    kinds = Counter((case.channel, *case.channels) for case in cases if case.channel)
    alone = sum(not case.channel for case in cases)
    lines = [
        f"{counted(count, 'case')} of {len(names)} channels ({', '.join(names)})"
        for names, count in kinds.most_common()
    ]
    return [*lines, counted(alone, "image")] if alone or not cases else lines


def _refuse_repeats(entries: list[ListedCase]) -> None:
    seen = set()
    for entry in entries:
        key = (os.path.realpath(entry.image), entry.name, entry.series and entry.series.info.key)
        if key in seen:
            raise RequestError(f"{entry.image} is given twice.")
        seen.add(key)


def _names(entries: list[ListedCase]) -> list[str]:
    """Names from the lists; the others from the files' names, from their folders, or what a series says of itself."""
    given = [entry.name for entry in entries if entry.name is not None]
    for name, count in Counter(map(comparable, given)).items():
        if count > 1:
            raise RequestError(f"Two cases are called '{name}'; every case needs a name of its own.")
    # Listed names go in as file names, so that the others are kept apart from them.
    stems = Counter(volume_stem(entry.image) for entry in entries)
    paths = [_path_to_name_by(entry, stems[volume_stem(entry.image)] > 1) for entry in entries]
    names = case_names(paths)
    return [name if entry.name is None else entry.name for name, entry in zip(names, entries, strict=True)]


def _path_to_name_by(entry: ListedCase, often: bool) -> Path:
    """A path whose last part is the case's name, for one whose own name stands ``often`` in the input or once."""
    if entry.name is not None:
        return Path("listed", f"{entry.name}.nii")
    if entry.named_by is not None:
        return entry.named_by
    if entry.series is not None:
        return entry.series.named_path()
    return named_path(entry.image) if often else entry.image


__all__ = ["Case", "find_cases", "grouped", "match_summary"]
