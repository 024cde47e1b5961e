"""From what stands on the command line to volume files: folders, patterns and lists are opened up."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..dicom.headers import looks_like_dicom
from ..dicom.scan import find_series, volumes_of
from ..pure.conventions import split_labels
from ..pure.errors import InputError, RequestError
from ..pure.manifest import FILE_NAME
from ..pure.naming import DATA_ONLY_EXTENSIONS, volume_extension
from .lists import ListedCase, is_list, read_list


@dataclass
class Found:
    """What the inputs hold.

    Attributes:
        images: in the order of the inputs, in order of path within a folder.
        labels: files in searched folders that are label maps by their names.
    """

    images: list[ListedCase] = field(default_factory=list)
    labels: list[Path] = field(default_factory=list)


def search_inputs(inputs: list[Path], out: Path | None) -> Found:
    """Open up files, folders (searched to the bottom), glob patterns and lists.

    Args:
        inputs: as on the command line.
        out: the output folder, which is never searched.

    Raises:
        RequestError: the output folder is an input.
        InputError: a folder without volumes and DICOM series, a pattern without matches, a list that cannot be used.
    """
    found = Found()
    for given in inputs:
        for path in _expanded(given):
            if path.is_dir():
                _add_folder(found, path, out)
            elif is_list(path):
                found.images += [_listed_series(entry) for entry in read_list(path)]
            else:
                found.images += _series_in(path, None) if looks_like_dicom(path) else [ListedCase(path)]
    return found


def _expanded(path: Path) -> list[Path]:
    """The paths that a glob pattern matches; any other path as it is."""
    text = str(path)
    if not glob.has_magic(text) or path.exists():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))
    usable = [match for match in matches if match.is_dir() or is_list(match) or is_volume(match)]
    if not usable:
        raise InputError(f"The pattern {text} matches no volume file, folder or list.")
    return usable


def _add_folder(found: Found, folder: Path, out: Path | None) -> None:
    if out is not None and out.resolve() == folder.resolve():
        raise RequestError(f"Input and output are the same folder, {folder}; choose another output folder.")
    images, labels = split_labels(volume_files(folder, out), folder)
    entries = [*(ListedCase(path) for path in images), *_series_in(folder, out)]
    if not entries:
        raise InputError(
            f"The folder {folder} holds no volume files (.nii, .nii.gz, .nrrd, .mha and so on) and no DICOM images."
        )
    found.images += entries
    found.labels += labels


def _series_in(path: Path, out: Path | None) -> list[ListedCase]:
    """Each DICOM series below a folder, or that of one file."""
    series = volumes_of(path, find_series(path, skip=out))
    return [ListedCase(Path(one.folder), series=one) for one in series]


def _listed_series(entry: ListedCase) -> ListedCase:
    """A row of a list that names a folder: the one DICOM series in it."""
    if not entry.image.is_dir():
        return entry
    series = _series_in(entry.image, None)
    if len(series) != 1:
        raise InputError(f"The folder {entry.image} in a list should hold one DICOM series; it holds {len(series)}.")
    return replace(entry, image=series[0].image, series=series[0].series)


def volume_files(folder: Path, out: Path | None = None) -> list[Path]:
    """Volume files in a folder and all folders below, in order of path.

    Hidden files and folders, the output folder, and cases of earlier exports are passed over.
    """
    skipped = None if out is None else out.resolve()
    files: list[Path] = []
    seen: set[Path] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        place = Path(here)
        resolved = place.resolve()
        if resolved in seen or resolved == skipped or FILE_NAME in names:
            folders.clear()
            continue
        seen.add(resolved)
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [place / name for name in names if not name.startswith(".") and is_volume(place / name)]
    return sorted(files, key=_natural)


def is_volume(path: Path) -> bool:
    """Whether a path is a file with the extension of a volume."""
    return volume_extension(path) not in (None, *DATA_ONLY_EXTENSIONS) and path.is_file()


def _natural(path: Path) -> list[list[tuple[int, str]]]:
    """Order as people count: volume-2 before volume-10."""
    return [
        [(int(piece), "") if n % 2 else (-1, piece) for n, piece in enumerate(re.split(r"(\d+)", part))]
        for part in path.parts
    ]
