"""Which cases an export works on: from the arguments to image and label files with distinct names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from .batch.lists import ListedCase
from .batch.search import is_volume, search_inputs, volume_files
from .dicom.series import Series
from .pure.conventions import CASE_FOLDER, GIVEN, LISTED, NNUNET, PATTERN, LabelIndex, channel_base, named_path
from .pure.errors import InputError, RequestError
from .pure.naming import case_names, safe_name, volume_stem

LABELS = "labels"


@dataclass(frozen=True)
class Case:
    """Files of one case.

    Attributes:
        name: of the case, distinct and safe as a file name.
        image: the volume file, or the folder of the DICOM series.
        labels: label files, by the name of their set.
        series: the DICOM series in that folder; None for volume files.
        group: what must stay together in a split (a patient, say); "" for the case alone.
        columns: from a list, passed through to the tables.
        matched: by which convention each label file was found.
        problem: why the case cannot be exported, where that is known beforehand.
    """

    name: str
    image: Path
    labels: dict[str, Path]
    series: Series | None = None
    group: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    matched: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The image (of a DICOM series: its folder) and the label maps."""
        return (self.image, *self.labels.values())

    @property
    def series_folders(self) -> set[Path]:
        """The folders in which the images of a DICOM series lie."""
        return set() if self.series is None else {Path(path).resolve().parent for path in self.series.files}

    @property
    def stem(self) -> str:
        """What its files may be named by: the image file's name without extension; for a series, the case's name."""
        return volume_stem(self.image) if self.series is None else self.name


def find_cases(inputs: list[Path], labels: list[str], out: Path | None = None, anonymous: bool = False) -> list[Case]:
    """Cases for the inputs, in order, with their label maps.

    Label maps come from a list's columns, from ``labels``, or else from the inputs themselves, where
    their names follow a known convention (LiTS, nnU-Net, a suffix such as _seg, case folders).

    Args:
        inputs: volume files, folders of volumes or of DICOM series, glob patterns, .csv and .txt lists.
        labels: label sets as on the command line: a file, a folder, or a pattern with "{case}",
            "NAME=..." to name the set.
        out: the output folder, which is never searched for inputs.
        anonymous: name cases of DICOM series without saying whose they are.

    Raises:
        RequestError: a file or a name given twice, or a label file for several images.
        InputError: nothing found, a label path that is not there, a label set that fits no image.
    """
    found = search_inputs(inputs, out)
    _refuse_repeats(found.images)
    cases = [
        Case(
            name,
            entry.image,
            dict(entry.labels or {}),
            entry.series,
            columns=entry.columns,
            matched=dict.fromkeys(entry.labels or {}, LISTED),
            problem=entry.problem,
        )
        for name, entry in zip(_names(found.images, anonymous), found.images, strict=True)
    ]
    sets = _label_sets(labels)
    if sets:
        for name, path in sets.items():
            cases = _with_labels(cases, name, path)
    elif found.labels:
        cases = _matched(cases, LABELS, LabelIndex(found.labels))
    return [replace(case, group=_group_of(case, anonymous)) for case in cases]


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
    lines = [f"{len(cases)} image{'s' if len(cases) != 1 else ''}"]
    for name in sorted({name for case in cases for name in case.labels}):
        ways = Counter(case.matched.get(name, GIVEN) for case in cases if name in case.labels)
        how = ", ".join(f"{count} by {way}" for way, count in ways.most_common())
        missing = sum(name not in case.labels for case in cases)
        lines.append(f"label set '{name}': {how}" + (f"; {missing} without" if missing else ""))
    return lines


def _refuse_repeats(entries: list[ListedCase]) -> None:
    seen = set()
    for entry in entries:
        key = (entry.image.resolve(), entry.name, entry.series and entry.series.info.key)
        if key in seen:
            raise RequestError(f"{entry.image} is given twice.")
        seen.add(key)


def _names(entries: list[ListedCase], anonymous: bool) -> list[str]:
    """Names from the lists; the others from the files' names, from their folders, or what a series says of itself."""
    given = [entry.name for entry in entries if entry.name is not None]
    for name, count in Counter(name.casefold() for name in given).items():
        if count > 1:
            raise RequestError(f"Two cases are called '{name}'; every case needs a name of its own.")
    # Listed names go in as file names, so that the others are kept apart from them.
    stems = Counter(volume_stem(entry.image) for entry in entries)
    paths = [_path_to_name_by(entry, stems[volume_stem(entry.image)] > 1, anonymous) for entry in entries]
    names = case_names(paths)
    return [name if entry.name is None else entry.name for name, entry in zip(names, entries, strict=True)]


def _path_to_name_by(entry: ListedCase, often: bool, anonymous: bool) -> Path:
    """A path whose last part is the case's name, for one whose own name stands ``often`` in the input or once."""
    if entry.name is not None:
        return Path("listed", f"{entry.name}.nii")
    if entry.series is not None:
        return entry.series.named_path(anonymous)
    return named_path(entry.image) if often else entry.image


