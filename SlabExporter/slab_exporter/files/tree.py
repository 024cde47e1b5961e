"""All files below a folder, as they are searched for volumes and for DICOM images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import reading
from ..core.manifest import FILE_NAME, SCHEMA
from ..core.naming import SCRATCH


def files_below(folder: Path, skip: Path | None = None) -> Iterator[Path]:
    """Files in a folder and all folders below, in order of name, each folder once.

    Hidden files and folders, ``skip``, and cases of earlier exports, finished or not, are passed over.

    Raises:
        InputError: a folder cannot be read.
    """
    skipped = None if skip is None else skip.resolve()
    seen: set[Path] = set()
    for here, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        place = Path(here)
        resolved = place.resolve()
        if (
            resolved in seen
            or resolved == skipped
            or SCRATCH in folders
            or (FILE_NAME in names and is_exported_case(place))
        ):
            folders.clear()
            continue
        seen.add(resolved)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (place / name for name in sorted(names) if not name.startswith("."))


def _refuse(error: OSError) -> None:
    with reading(f"The folder {error.filename}"):
        raise error


def is_exported_case(folder: Path) -> bool:
    """Whether a folder holds our manifest, of whichever version, or files that are being written."""
    if (folder / SCRATCH).is_dir():
        return True
    with contextlib.suppress(OSError), (folder / FILE_NAME).open("rb") as file:
        return f'"schema": "{SCHEMA.partition("/")[0]}/'.encode() in file.read(4096)
    return False
