"""NRRD headers: https://teem.sourceforge.net/nrrd/format.html."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ...core.errors import InputError
from ...core.several.index import FrameIndex, time_unit
from .statement import GUESSED, Statement, unit_statement

# Spaces of a patient's body, which ITK converts to its own; others it takes for LPS without a word.
_PATIENT = {"right-anterior-superior", "left-anterior-superior", "left-posterior-superior", "ras", "las", "lps"}
_PATIENT |= {f"{name}-time" for name in _PATIENT if "-" in name} | {"rast", "last", "lpst"}
_HEADER_LIMIT = 1 << 16
_VECTOR = re.compile(r"\([^)]*\)|none")


def nrrd_statement(path: Path) -> Statement:
    """Read what a .nrrd or .nhdr file states.

    Raises:
        InputError: an axis has a negative size, or axes have different units.
    """
    fields = _fields(path)
    open_points: list[str] = []
    directed = "space directions" in fields
    sizes = _numbers(fields.get("spacings", ""))
    if any(size < 0 for size in sizes):
        raise InputError(f"{path}: 'spacings' holds a negative size ({fields['spacings']}); give positive ones.")
    without_size = "spacings" not in fields or any(size != size for size in sizes)
    if not directed:
        open_points += ["no orientation"] + (["no voxel size along some axis (1 is taken)"] if without_size else [])
    elif "none" in _VECTOR.findall(fields["space directions"])[-3:] and fields.get("dimension") == "3":
        open_points.append("no direction along some axis")
    space = fields.get("space", "").lower()
    if directed and not space:
        open_points.append("no space (right, anterior or the like)")
    elif space and space not in _PATIENT:
        open_points.append(f"the space '{space}', which says nothing about a patient,")
    if directed and "space origin" not in fields:
        open_points.append("no origin")
    unit_mm, warnings = _unit(path, fields, directed)
    if open_points:
        first, *more = open_points
        stated = " and ".join([first, *more])
        warnings = (f"The header states {stated}: LPS with ITK's numbers is a guess, {GUESSED}.", *warnings)
    return Statement(unit_mm, warnings)


def _fields(path: Path) -> dict[str, str]:
    """Fields by their names in small letters, up to the blank line."""
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    text = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0].decode("utf-8", "replace")
    lines = [line for line in text.splitlines()[1:] if not line.startswith("#") and ":=" not in line]
    pairs = (line.partition(":") for line in lines)
    fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
    return {_SPELLINGS.get(key, key): value for key, value in fields.items()}


_SPELLINGS = {"spaceorigin": "space origin", "spacedirections": "space directions", "spaceunits": "space units"}


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        return []


def _unit(path: Path, fields: dict[str, str], directed: bool) -> tuple[float, tuple[str, ...]]:
    """(millimetres in the unit, sentences): of the space, or of the axes where no space is stated."""
    name = "space units" if directed else "units"
    text = fields.get(name, "")
    units = set(re.findall(r'"([^"]*)"', text) or text.split()) - {"", "???", "none"}
    if not units:
        return 1.0, ()
    results = [unit_statement(unit, f"'{name}'") for unit in sorted(units)]
    if len({size for size, _ in results}) > 1:
        raise InputError(f"{path} gives its axes different units ('{name}': {text}). Save it with one unit.")
    return results[0]


def nrrd_frames(path: Path) -> tuple[float, str, float] | None:
    """Return (step, unit, start) of the volumes along a list axis; None where the header does not say.

    NRRD states them as the axis' "spacings" and "units"; Slicer's sequences as values of an index, one for each.
    """
    fields = _fields(path)
    axis = _list_axis(fields)
    spacings = _numbers(fields.get("spacings", ""))
    if axis is None:
        return None
    index = nrrd_index(path)
    times = None if index is None else index.times()
    if axis < len(spacings) and spacings[axis] > 0:
        return spacings[axis], time_unit(_axis_text(fields, "units", axis)), 0.0 if times is None else times[2]
    return times


def nrrd_index(path: Path) -> FrameIndex | None:
    """Return the index of a sequence or multi-volume that Slicer wrote; None where a file has none."""
    fields = _fields(path)
    axis = _list_axis(fields)
    if axis is None:
        return None
    with path.open("rb") as file:
        head = re.split(rb"\r?\n\r?\n", file.read(_HEADER_LIMIT), maxsplit=1)[0].decode("utf-8", "replace")
    pairs = dict(re.findall(r"(?m)^MultiVolume\.(\w+):=(.*?)\r?$", head))
    if "FrameLabels" in pairs:
        labels = tuple(label.strip() for label in pairs["FrameLabels"].split(","))
        tag = "FrameIdentifyingDICOMTag"
        return FrameIndex(pairs.get(f"{tag}Name", "").strip(), pairs.get(f"{tag}Units", "").strip(), labels)
    pairs = dict(re.findall(r"(?m)^axis \d+ index (\w+):=(.*?)\r?$", head))
    values = tuple(unquote(value) for value in pairs.get("values", "").split())
    unit = pairs.get("unit", "").strip() or _axis_text(fields, "units", axis)
    return FrameIndex(_axis_text(fields, "labels", axis), unit, values) if values else None


def _list_axis(fields: dict[str, str]) -> int | None:
    """Return the axis along which several volumes stand."""
    kinds = fields.get("kinds", "").lower().split()
    return next((n for n, kind in enumerate(kinds) if kind in ("list", "time")), None)


def _axis_text(fields: dict[str, str], name: str, axis: int) -> str:
    """Return what a field of quoted words says of an axis; "" for nothing."""
    words = re.findall(r'"([^"]*)"', fields.get(name, ""))
    return words[axis].strip() if axis < len(words) else ""