def _group_of(case: Case, anonymous: bool) -> str:
    """Series that state one patient, channels of one nnU-Net case, and images of one case folder belong together."""
    if case.series is not None:
        return case.series.group(anonymous) or case.name
    ways = set(case.matched.values())
    base = channel_base(case.image)
    if base is not None and (NNUNET in ways or case.image.parent.name in ("imagesTr", "imagesTs")):
        return base
    return case.image.parent.name if CASE_FOLDER in ways else case.name


def _label_sets(labels: list[str]) -> dict[str, str]:
    sets: dict[str, str] = {}
    for text in labels:
        name, equals, rest = text.partition("=")
        named = bool(equals) and not Path(text).exists()
        path = rest if named else text
        if "{" not in path and not Path(path).exists():
            raise InputError(f"The label path {path} does not exist.")
        key = safe_name(name) if named else LABELS if not sets else f"{LABELS}-{len(sets) + 1}"
        if key in sets:
            raise RequestError(f"Two label sets are called '{key}'; name them apart with NAME=PATH.")
        sets[key] = path
    return sets


def _with_labels(cases: list[Case], name: str, path: str) -> list[Case]:
    if "{" in path and not Path(path).exists():
        return _by_pattern(cases, name, path)
    if Path(path).is_dir():
        return _matched(cases, name, LabelIndex(_label_files(Path(path))), Path(path))
    if len(cases) > 1:
        raise RequestError(
            f"The label set '{name}' is one file, {path}, but there are {len(cases)} images; "
            "give a folder of label maps, or a pattern such as 'labels/{case}_seg.nii.gz'."
        )
    return [_labelled(case, name, Path(path), GIVEN) for case in cases]


def _label_files(folder: Path) -> list[Path]:
    files = volume_files(folder)
    if not files:
        raise InputError(f"The label folder {folder} holds no volume files.")
    return files


def _by_pattern(cases: list[Case], name: str, pattern: str) -> list[Case]:
    result = []
    for case in cases:
        named = case.stem if case.series is None else case.image.name
        folder = case.image.parent if case.series is None else case.image
        number = "".join(ch for ch in named if ch.isdigit())
        words = {"case": case.stem, "folder": folder.name, "number": number}
        try:
            path = Path(pattern.format(**words))
        except (KeyError, IndexError, ValueError) as error:
            raise RequestError(
                f"The label pattern '{pattern}' cannot be filled in; use {{case}} (the image's name), "
                "{folder} (its folder's name) and {number} (the digits of its name)."
            ) from error
        missing = f"The label map {path} ('{name}', from the pattern) does not exist."
        result.append(
            _labelled(case, name, path, PATTERN) if is_volume(path) else replace(case, problem=case.problem or missing)
        )
    return _if_any(result, cases, f"The label pattern '{pattern}' fits no file.")


def _matched(cases: list[Case], name: str, index: LabelIndex, folder: Path | None = None) -> list[Case]:
    """Cases with the label maps that an index finds; without ``folder`` a map may be missing."""
    folders = Counter(case.image for case in cases if case.series is not None)
    shared = {path for path, count in folders.items() if count > 1}
    result = []
    for case in cases:
        way, found = _found_for(case, index, case.image not in shared)
        if name in case.labels and folder is None:
            result.append(case)
        elif len(found) == 1:
            result.append(_labelled(case, name, found[0], way))
        elif found or folder is not None:
            result.append(replace(case, problem=case.problem or _not_one(case, name, folder, found)))
        else:
            result.append(case)
    if folder is None:
        return result
    return _if_any(result, cases, f"The label folder {folder} holds no label map for any of the {len(cases)} images")


def _found_for(case: Case, index: LabelIndex, by_folder: bool) -> tuple[str, list[Path]]:
    """(convention, label maps) for a case; a series goes by the case's name, then by its folder's if it has its own."""
    if case.series is None:
        return index.find(case.image)
    if not by_folder:
        return index.find(Path(f"{case.name}.dcm"))
    way, found = index.find(case.image.with_name(f"{case.name}.dcm"))
    if found:
        return way, found
    return index.find(case.image.with_name(f"{case.image.name}.dcm"))


def _not_one(case: Case, name: str, folder: Path | None, found: list[Path]) -> str:
    where = f"The label folder {folder}" if folder else f"The input, for the label set '{name}',"
    held = f"{len(found)} ({', '.join(map(str, found))})" if found else "none"
    return (
        f"{where} should hold one label map for {case.image.name} (called '{case.stem}', or by a convention "
        f"such as segmentation-N); it holds {held}."
    )


def _labelled(case: Case, name: str, path: Path, way: str) -> Case:
    return replace(case, labels=case.labels | {name: path}, matched=case.matched | {name: way})


def _if_any(result: list[Case], cases: list[Case], sentence: str) -> list[Case]:
    if cases and all(case.problem and not before.problem for case, before in zip(result, cases, strict=True)):
        raise InputError(
            result[0].problem if len(cases) == 1 else f"{sentence.rstrip('.')}. First: {result[0].problem}"
        )
    return result
