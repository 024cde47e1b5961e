"""Entries of a file of options: one for each field of what an export is asked to do, found in the dataclasses.

An entry is called as the option is in Python (``se.export``), and its value is the one that is passed there.
A new field of ``ExportRequest`` or ``DataSetOptions`` is an entry without another word, as long as it is
called as its option.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import InputError
from .data_set import DataSetOptions
from .request import ExportRequest

# Fields that are not called as their options.
_KEYWORDS = {"uid_salt": "new_uids"}
_PIECES = frozenset({"thickness", "thickness_mm", "block", "block_mm", "crop", "cut_at"})
_ABOUT_DICOM = frozenset({"modality", "patient_name", "patient_id", "study_description", "segments", "quantize"})
# What an option that is given takes the place of, of those in a file.
_INSTEAD_OF: dict[str, frozenset[str]] = {
    "thickness": _PIECES,
    "thickness_mm": _PIECES,
    "axis": frozenset({"block", "block_mm", "crop"}),
    "cut_at": _PIECES | {"remainder"},
    "remainder": frozenset({"cut_at"}),
    "block": _PIECES | {"axis"},
    "block_mm": _PIECES | {"axis"},
    "crop": _PIECES | {"axis", "overlap", "remainder"},
    "within": frozenset({"crop_to", "margin"}),
    "crop_to": frozenset({"within"}),
    "keep": frozenset({"min_fraction"}),
    "frame": frozenset({"split_series", "frames"}),
    "frames": frozenset({"split_series", "frame"}),
    "split_series": frozenset({"frame", "frames"}),
    "orient": frozenset({"like"}),
    "spacing": frozenset({"like"}),
    "like": frozenset({"orient", "spacing"}),
    "allow_uneven": frozenset({"resample"}),
    "resample": frozenset({"allow_uneven"}),
    "format": _ABOUT_DICOM | {"new_uids"},
}
# Values beside which the others keep their sense.
_AGREES = {"format": ("dicom",), "keep": ("labelled", "body"), "remainder": ("keep",)}


@dataclass(frozen=True)
class Entry:
    """One option.

    Attributes:
        keyword: its name in Python.
        place: names of the fields that lead to its value in ``ExportRequest`` or ``DataSetOptions``.
        hint: type of the value.
        default: value where it is not given.
        is_path: whether it names a file.
    """

    keyword: str
    place: tuple[str, ...]
    hint: Any
    default: Any
    is_path: bool

    def holds(self, value: Any) -> bool:
        """Return whether a value out of a file is of the right kind."""
        return value is None or _fits(value, str | bool if self.keyword == "new_uids" else self.hint)


@cache
def entries() -> dict[str, Entry]:
    """Return all options that travel, by keyword: those of the request, then those of the data set."""
    return {entry.keyword: entry for kind in (ExportRequest, DataSetOptions) for entry in _entries_of(kind, kind())}


def _entries_of(kind: Any, default: Any, before: tuple[str, ...] = ()) -> list[Entry]:
    hints, found = get_type_hints(kind), []
    for field in fields(kind):
        value, place = getattr(default, field.name), (*before, field.name)
        if is_dataclass(value):
            found += _entries_of(type(value), value, place)
        else:
            keyword = _KEYWORDS.get(field.name, field.name)
            found.append(Entry(keyword, place, hints[field.name], value, bool(field.metadata.get("path"))))
    return found


def values_in(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by keyword in a document with the places of ``ExportRequest``; what it lacks is not used.

    >>> values_in({"slabs": {"thickness": 32}, "format": "nrrd"})["thickness"]
    32

    Raises:
        KeyError: it has a place that no option knows, which is named.
    """
    leaves = _leaves(asked)
    known = {entry.place: entry for entry in entries().values()}
    unknown = next((place for place in leaves if place not in known and not place[-1].endswith("_sha256")), None)
    if unknown is not None:
        raise KeyError(".".join(unknown))
    found = {entry.keyword: leaves.get(place, entry.default) for place, entry in known.items()}
    return _without_ignored(found)


def _leaves(document: Mapping[str, Any], before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for name, value in document.items():
        place = (*before, name)
        leaves |= _leaves(value, place) if isinstance(value, Mapping) else {place: value}
    return leaves


def _without_ignored(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with None for what others make meaningless, so that they do not contradict each other."""
    whole = bool(values["crop"] or values["block"] or values["block_mm"])
    no_thickness = whole or values["thickness_mm"] is not None or values["cut_at"] is not None
    ignored = {"thickness": no_thickness, "axis": whole}
    plain = {"new_uids": values["new_uids"] or False}
    return values | plain | {keyword: None for keyword, is_ignored in ignored.items() if is_ignored}


def require_known(name: str, found: Mapping[str, Any]) -> None:
    """Refuse entries of a file that are unknown or of the wrong kind.

    Args:
        name: of the file, for the sentence.
        found: its entries.

    Raises:
        InputError: naming the first one.
    """
    for keyword, value in found.items():
        entry = entries().get(keyword)
        if entry is None:
            near = difflib.get_close_matches(keyword, entries(), n=1)
            hint = f"; is '{near[0]}' meant?" if near else "."
            raise InputError(f"{name} has an entry '{keyword}', and there is no option of that name{hint}")
        if not entry.holds(value):
            raise InputError(f"{name}: the entry '{keyword}' cannot be {str(value)[:60]!r}.")


def merged(of_file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a file with those that are given beside it, which win, also over what they contradict.

    >>> merged({"thickness": 64, "overlap": 8, "remainder": "pad"}, {"block": "64,64,64", "overlap": 0})
    {'remainder': 'pad', 'block': '64,64,64', 'overlap': 0}
    """
    typed = {keyword: value for keyword, value in given.items() if value is not None or keyword == "fill"}
    dropped = frozenset(typed).union(*(_replaced_by(keyword, value) for keyword, value in typed.items()))
    return {keyword: value for keyword, value in of_file.items() if keyword not in dropped} | typed


def _replaced_by(keyword: str, value: Any) -> frozenset[str]:
    agrees = value is False or value in _AGREES.get(keyword, ())
    return frozenset() if agrees else _INSTEAD_OF.get(keyword, frozenset())


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what two sets of values by keyword differ in: "thickness: 64, now 32".

    >>> differences({"thickness": 64, "overlap": 0}, {"thickness": 32, "overlap": 0})
    ['thickness: 64, now 32']
    """
    told = []
    for keyword, entry in entries().items():
        one, other = (_plain(values.get(keyword, entry.default)) for values in (before, now))
        if one != other:
            told.append(f"{keyword}: {_said(one)}, now {_said(other)}")
    return told


def said(values: Mapping[str, Any]) -> str:
    """Return those of the values that are given, for a person.

    >>> said({"thickness": 64, "block": None, "crop": False, "split": [0.8, 0.2], "channels": []})
    'thickness 64, split 0.8,0.2'
    """
    given = {keyword: value for keyword, value in values.items() if value not in (None, [], ()) and value is not False}
    return ", ".join(f"{keyword} {_said(_plain(value))}" for keyword, value in given.items())


def _plain(value: Any) -> Any:
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value


def _said(value: Any) -> str:
    return "not given" if value is None else ",".join(map(_said, value)) if isinstance(value, list) else str(value)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value of JSON is of an annotated type; a list is a tuple there, a whole number a float too."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        if inner[1:] == (...,):
            return all(_fits(one, inner[0]) for one in value)
        return len(value) == len(inner) and all(map(_fits, value, inner))
    if isinstance(value, bool):
        return hint is bool
    return value is None if hint is type(None) else isinstance(value, (int, float) if hint is float else hint)
