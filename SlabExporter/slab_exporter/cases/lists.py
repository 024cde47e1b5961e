"""Lists of cases: .csv (one row per case, any extra columns) and .txt (one path per line)."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..core.errors import InputError, reading
from ..core.naming import safe_name
from ..dicom.reading.series import Series
from ..files.disk import as_stored_there, missing
from ..files.network.addresses import address_of
from .channels.channel import Channel
from .channels.columns import channel_columns

LIST_EXTENSIONS = (".csv", ".tsv", ".txt")
_ROI_COLUMN = "within"
_LABEL_COLUMNS = ("label", "labels", "segmentation", "mask")


@dataclass(frozen=True)
class ListedCase:
    """One entry of a list.

    Attributes:
        image: the volume, or the folder of a DICOM series; relative paths are resolved against the list's folder.
        name: of the case, where the list names it.
        labels: label maps by the name of their set; None where the list has no column for them.
        columns: the other columns, as text, to be passed through.
        series: the DICOM series that ``image`` is the folder of; None for volume files.
        problem: why it cannot be exported, where that is known already.
        within: a markups file with an ROI, likewise relative to the list's folder; None for none.
        channel: name of the first channel, which ``image`` is; "" where the case has one image.
        channels: the further ones, by their names in order.
        named_by: a path whose last part is the name that all channels have in common; None: the image's.
        frame: which volume of a 4D file the first channel is; None for the only one.
    """

    image: Path
    name: str | None = None
    labels: dict[str, Path] | None = None
    columns: dict[str, str] = field(default_factory=dict)
    series: Series | None = None
    problem: str | None = None
    within: Path | None = None
    channel: str = ""
    channels: dict[str, Channel] = field(default_factory=dict)
    named_by: Path | None = None
    frame: int | None = None


def is_list(path: Path) -> bool:
    """Return whether a path is a list of cases, by its extension."""
    return path.suffix.lower() in LIST_EXTENSIONS


# Gives, for a list and what it names, the path, and a sentence where that is known not to be there.
Beside = Callable[[Path, str], tuple[Path, str | None]]


def beside_list(listed_in: Path, text: str) -> tuple[Path, str | None]:
    """Return a path relative to the list's folder; an address is none."""
    address = address_of(text)
    return (as_stored_there(listed_in.parent / text), None) if address is None else (Path(text), missing(Path(text)))


