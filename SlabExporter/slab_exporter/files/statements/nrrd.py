"""NRRD headers: https://teem.sourceforge.net/nrrd/format.html."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from ...core.errors import InputError
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


# Units of time, as headers write them, by what they are called here.
_TIME = {"s": "s", "sec": "s", "second": "s", "seconds": "s", "ms": "ms", "msec": "ms", "us": "us", "usec": "us"}


def nrrd_frames(path: Path) -> tuple[float, str] | None:
    """Return (step, unit) from one volume to the next along a list axis; None where the header does not say.

    NRRD states them as the axis' "spacings" and "units"; Slicer's sequences as values of an index, one for each.
    """
    fields = _fields(path)
    kinds = fields.get("kinds", "").lower().split()
    axis = next((n for n, kind in enumerate(kinds) if kind in ("list", "time")), None)
    spacings, units = _numbers(fields.get("spacings", "")), re.findall(r'"([^"]*)"', fields.get("units", ""))
    if axis is None:
        return None
    unit = _TIME.get(units[axis].strip().lower(), "") if axis < len(units) else ""
    if axis < len(spacings) and spacings[axis] > 0:
        return spacings[axis], unit
    values, named = _index_values(path)
    steps = {round(b - a, 9) for a, b in pairwise(values)}
    return (steps.pop(), _TIME.get(named.lower(), "")) if len(steps) == 1 and min(steps) > 0 else None


def _index_values(path: Path) -> tuple[list[float], str]:
    """(values, unit) of the index of a sequence that Slicer wrote."""
    with path.open("rb") as file:
        head = re.split(rb"\r?\n\r?\n", file.read(_HEADER_LIMIT), maxsplit=1)[0].decode("utf-8", "replace")
    pairs = dict(re.findall(r"(?m)^axis \d+ index (\w+):=(.*)$", head))
    return _numbers(pairs.get("values", "")), pairs.get("unit", "").strip()
