"""Names and colours of label values: from a table, from a Slicer segmentation, or plain."""

from __future__ import annotations

import colorsys
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.volume import SourceVolume

# Segment numbers are 16-bit (PS3.3 C.8.20.2, SegmentNumber US)
_MOST_SEGMENTS = 65535
# Column names of Slicer's colour tables (.csv), and shorter ones that people write
_VALUE = ("labelvalue", "value", "label", "index")
_NAME = ("name", "segment", "segmentname")
_RGB = (("color_r", "r", "red"), ("color_g", "g", "green"), ("color_b", "b", "blue"))
# PS3.16 CID 7150: "Tissue" says no more than a label map does
_TISSUE = ("85756007", "SCT", "Tissue")
_CODES = ("SegmentedPropertyCategory", "SegmentedPropertyType")

Code = tuple[str, str, str]


@dataclass(frozen=True)
class Segment:
    """One value of a label map.

    Attributes:
        number: in the DICOM segmentation, from 1 without gaps.
        value: in the label map.
        name: for people.
        rgb: 0 to 255.
        category: code value, coding scheme, meaning of what it is.
        kind: the same, closer.
    """

    number: int
    value: int
    name: str
    rgb: tuple[int, int, int]
    category: Code = _TISSUE
    kind: Code = _TISSUE


@dataclass(frozen=True)
class _Entry:
    name: str
    rgb: tuple[int, int, int] | None = None
    category: Code = _TISSUE
    kind: Code = _TISSUE


def segments_of(label: SourceVolume, table: str | None) -> tuple[Segment, ...]:
    """A segment for each value but 0 of a whole label map; all slabs of a case number them alike.

    Args:
        label: the label map.
        table: path of a .csv with columns LabelValue and Name, and perhaps Color_R, Color_G, Color_B.

    Raises:
        InputError: the map's values or the table make no sense.
    """
    values = _values(label)
    colours = dict(label.colours)
    entries = {value: _Entry(_clean(name), colours.get(value)) for value, name in label.segments}
    if table is not None:
        entries = entries | _from_table(Path(table))
    return tuple(
        Segment(number, value, entry.name, entry.rgb or _colour(value), entry.category, entry.kind)
        for number, value in enumerate(values, start=1)
        for entry in [entries.get(value, _Entry(f"Label {value}"))]
    )


def _values(label: SourceVolume) -> list[int]:
    voxels: npt.NDArray = label.voxels_kji
    found = np.unique(voxels)
    if not np.all(np.isfinite(found)) or np.any(found != np.rint(found)) or found[0] < 0:
        raise InputError(f"{label.name} is not a label map: its values are not whole numbers from 0.")
    values = [int(value) for value in found if value != 0]
    if len(values) > _MOST_SEGMENTS:
        raise InputError(f"{label.name} has {len(values)} values; a DICOM segmentation holds {_MOST_SEGMENTS}.")
    return values


def _colour(value: int) -> tuple[int, int, int]:
    """Distinct for neighbouring values: the golden angle around the colour wheel."""
    r, g, b = colorsys.hsv_to_rgb(value * 0.618033988749895 % 1.0, 0.75, 0.95)
    return round(r * 255), round(g * 255), round(b * 255)


def _from_table(path: Path) -> dict[int, _Entry]:
    if path.exists() and not path.is_file():
        raise InputError(f"The table of segments {path} is not a plain file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [{(k or "").strip().lower(): v for k, v in row.items()} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The table of segments {path} cannot be read: {error}.") from error
    entries: dict[int, _Entry] = {}
    for line, row in enumerate(rows, start=2):
        value, name = _first(row, _VALUE), _first(row, _NAME)
        if value is None or name is None:
            raise InputError(f"The table of segments {path} needs the columns LabelValue and Name.")
        try:
            rgb = [None if (text := _first(row, names)) is None else int(float(text)) for names in _RGB]
            colour = None if None in rgb else tuple(min(255, max(0, int(c or 0))) for c in rgb)
            codes = [_code(row, prefix) for prefix in _CODES]
            entries[int(value)] = _Entry(_clean(name), colour, *codes)  # type: ignore[arg-type]
        except (ValueError, OverflowError) as error:
            raise InputError(f"The table of segments {path}, line {line}: a number is expected ({error}).") from error
    return entries


def _code(row: dict[str, str], prefix: str) -> Code:
    """Slicer's columns <prefix>_CodeValue and so on."""
    parts = [row.get(f"{prefix}_{part}".lower()) or "" for part in ("CodeValue", "CodingScheme", "CodeMeaning")]
    if not all(part.strip() for part in parts) or len(parts[0]) > 16 or len(parts[1]) > 16:
        return _TISSUE
    return parts[0].strip(), parts[1].strip(), _clean(parts[2])


def _first(row: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((text.strip() for name in names if (text := row.get(name)) and text.strip()), None)


def _clean(text: str) -> str:
    """Return what LO can hold (PS3.5 6.2)."""
    cleaned = "".join("_" if c == "\\" or ord(c) < 32 else c for c in text).strip()[:64]
    return cleaned or "unnamed"
