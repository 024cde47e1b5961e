"""Evidence that images of a series are lost or damaged: the volume would be shorter than it was.

What is left of a series may be evenly spaced all the same, if the lost image was the first or the last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...core.text import Option, Sentence, counted
from .marks import COUNTS, mark
from .series import Kind, Series, Slice, Verdict
from .stacking import SAME_PLACE_MM, make_stack

_TAKE_THE_REST = Sentence("To take the rest, use ", Option.on("allow_damaged"), ".")
# Names of so many numbers (UIDs) do not say which file stands beside which.
_MOST_NUMBERS = 3
_MOST_NAMED = 5
# A UID that was cut off tells series apart only if enough of it is left.
_SHORTEST_UID = 10
# The share of a series that numbers may lack before its first one; beyond it, numbers run on from another series.
_LACKING_BEFORE = 10


@dataclass(frozen=True)
class DamagedFile:
    """A file that should hold an image.

    Attributes:
        path: of it.
        series_uid: SeriesInstanceUID, "" where that cannot be read either.
        sentence: what is wrong.
    """

    path: Path
    series_uid: str
    sentence: str


def refuse_incomplete(
    series: tuple[Series, ...], damaged: list[DamagedFile], unread: list[Path]
) -> tuple[tuple[Series, ...], tuple[DamagedFile, ...]]:
    """Return series, those that lack images unusable, and the damaged files that belong to none of them.

    Args:
        series: as judged by the images that could be read.
        damaged: files that are DICOM, and cannot be used.
        unread: files that do not begin like DICOM.
    """
    belonging: dict[int, list[DamagedFile]] = {}
    stray: list[DamagedFile] = []
    could_be = [n for n, one in enumerate(series) if one.verdict.kind is not Kind.NO_VOLUME]
    beside = _Beside(series)
    for file in (*damaged, *_meant_images(beside, unread)):
        owners = [n for n in _owners(series, beside, file) if n in could_be]
        for n in owners:
            belonging.setdefault(n, []).append(file)
        if not owners:
            stray.append(file)
    judged = []
    for n, one in enumerate(series):
        reason = _files_said(belonging[n]) if n in belonging else _lacking(one) if n in could_be else ""
        verdict = Verdict(Kind.UNUSABLE, reason, _TAKE_THE_REST, rest=one.verdict)
        judged.append(replace(one, verdict=verdict) if reason else one)
    return tuple(judged), tuple(file for file in stray if file in damaged)


def _files_said(files: list[DamagedFile]) -> str:
    first = files[0].sentence.rstrip(".")
    if len(files) == 1:
        return f"a file of it cannot be used: {first}"
    return f"{len(files)} files of it cannot be used, such as: {first}"


# --- files ---


class _Beside:
    """The files of each series in each folder, with the patterns of their names and their sizes."""

    def __init__(self, series: tuple[Series, ...]) -> None:
        self._names: dict[Path, dict[int, list[Path]]] = {}
        self._known: dict[tuple[Path, int], tuple[set[str | None], set[int]]] = {}
        for n, one in enumerate(series):
            for path in map(Path, one.files):
                self._names.setdefault(path.parent, {}).setdefault(n, []).append(path)

    def names(self, folder: Path) -> dict[int, list[Path]]:
        """Files in a folder by the number of their series."""
        return self._names.get(folder, {})

    def named_like(self, path: Path, n: int) -> bool:
        """Return whether a series has a file of the same pattern of name in the same folder."""
        pattern = _pattern(path)
        return pattern is not None and pattern in self._facts(path.parent, n)[0]

    def as_large_as(self, path: Path, n: int) -> bool:
        """Return whether a series has a file of the same size, and not an empty one, in the same folder."""
        size = _size(path)
        return size > 0 and size in self._facts(path.parent, n)[1]

    def _facts(self, folder: Path, n: int) -> tuple[set[str | None], set[int]]:
        if (folder, n) not in self._known:
            names = self._names[folder][n]
            self._known[folder, n] = set(map(_pattern, names)), set(map(_size, names))
        return self._known[folder, n]


def _meant_images(beside: _Beside, unread: list[Path]) -> list[DamagedFile]:
    """Files that do not begin like DICOM, but are named or as large as the images beside them."""
    found = []
    for path in unread:
        series = beside.names(path.parent)
        named = any(beside.named_like(path, n) for n in series)
        if named or any(beside.as_large_as(path, n) for n in series):
            what = "is empty" if _size(path) == 0 else "does not begin like DICOM"
            why = "named like the images beside it" if named else "exactly as large as an image beside it"
            found.append(DamagedFile(path, "", f"{path} {what}, but is {why}. Copy or download the file again."))
    return found


def _owners(series: tuple[Series, ...], beside: _Beside, file: DamagedFile) -> list[int]:
    """By SeriesInstanceUID, whole or the beginning of it; else by the images that lie beside the file."""
    uid = file.series_uid
    if exact := [n for n, one in enumerate(series) if uid and one.info.series_uid == uid]:
        return exact
    if len(uid) >= _SHORTEST_UID:
        return [n for n, one in enumerate(series) if one.info.series_uid.startswith(uid)]
    names = beside.names(file.path.parent)
    owners = [n for n in names if beside.named_like(file.path, n)] or list(names)
    owners = [n for n in owners if beside.as_large_as(file.path, n)] or owners
    if len(owners) < 2:
        return owners
    return _neighbours({n: names[n] for n in owners}, file.path) or owners


def _neighbours(beside: dict[int, list[Path]], path: Path) -> list[int]:
    """The series whose files come before and after a file, where names are numbered."""
    pattern = _pattern(path)
    if pattern is None or pattern.count("#") > _MOST_NUMBERS:
        return []
    owner = {name: n for n, names in beside.items() for name in names if _pattern(name) == pattern}
    order = sorted((*owner, path), key=lambda name: [int(digits) for digits in re.findall(r"\d+", name.name)])
    place = order.index(path)
    return sorted({owner[name] for name in order[max(0, place - 1) : place + 2] if name in owner})


def _pattern(path: Path) -> str | None:
    """A file's name with "#" for each number; None where it holds none."""
    name = path.name.lower()
    name = re.sub(r"(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{8,}(?![a-z0-9])", "#", name)  # hexadecimal, as in UUIDs
    pattern = re.sub(r"\d+", "#", name)
    return pattern if "#" in pattern else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# --- headers ---


