"""options.json: the options of an export, resolved, beside its cases; reading them, or those of a manifest, again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import InputError, RequestError, SlabExporterError, reading
from ..core.manifest import FILE_NAME
from ..core.manifest import SCHEMA as MANIFEST
from ..core.naming import OPTIONS
from ..core.options import DataSetOptions, ExportRequest
from ..core.options.entries import differences, entries, require_known, values_in
from ..core.text import Option, Sentence
from ..files.disk import write_file

SCHEMA = "slab-exporter-options/1"
# Entries that must not be named, and have to be given again.
_NOT_NAMED = "not_named"


def resolved_options(request: ExportRequest, data_set: DataSetOptions) -> dict[str, Any]:
    """Return every option that shapes an export, by its name in Python; None where it has no value.

    Paths are absolute, so that the options can be used from another folder; in a deidentified export they are None.

    >>> from slab_exporter.core.options import SlabOptions
    >>> options = resolved_options(ExportRequest(SlabOptions(thickness_mm=96)), DataSetOptions())
    >>> options["thickness"], options["thickness_mm"], options["remainder"], options["seed"]
    (None, 96, 'keep', 0)
    """
    values = values_in(json.loads(json.dumps(asdict(request) | asdict(data_set))))
    for keyword in _telling(values):
        if request.deidentify:
            values[keyword] = None
        elif entries()[keyword].is_path:
            values[keyword] = os.path.abspath(values[keyword])
    return values


def options_text(request: ExportRequest, data_set: DataSetOptions) -> str:
    """Return the content of options.json; the same options give the same text."""
    document = {
        "schema": SCHEMA,
        "created_with": {"slab_exporter": __version__},
        "options": resolved_options(request, data_set),
    }
    named = values_in(asdict(request) | asdict(data_set))
    if request.deidentify and (left := _telling(named)):
        document[_NOT_NAMED] = left
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_options(out: Path, request: ExportRequest, data_set: DataSetOptions, resume: bool) -> Sentence | None:
    """Write options.json of an export that begins.

    Returns:
        A sentence on how they differ from those of the earlier export that is gone on with; None where they do not.

    Raises:
        OutputError: it could not be written.
    """
    path, text = out / OPTIONS, options_text(request, data_set)
    before: Mapping[str, Any] | None = None
    if resume and path.is_file():
        with suppress(SlabExporterError, ValueError):  # damaged: it is written anew
            before, _ = _read(path)
    write_file(path, text)
    told = [] if before is None else differences(before, resolved_options(request, data_set))
    if not told:
        return None
    return Sentence(f"The options differ from those of the earlier export in {out.name} ({'; '.join(told)}).")


def read_options(path: Path, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the options in a file, by their names in Python; those without a value are left out.

    Args:
        path: an options.json, the manifest of a case, or a folder that holds one of them. Paths in it are relative to
            its folder.
        given: options that are given beside the file, and need not stand in it.

    Raises:
        InputError: it cannot be read, or an entry is unknown or of the wrong kind.
        RequestError: it does not name a file that is needed, since it is of a deidentified export.
    """
    path = _file_in(path)
    values, left = _read(path)
    for keyword in left:
        if keyword not in (given or {}):
            raise RequestError(
                f"{path} is of a deidentified export and does not name the file of ",
                Option(str(keyword)),
                "; give it.",
            )
    for keyword in _paths(values):
        values[keyword] = os.path.join(path.parent.absolute(), values[keyword])
    return {keyword: value for keyword, value in values.items() if value is not None}


def _read(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """Return all entries of a file, and which of them it must not name."""
    document = _document(path)
    if document.get("schema") == SCHEMA:
        values, left = document.get("options"), document.get(_NOT_NAMED, [])
    elif document.get("schema") == MANIFEST:
        values, left = _of_manifest(path, document)
    else:
        raise InputError(f"{path} holds no options: it is neither an {OPTIONS} nor a {FILE_NAME}.")
    if not isinstance(values, dict) or not isinstance(left, list):
        raise InputError(f"{path} is damaged: its options are missing.")
    require_known(str(path), values)
    return values, left


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    return next((path / name for name in (OPTIONS, FILE_NAME) if (path / name).is_file()), path / OPTIONS)


def _document(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no file of options: it is not a plain file.")
    try:
        with reading(f"The file of options {path}"):
            document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no file of options: it is not valid JSON.") from error
    return document if isinstance(document, dict) else {}


def _of_manifest(path: Path, document: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the options that a case was exported with, and which of them the manifest must not name."""
    plan = document.get("plan")
    asked = plan.get("asked") if isinstance(plan, dict) else None
    if not isinstance(plan, dict) or not isinstance(asked, dict):
        return None, []
    try:
        values = values_in(asked)
    except KeyError as error:
        raise InputError(f"{path} was asked for '{error.args[0]}', which this version does not know.") from error
    dicom, prepare = asked.get("dicom") or {}, asked.get("prepare") or {}
    sums = {"within": asked.get("within_sha256"), "segments": dicom.get("segments_sha256")}
    sums["like"] = prepare.get("like_grid_sha256")
    if values["like"] is not None:
        values["like"] = document["prepared"]["resample"]["like"]
    if values["within"] is not None:
        values["within"] = plan.get("within")  # "asked" has its name alone
    return values, [keyword for keyword, checksum in sums.items() if checksum and values[keyword] is None]


def _paths(values: Mapping[str, Any]) -> list[str]:
    return [keyword for keyword, entry in entries().items() if entry.is_path and values.get(keyword) is not None]


def _telling(values: Mapping[str, Any]) -> list[str]:
    """Return the options that name files: by paths, or by patterns of their names."""
    patterns = ["channels"] if any("=" in text for text in values["channels"]) else []
    return [*_paths(values), *patterns]
