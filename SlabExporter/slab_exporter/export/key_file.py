"""The table that says whose a deidentified case is, kept apart from the export."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..cases.case import Case
from ..core.errors import OutputError, RequestError, writing
from ..core.options import ExportRequest
from ..core.text import Option
from ..files.disk import begins_with, write_file
from ..report.summary import table_text
from .identity import KEY_COLUMNS, key_rows

_MARK = ",".join(KEY_COLUMNS)


def require_deidentify(key_file: Path | None, request: ExportRequest) -> None:
    """Refuse a key to cases that keep their names.

    Raises:
        RequestError: saying so.
    """
    if key_file is not None and not request.deidentify:
        raise RequestError(
            Option("key_file"), " tells what numbered cases were called; it needs ", Option.on("deidentify"), "."
        )


def write_key_file(key_file: Path, cases: Sequence[Case], out: Path, resume: bool, overwrite: bool) -> None:
    """Write the table of cases; only the file's owner may read it.

    Args:
        key_file: a new file outside of ``out``, or with ``overwrite`` an earlier table.
        cases: deidentified ones.
        out: the output folder.
        resume: an equal table of an earlier run may stay.
        overwrite: an earlier table is replaced.

    Raises:
        OutputError: it lies in ``out``, exists, or cannot be written.
    """
    if key_file.resolve().is_relative_to(out.resolve()):
        raise OutputError(
            f"The key file {key_file} lies in the output folder {out}, which must not say whose images these are; "
            "choose a place outside of it."
        )
    text = table_text(KEY_COLUMNS, key_rows(cases))
    if key_file.exists():
        if resume and not overwrite and _holds(key_file, text):
            return
        if not overwrite:
            raise OutputError(
                f"The key file {key_file} exists already{' and names other cases' if resume else ''}; choose another "
                "name, or add ",
                Option.on("overwrite"),
                " to replace it.",
            )
        if not key_file.is_file() or not begins_with(key_file, _MARK):
            raise OutputError(f"{key_file} is no key file of an export and is not replaced; choose another name.")
    write_file(key_file, text)
    with writing(key_file):
        key_file.chmod(0o600)


def _holds(path: Path, text: str) -> bool:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_bytes() == text.encode("utf-8", "backslashreplace")
    return False