def _lacking(series: Series) -> str:
    """Return half a sentence about images that the headers promise and that are missing; "" if there are none."""
    slices = series.slices
    return _parts_said(slices) or _counts_said(series) or _numbers_said(series)


def _parts_said(slices: Iterable[Slice]) -> str:
    """Parts of a concatenation (PS3.3 C.7.6.16.2.2.4) that are missing."""
    parts: dict[str, dict[int, Slice]] = {}
    total: dict[str, int] = {}
    for s in slices:
        if s.concatenation is not None:
            uid, number, count = s.concatenation
            parts.setdefault(uid, {}).setdefault(number, s)
            total[uid] = max(count, number, total.get(uid, 0))
    for uid, found in parts.items():
        lacking = [number for number in range(1, total[uid] + 1) if number not in found]
        if lacking:
            held = f"{'part' if len(found) == 1 else 'parts'} {', '.join(map(str, sorted(found)))} of {total[uid]}"
            missing = f"{counted(len(lacking), 'part')} {'is' if len(lacking) == 1 else 'are'} missing"
            name = Path(found[min(found)].path).name
            return (
                f"{name} is of a concatenation: it holds {held}; {missing} "
                f"({', '.join(map(str, lacking[:_MOST_NAMED]))})"
            )
    return ""


def _counts_said(series: Series) -> str:
    slices = series.slices
    if any(s.tiled or s.position is None for s in slices):
        return ""  # such images have no places to count, and are refused for that
    places = len({s.position for s in slices if s.position is not None})
    times = len({mark(s, "TemporalPositionIdentifier") for s in slices})
    there = dict(zip(COUNTS, (len(slices), len(series.files), places, times), strict=True))
    named = dict(zip(COUNTS, ("images", "files", "positions", "times"), strict=True))
    for keyword in COUNTS:
        stated = {dict(s.counts).get(keyword) for s in slices}
        wanted = stated.pop() if len(stated) == 1 else None
        # A series may hold one time of several.
        if wanted is not None and there[keyword] < wanted and (keyword != "NumberOfTemporalPositions" or times > 1):
            return f"its images state {keyword} {wanted}, but it has {there[keyword]} {named[keyword]}"
    return ""


def _numbers_said(series: Series) -> str:
    """InstanceNumbers that are missing, where the image could have been the first or the last of the volume."""
    verdict, slices = series.verdict, series.slices
    numbers = [s.number for s in slices]
    stack = make_stack(slices) if verdict.kind in (Kind.REGULAR, Kind.UNEVEN, Kind.TILTED) else None
    if stack is None or len(set(numbers)) < len(slices) or any(s.frame is not None for s in slices):
        return ""
    ordered = sorted((s for s in slices if s.number is not None), key=lambda s: s.number or 0)
    if len(ordered) < len(slices) or np.min(stack.gaps) < SAME_PLACE_MM:
        return ""
    counts = [int(s.number or 0) for s in ordered]
    steps = np.diff(counts)
    step = int(Counter(steps.tolist()).most_common(1)[0][0])
    along = np.diff([s.number or 0 for s in stack.slices])
    if not (np.all(along > 0) or np.all(along < 0)) and np.max(steps) > step:
        gap = int(np.argmax(steps))
        return _gap_said(ordered, gap)
    lacking = (counts[0] - 1) // step if counts[0] > 0 else 0
    if 0 < lacking <= max(1, len(slices) // _LACKING_BEFORE):
        return (
            f"InstanceNumber begins with {counts[0]} ({ordered[0].shown}), so that "
            f"{counted(lacking, 'image')} before it may be missing"
        )
    return ""


def _gap_said(ordered: Sequence[Slice], gap: int) -> str:
    before, after = ordered[gap], ordered[gap + 1]
    lost = (before.number or 0) + 1
    return (
        f"InstanceNumber {lost} is missing, between {before.number} ({before.shown}) and {after.number} ({after.shown})"
    )
