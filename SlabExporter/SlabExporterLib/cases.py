"""Which cases an export works on: from the arguments to image and label files with distinct names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
        image: the volume file.
        labels: label files, by the name of their set.
    """

    name: str
    image: Path
    labels: dict[str, Path]


def find_cases(inputs: list[Path], labels: list[str], out: Path | None = None) -> list[Case]:
    """Cases for the inputs, in order, with their label maps.

    Args:
        inputs: volume files, or folders whose volume files are taken in order of name.
        labels: label sets as on the command line: a file or a folder, "NAME=PATH" to name the set.
        out: the output folder, which is never searched for inputs.

    Raises:
        RequestError: a file given twice, or a label file for several images.
        InputError: a folder without volumes, a label path that is not there, an image without a label.
    """
    images = [file for path in inputs for file in _files_of(path, out)]
    resolved = [path.resolve() for path in images]
    for n, path in enumerate(images):
        if resolved[n] in resolved[:n]:
            raise RequestError(f"{path} is given twice.")
    sets = _label_sets(labels)
    return [
        Case(name, image, {label: _label_for(image, path, label, len(images)) for label, path in sets.items()})
        for name, image in zip(case_names(images), images, strict=True)
    ]


def _files_of(path: Path, out: Path | None) -> list[Path]:
    if not path.is_dir():
        return [path]
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
    if not found:
        raise InputError(f"The folder {path} holds no volume files (.nii, .nii.gz, .nrrd, .mha and so on).")
    return found


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


def _label_for(image: Path, path: Path, name: str, images: int) -> Path:
    if not path.is_dir():
        if images > 1:
            raise RequestError(
                f"The label set '{name}' is one file, {path}, but there are {images} images; "
                "give a folder of label maps."
            )
        return path
    stem = volume_stem(image)
    matches = sorted(
        file
        for file in path.iterdir()
        if file.is_file() and volume_extension(file) not in (None, *DATA_ONLY_EXTENSIONS) and volume_stem(file) == stem
    )
    if len(matches) != 1:
        found = "none" if not matches else f"{len(matches)} ({', '.join(m.name for m in matches)})"
        raise InputError(
            f"The label folder {path} should hold one label map called '{stem}' for {image.name}; it holds {found}."
        )
    return matches[0]
