"""Volumes named by the command line: folders, patterns and lists are opened."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..core.errors import InputError, RequestError, reading
from ..core.naming import DATA_ONLY_EXTENSIONS, volume_extension
from ..dicom.reading.scan import find_series, is_dicom_file, only_series, series_of_files, volumes_of
from ..dicom.reading.series import Series
from ..files.disk import files_below, require_there
from ..files.network.addresses import is_address
from .channels.channel import Channel
from .lists import Beside, ListedCase, beside_list, is_list, read_list
from .matching import split_labels


@dataclass
class Found:
    """Images and label maps in the inputs.

    Attributes:
        images: in the order of the inputs, in order of path within a folder.
        labels: files in searched folders that are label maps by their names.
    """

    images: list[ListedCase] = field(default_factory=list)
    labels: list[Path] = field(default_factory=list)


def search_inputs(inputs: Sequence[Path], out: Path | None, beside: Beside = beside_list) -> Found:
    """Find the volumes in files, folders (searched recursively), glob patterns and lists.

    DICOM files that are given one by one are combined into series.

    Args:
        inputs: as on the command line.
        out: the output folder, which is never searched.
        beside: finds what a list names.

    Raises:
        RequestError: the output folder is an input.
        InputError: a path that does not exist, a folder without volumes, a pattern that matches nothing, a list that
            cannot be used.
    """
    found = Found()
    loose: list[Path] = []
    for given in inputs:
        with reading(given):
            if not glob.has_magic(str(given)) or is_address(given):
                require_there(given)
            for path in _expanded(given):
                _add(found, loose, path, out, beside)
    if loose:
        found.images += map(_listed_series, volumes_of(loose[0].parent, series_of_files(loose)))
    return found


def _add(found: Found, loose: list[Path], path: Path, out: Path | None, beside: Beside) -> None:
    if path.is_dir():
        _add_folder(found, path, out)
    elif is_list(path):
        for entry in read_list(path, beside):
            found.images += _opened(entry, out)
    elif is_dicom_file(path):
        loose.append(path)
    else:
        found.images.append(ListedCase(path))


def _expanded(path: Path) -> list[Path]:
    """The paths that a glob pattern matches; any other path as it is."""
    text = str(path)
    if not glob.has_magic(text) or path.exists():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))
    usable = [
        match for match in matches if match.is_dir() or is_list(match) or is_volume(match) or is_dicom_file(match)
    ]
    if not usable:
        raise InputError(f"The pattern {text} matches no volume file, folder or list.")
    return usable


def _add_folder(found: Found, folder: Path, out: Path | None) -> None:
    if out is not None and out.resolve() == folder.resolve():
        raise RequestError(f"Input and output are the same folder, {folder}; choose another output folder.")
    volumes = volume_files(folder, out)
    series = _series_below(folder, out, bool(volumes))
    stand_ins = [path for one in series for path in _stand_ins(one, folder)]
    images, labels = split_labels([*volumes, *stand_ins], folder)
    images = [path for path in images if path not in stand_ins]
    if not images and not series:
        raise InputError(
            f"The folder {folder} holds no volume files (.nii, .nii.gz, .nrrd, .mha and so on) and no DICOM images."
        )
    found.images += [ListedCase(path) for path in images]
    found.images += map(_listed_series, series)
    found.labels += labels


def _series_below(folder: Path, out: Path | None, has_volumes: bool) -> tuple[Series, ...]:
    """The DICOM volumes below a folder; what else of DICOM lies beside volume files is passed over."""
    try:
        return volumes_of(folder, find_series(folder, out))
    except InputError:
        if has_volumes:
            return ()
        raise


def _stand_ins(series: Series, folder: Path) -> list[Path]:
    """File names by which label maps know a series as theirs: its folder's, in the folder and beside it."""
    relative = Path(series.folder).relative_to(os.path.abspath(folder))
    inside = folder / relative / f"{Path(series.folder).name}.dcm"
    return [inside, inside.parent.with_name(inside.name)] if relative.parts else [inside]


def _opened(entry: ListedCase, out: Path | None) -> list[ListedCase]:
    """An entry of a list; where it names DICOM, one for each series."""
    if entry.channels and entry.problem is None:
        try:
            channels = {name: _opened_channel(channel) for name, channel in entry.channels.items()}
        except InputError as error:
            return [replace(entry, problem=error.sentence)]
        entry = replace(entry, channels=channels)
    if entry.problem is not None or (not entry.image.is_dir() and not is_dicom_file(entry.image)):
        return [entry]
    try:
        series = volumes_of(entry.image, find_series(entry.image, out))
        if not series:
            raise InputError(f"The folder {entry.image} holds no DICOM images.")
        if len(series) > 1 and (entry.name is not None or entry.labels or entry.channels):
            raise InputError(f"{entry.image} holds {len(series)} DICOM series; name the folder of each in the list.")
    except InputError as error:
        return [replace(entry, problem=error.sentence)]
    return [replace(entry, image=Path(one.folder), series=one) for one in series]


def _opened_channel(channel: Channel) -> Channel:
    """A further image of a list, with its series where it names DICOM."""
    if not channel.image.is_dir() and not is_dicom_file(channel.image):
        return channel
    series = only_series(channel.image)
    return Channel(Path(series.folder), series)


def _listed_series(series: Series) -> ListedCase:
    return ListedCase(Path(series.folder), series=series)


def volume_files(folder: Path, out: Path | None = None) -> list[Path]:
    """Volume files in a folder and all folders below, in order of path.

    Hidden files and folders, the output folder, and cases of earlier exports are passed over.
    """
    return sorted(filter(is_volume, files_below(folder, out)), key=_natural)


def is_volume(path: Path) -> bool:
    """Return whether a path is a file, or a link to what is not there, with the extension of a volume."""
    lost = path.is_symlink() and not path.exists()
    return volume_extension(path) not in (None, *DATA_ONLY_EXTENSIONS) and (path.is_file() or lost)


def _natural(path: Path) -> list[list[tuple[int, str]]]:
    """Order as people count: volume-2 before volume-10."""
    return [
        [(int(piece), "") if n % 2 else (-1, piece) for n, piece in enumerate(re.split(r"(\d+)", part))]
        for part in path.parts
    ]
