"""Find the DICOM series below a folder and judge each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...core.errors import InputError
from ...core.naming import volume_extension
from ...core.text import Option, Sentence
from ...files.disk import file_sha256, files_below
from ..prefix import has_prefix, looks_like_dicom
from .damage import DamagedFile, refuse_incomplete
from .headers import read_planes, series_uid_of
from .judging import judge
from .series import Kind, Series, SeriesInfo, Slice, Verdict

_MOST_NAMED = 5
# What labels images, by the words of ``headers``.
_LABEL_OBJECTS = {"RTSTRUCT", "segmentation", "label map segmentation"}
_ONE_OF_EACH = "Keep the right one of files that share a SOPInstanceUID, or give each file one of its own."


def find_series(path: Path, skip: Path | None = None) -> tuple[Series, ...]:
    """All series of a folder (or of one file), in order of name; any file names, any nesting.

    Scouts and single images come with a verdict that says that they are not volumes; objects that are not
    images are named in the warnings of the first series.

    Args:
        path: folder or file. Hidden folders and cases of earlier exports in it are passed over.
        skip: a folder that is not looked into.

    Raises:
        InputError: there is DICOM, but nothing of it is an image that can be read.
    """
    path = Path(os.path.abspath(path))  # workers on other machines and in other folders open the files
    return _series_of(path, _files(path, skip))


def series_of_files(files: Sequence[Path]) -> tuple[Series, ...]:
    """The series that DICOM files make up which were given one by one.

    Raises:
        InputError: none of them is an image, or a series has more images than were given: it would
            be cut short, and could not be found again by its folder.
    """
    paths = [Path(os.path.abspath(file)) for file in files]
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    series = _series_of(paths[0] if len(paths) == 1 else folder, iter(paths))
    whole = {key: one for name in {s.folder for s in series} for key, one in _by_key(Path(name)).items()}
    for one in series:
        there = len(whole[one.info.key].files)
        if len(one.files) < there:
            raise InputError(
                f"{len(one.files)} of the {there} images of {one.shown} are given; give the folder, "
                f"{one.folder}, for all of them, or move those that you want into one of their own."
            )
    return tuple(replace(one, verdict=whole[one.info.key].verdict) for one in series)


def series_of_instances(files: Sequence[Path]) -> Series:
    """The series that images make up which somebody else, such as a database, says belong together.

    No other file is looked at: the series may hold more images than these.

    Raises:
        InputError: they are not images of one series.
    """
    paths = [Path(os.path.abspath(file)) for file in files]
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    series = _series_of(folder, iter(paths))
    if len(series) != 1:
        raise InputError(f"The {len(paths)} images in {folder} belong to {len(series)} DICOM series, not to one.")
    return series[0]


def _by_key(folder: Path) -> dict[tuple[str, str, str], Series]:
    return {one.info.key: one for one in find_series(folder)}


def _series_of(path: Path, files: Iterator[Path]) -> tuple[Series, ...]:
    """The series of files; ``path`` names them in messages."""
    planes: dict[tuple[str, str, str], list[Slice]] = {}
    infos: dict[tuple[str, str, str], SeriesInfo] = {}
    others: Counter[str] = Counter()
    damaged: list[DamagedFile] = []
    unread: list[Path] = []
    for file in files:
        if not _is_or_was_dicom(file):
            if volume_extension(file) in (None, ".img"):
                unread.append(file)
            continue
        try:
            content = read_planes(file)
        except InputError as error:
            damaged.append(DamagedFile(file, series_uid_of(file), str(error)))
            continue
        if isinstance(content, str):
            others[content] += 1
            continue
        info, slices = content
        infos.setdefault(info.key, info)
        planes.setdefault(info.key, []).extend(slices)
    found = sorted((_series(infos[key], planes[key]) for key in planes), key=lambda s: (s.name, s.info.series_uid))
    series, stray = refuse_incomplete(tuple(found), damaged, unread)
    notes = _notes(others, stray)
    if not series and notes:
        raise InputError(f"{path} holds no DICOM images. {' '.join(notes)}")
    return _with_notes(series, notes)


def volumes_of(path: Path, series: tuple[Series, ...]) -> tuple[Series, ...]:
    """The series that are volumes, or would be but for a fault; the first one's warnings name the others.

    Raises:
        InputError: there are series, but none is a volume.
    """
    volumes = [s for s in series if s.verdict.kind is not Kind.NO_VOLUME]
    no_volumes = [s for s in series if s.verdict.kind is Kind.NO_VOLUME]
    left_out = [f"{s.shown}: {s.verdict.reason}" for s in no_volumes]
    if not left_out:
        return series
    more = f" (and {len(left_out) - _MOST_NAMED} more)" if len(left_out) > _MOST_NAMED else ""
    text = f"{'; '.join(left_out[:_MOST_NAMED])}{more}."
    if not volumes:
        remedies = dict.fromkeys(s.verdict.remedy for s in no_volumes[:_MOST_NAMED] if s.verdict.remedy)
        raise InputError(f"{path} holds no DICOM volume. {' '.join((text, *remedies))}")
    first = replace(volumes[0], warnings=(*volumes[0].warnings, f"Left out: {text}"))
    return (first, *volumes[1:])


def is_dicom_file(path: Path) -> bool:
    """Return whether a path is a file of DICOM, not of a volume format; some archives call DICOM files .img."""
    extension = volume_extension(path)
    if extension == ".img":
        return path.is_file() and has_prefix(path)
    return extension is None and path.is_file() and looks_like_dicom(path)


def _files(path: Path, skip: Path | None) -> Iterator[Path]:
    return files_below(path, skip) if path.is_dir() else iter([path])


def _is_or_was_dicom(path: Path) -> bool:
    """An empty file that is called .dcm was an image before it was copied."""
    return is_dicom_file(path) or (path.suffix.lower() == ".dcm" and path.is_file())


def _series(info: SeriesInfo, slices: list[Slice]) -> Series:
    kept, warnings, conflict = _without_copies(slices)
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(s.path)) for s in kept])
    verdict = Verdict(Kind.UNUSABLE, conflict, _ONE_OF_EACH) if conflict else judge(kept)
    return Series(info, folder, kept, verdict, warnings)


def _without_copies(slices: list[Slice]) -> tuple[tuple[Slice, ...], tuple[str, ...], str]:
    """Return (slices without copies of files, warnings, why they cannot be told apart if so).

    A SOPInstanceUID names one image (PS3.3 C.12.1): files that share one must be equal, or else say by
    themselves where each belongs, as after an anonymiser that gave all files one UID.
    """
    first: dict[tuple[str, int | None], Slice] = {}
    kept: list[Slice] = []
    copies: list[Slice] = []
    shared: list[Slice] = []
    for plane in slices:
        key = (plane.sop_uid or plane.path, plane.frame)
        if key not in first:
            first[key] = plane
            kept.append(plane)
        elif file_sha256(Path(plane.path)) == file_sha256(Path(first[key].path)):
            copies.append(plane)
        else:
            shared.append(plane)
            kept.append(plane)
    if shared and not _lie_apart(kept):
        other = first[(shared[0].sop_uid, shared[0].frame)]
        return tuple(slices), (), f"{other.shown} and {shared[0].shown} have one SOPInstanceUID but differ"
    warnings = []
    if shared:
        warnings.append(
            f"{len(shared) + 1} different images have the SOPInstanceUID '{shared[0].sop_uid}', as after a careless "
            "anonymisation; they are told apart by their positions."
        )
    if copies:
        count = len({s.path for s in copies})
        are = "s are copies" if count > 1 else " is a copy"
        warnings.append(f"{count} file{are} of others ({copies[0].shown} for one); left out.")
    return tuple(kept), tuple(warnings), ""


def _lie_apart(slices: Sequence[Slice]) -> bool:
    """Return whether every image states a position, and no two the same."""
    places = {s.position for s in slices}
    return None not in places and len(places) == len(slices)


def _notes(others: Counter[str], damaged: tuple[DamagedFile, ...]) -> tuple[str, ...]:
    notes: list[str] = []
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items())[:_MOST_NAMED])
        told = f"Left out: DICOM objects that are not images ({kinds})."
        if _LABEL_OBJECTS & others.keys():
            told = Sentence(
                told, " Segmentations and structure sets are label maps: give their folder with ", Option("labels"), "."
            )
        notes.append(told)
    if damaged:
        more = f" {len(damaged) - 1} more files are damaged too." if len(damaged) > 1 else ""
        notes.append(f"{damaged[0].sentence}{more}")
    return tuple(notes)


def only_series(path: Path) -> Series:
    """The one volume of a folder, or of a file that holds a whole volume.

    Raises:
        InputError: there is none, or there are several.
    """
    found = volumes_of(path, find_series(path))
    if not found:
        raise InputError(f"The folder {path} holds no DICOM images.")
    if len(found) > 1:
        names = "; ".join(series.shown for series in found[:_MOST_NAMED])
        raise InputError(f"{path} holds {len(found)} DICOM series, one is needed; give the folder of one: {names}.")
    return found[0]


def _with_notes(series: tuple[Series, ...], notes: tuple[str, ...]) -> tuple[Series, ...]:
    """Tell the first usable series what else lay in the folder; a person reads it once."""
    volumes = [n for n, s in enumerate(series) if s.verdict.kind is not Kind.NO_VOLUME]
    target = volumes[0] if volumes else 0
    return tuple(replace(s, warnings=s.warnings + notes) if n == target else s for n, s in enumerate(series))


def reread(folder: Path, series_uid: str, sha256: str) -> Series:
    """The series that a manifest names, found again in its folder.

    Args:
        folder: which holds it.
        series_uid: its SeriesInstanceUID.
        sha256: its check sum, which tells it from others with the same UID.

    Raises:
        InputError: it is not there.
    """
    if not folder.exists():
        raise InputError(f"The source folder {folder} does not exist.")
    found = [s for s in find_series(folder) if s.info.series_uid == series_uid]
    if not found:
        raise InputError(f"The folder {folder} no longer holds the series {series_uid}.")
    if len(found) == 1:
        return found[0]
    return next((s for s in found if series_sha256(s) == sha256), found[0])


def series_sha256(series: Series) -> str:
    """Digest over the sorted digests of a series' files: the same wherever and however they are stored."""
    return combined_sha256([file_sha256(Path(path)) for path in series.files])


def combined_sha256(digests: list[str]) -> str:
    """SHA-256 over sorted hexadecimal digests, one per line."""
    import hashlib

    return hashlib.sha256("".join(f"{digest}\n" for digest in sorted(digests)).encode()).hexdigest()
