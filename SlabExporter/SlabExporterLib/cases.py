"""Which cases an export works on: from the arguments to image and label files with distinct names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .dicom.headers import looks_like_dicom
from .dicom.scan import find_series, volumes_of
from .dicom.series import Series
from .pure.errors import InputError, RequestError
from .pure.naming import (
    DATA_ONLY_EXTENSIONS,
    case_names,
    safe_name,
    volume_extension,
    volume_stem,
)


@dataclass(frozen=True)
class Case:
    """Files of one case.

    Attributes:
        name: of the case, distinct and safe as a file name.
        image: the volume file, or the folder of the DICOM series.
        labels: label files, by the name of their set.
        series: the DICOM series in that folder; None for volume files.
    """

    name: str
    image: Path
    labels: dict[str, Path]
    series: Series | None = None


def find_cases(inputs: list[Path], labels: list[str], out: Path | None = None, anonymous: bool = False) -> list[Case]:
    """Cases for the inputs, in order, with their label maps.

    Args:
        inputs: volume files, or folders whose volume files are taken in order of name; folders of
            DICOM files, each series of which is a case.
        labels: label sets as on the command line: a file or a folder, "NAME=PATH" to name the set.
        out: the output folder, which is never searched for inputs.
        anonymous: name cases of DICOM series without saying whose they are.

    Raises:
        RequestError: a file given twice, or a label file for several images.
        InputError: a folder without volumes, a label path that is not there, an image without a label.
    """
    images = [source for path in inputs for source in _sources_of(path, out)]
    given = [(path.resolve(), series and series.info.series_uid) for path, series in images]
    for n, (path, _) in enumerate(images):
        if given[n] in given[:n]:
            raise RequestError(f"{path} is given twice.")
    sets = _label_sets(labels)
    names = case_names([path if series is None else series.named_path(anonymous) for path, series in images])
    return [
        Case(
            name,
            image,
            {label: _label_for(name, image, series, path, label, len(images)) for label, path in sets.items()},
            series,
        )
        for name, (image, series) in zip(names, images, strict=True)
    ]


def _sources_of(path: Path, out: Path | None) -> list[tuple[Path, Series | None]]:
    """Volume files of a folder; where it has none, the DICOM series in it and below it."""
    if not path.is_dir():
        return _series_of(path, None) if looks_like_dicom(path) else [(path, None)]
    skipped = out.resolve() if out is not None else None
    if skipped == path.resolve():
        raise RequestError(f"Input and output are the same folder, {path}; choose another output folder.")
    found = sorted(
        file
        for file in path.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and volume_extension(file) not in (None, *DATA_ONLY_EXTENSIONS)
    )
    series = _series_of(path, skipped, recursive=not found)
    if not found and not series:
        raise InputError(
            f"The folder {path} holds no volume files (.nii, .nii.gz, .nrrd, .mha and so on) and no DICOM images."
        )
    return [(file, None) for file in found] + series


def _series_of(path: Path, skip: Path | None, recursive: bool = True) -> list[tuple[Path, Series | None]]:
    return [(Path(series.folder), series) for series in volumes_of(path, find_series(path, recursive, skip))]


def _label_sets(labels: list[str]) -> dict[str, Path]:
    sets: dict[str, Path] = {}
    for text in labels:
        name, equals, rest = text.partition("=")
        named = bool(equals) and not Path(text).exists()
        path = Path(rest if named else text)
        if not path.exists():
            raise InputError(f"The label path {path} does not exist.")
        key = safe_name(name) if named else "labels" if not sets else f"labels-{len(sets) + 1}"
        if key in sets:
            raise RequestError(f"Two label sets are called '{key}'; name them apart with NAME=PATH.")
        sets[key] = path
    return sets


def _label_for(case: str, image: Path, series: Series | None, path: Path, name: str, images: int) -> Path:
    if not path.is_dir():
        if images > 1:
            raise RequestError(
                f"The label set '{name}' is one file, {path}, but there are {images} images; "
                "give a folder of label maps."
            )
        return path
    # A series' label map is named like its case, or like its folder.
    stems = [volume_stem(image)] if series is None else [case, image.name]
    matches = sorted(
        file
        for file in path.iterdir()
        if file.is_file() and volume_extension(file) not in (None, *DATA_ONLY_EXTENSIONS) and volume_stem(file) in stems
    )
    if len(matches) != 1:
        found = "none" if not matches else f"{len(matches)} ({', '.join(m.name for m in matches)})"
        raise InputError(
            f"The label folder {path} should hold one label map called '{stems[0]}' for {image.name}; it holds {found}."
        )
    return matches[0]
