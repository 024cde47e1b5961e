"""DICOM files that cannot be read: the series that one belongs to is refused, rather than cut short."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from .series import Kind, Series, Verdict


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
    series: tuple[Series, ...], damaged: list[DamagedFile]
) -> tuple[tuple[Series, ...], tuple[DamagedFile, ...]]:
    """(series, those with damaged files unusable; damaged files that belong to none that could be a volume)."""
    belonging: dict[int, list[DamagedFile]] = {}
    stray: list[DamagedFile] = []
    for file in damaged:
        owners = [n for n in _owners(series, file) if series[n].verdict.kind is not Kind.NO_VOLUME]
        for n in owners:
            belonging.setdefault(n, []).append(file)
        if not owners:
            stray.append(file)
    judged = tuple(
        replace(one, verdict=_verdict(belonging[n])) if n in belonging else one for n, one in enumerate(series)
    )
    return judged, tuple(stray)


def _owners(series: tuple[Series, ...], file: DamagedFile) -> list[int]:
    """By the file's SeriesInstanceUID, or by its folder where the images of one series alone lie in it."""
    if file.series_uid:
        return [n for n, one in enumerate(series) if one.info.series_uid == file.series_uid]
    folder = file.path.parent
    beside = [n for n, one in enumerate(series) if any(Path(path).parent == folder for path in one.files)]
    return beside if len(beside) == 1 else []


def _verdict(files: list[DamagedFile]) -> Verdict:
    if len(files) == 1:
        return Verdict(Kind.UNUSABLE, f"a file of it cannot be used: {files[0].sentence.rstrip('.')}")
    return Verdict(Kind.UNUSABLE, f"{len(files)} files of it cannot be used, such as: {files[0].sentence.rstrip('.')}")