def read_list(path: Path, beside: Beside = beside_list) -> list[ListedCase]:
    """The cases of a .csv, .tsv or .txt file, in its order.

    Args:
        path: of the list.
        beside: finds what it names.

    Raises:
        InputError: missing, empty, not text, without an image column, a row without an image, or none
            of the images is there.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"The list {path} is not a plain file.")
    try:
        with reading(f"The list {path}"):
            text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"The list {path} is not UTF-8 text; save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise InputError(f"The list {path} is not text: it holds zero bytes.")
    cases = _text_lines(path, text, beside) if path.suffix.lower() == ".txt" else _table(path, text, beside)
    if not cases:
        raise InputError(f"The list {path} names no case.")
    there = list(map(_exists, cases))
    if not any(there):
        known = next((case.problem for case in cases if case.problem is not None), None)
        if known is not None:
            raise InputError(known)
        raise InputError(
            f"{path} is not a volume file, and as a list of volumes it names none that exists; the first would be "
            f"{cases[0].image} (paths are relative to the list's folder)."
        )
    return [
        case if known is not None else replace(case, problem=f"{case.image} cannot be read; fix path or permissions.")
        for case, known in zip(cases, there, strict=True)
    ]


def _exists(case: ListedCase) -> bool | None:
    """Return whether the image is there; None where the system cannot tell, for a name too long or a closed folder."""
    try:
        return case.image.exists()
    except OSError:
        return None


def _text_lines(path: Path, text: str, beside: Beside) -> list[ListedCase]:
    lines = (line.strip() for line in text.splitlines())
    found = [beside(path, line) for line in lines if line and not line.startswith("#")]
    return [ListedCase(image, problem=problem) for image, problem in found]


def _table(path: Path, text: str, beside: Beside) -> list[ListedCase]:
    try:
        return _table_rows(path, text, beside)
    except csv.Error as error:
        raise InputError(f"The list {path} is not a table that can be read: {error}.") from error


def _table_rows(path: Path, text: str, beside: Beside) -> list[ListedCase]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max("\t;,", key=first.count)
    reader = csv.DictReader(io.StringIO(text.lstrip()), delimiter=delimiter, skipinitialspace=True, strict=True)
    names = {(name or "").strip().casefold(): name for name in reader.fieldnames or []}
    _refuse_repeats(path, [(name or "").strip() for name in reader.fieldnames or []], "columns called")
    sets = _label_columns(names)
    _refuse_repeats(path, list(sets.values()), "columns for the label set")
    rows: dict[int, dict[str, str]] = {}
    for number, row in enumerate(reader, start=2):
        values = {key.strip(): (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if any("\n" in value for value in values.values()):
            raise InputError(f"{path}, line {number}: a field goes over several lines; is a quotation mark not closed?")
        if any(values.values()):
            rows[number] = values
    images = _image_columns(path, [column.strip() for column in names.values() if column], list(rows.values()))
    return [_row(path, number, values, names, sets, images, beside) for number, values in rows.items()]


def _image_columns(path: Path, columns: list[str], rows: list[dict[str, str]]) -> dict[str, str]:
    """Column -> channel, the first image's first; one column whose channel is "" where the cases have one image."""
    channels = channel_columns(columns, rows, path.parent)
    image = next((column for column in columns if column.casefold() == "image"), None)
    if image is None and not channels:
        raise InputError(
            f"The list {path} has no column 'image'; its columns are: {', '.join(columns) or 'none'}. "
            "It needs a first line such as: case,image,label"
        )
    if not channels:
        return {str(image): ""}
    found = channels if image is None else {image: "image", **channels}
    _refuse_repeats(path, list(found.values()), "columns for the channel")
    return found


def _refuse_repeats(path: Path, names: list[str], what: str) -> None:
    for name, count in Counter(name.casefold() for name in names).items():
        if name and count > 1:
            raise InputError(
                f"The list {path} has {count} {what} '{name}'; leave one of them out, or call label columns "
                "label_NAME with a name of its own each."
            )


def _label_columns(names: dict[str, str]) -> dict[str, str]:
    """Column -> name of its label set: "label" is "labels", "label_liver" or "label:liver" is "liver"."""
    sets = {}
    for lower, column in names.items():
        if lower in _LABEL_COLUMNS:
            sets[column.strip()] = "labels"
        elif lower.startswith(("label_", "label:", "label-")) and len(lower) > 6:
            sets[column.strip()] = safe_name(column.strip()[6:])
    return sets


def _row(
    path: Path,
    number: int,
    values: dict[str, str],
    names: dict[str, str],
    sets: dict[str, str],
    images: dict[str, str],
    beside: Beside,
) -> ListedCase:
    column, *others = images
    if not values[column]:
        raise InputError(f"{path}, line {number}: the column '{column}' is empty.")
    lacking = next((other for other in others if not values.get(other)), None)
    lost = [] if lacking is None else [f"{path}, line {number}: the column '{lacking}' is empty."]

    def file(cell: str) -> Path:
        found, problem = beside(path, values[cell])
        lost.extend([] if problem is None else [problem])
        return found

    case_column = names.get("case", "").strip()
    name = values.get(case_column) or None
    roi_column = names.get(_ROI_COLUMN, "").strip()
    taken = {*images, case_column, roi_column, *sets}
    return ListedCase(
        image=file(column),
        channel=images[column],
        channels={images[c]: Channel(file(c)) for c in others if values.get(c)},
        name=None if name is None else safe_name(name),
        labels={sets[c]: file(c) for c in sets if values.get(c)} if sets else None,
        columns={column: value for column, value in values.items() if column and column not in taken},
        within=file(roi_column) if values.get(roi_column) else None,
        problem=next(iter(lost), None),  # after all files have been found
    )
