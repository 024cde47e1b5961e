"""Columns of a list that name further images of a case: image_t1, image_flair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core.naming import safe_name, volume_extension

_PREFIXES = ("image_", "image:", "image-")


def channel_columns(columns: Sequence[str], rows: Sequence[dict[str, str]], folder: Path) -> dict[str, str]:
    """Return column -> channel, in order of the columns.

    A column is one if it is called image_NAME and holds volumes only: columns such as image_quality are passed
    through to the tables, as they always were.

    Args:
        columns: of the list.
        rows: their cells.
        folder: of the list, to which paths are relative.

    >>> channel_columns(["image_t1", "image_quality"], [{"image_t1": "a_t1.nii", "image_quality": "good"}], Path("in"))
    {'image_t1': 't1'}
    """
    return {
        column: safe_name(column[len(_PREFIXES[0]) :])
        for column in columns
        if column.casefold().startswith(_PREFIXES)
        and len(column) > len(_PREFIXES[0])
        and _holds_volumes([row[column] for row in rows if row.get(column)], folder)
    }


def _holds_volumes(cells: Sequence[str], folder: Path) -> bool:
    return bool(cells) and all(volume_extension(Path(cell)) is not None or _is_there(folder / cell) for cell in cells)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long
        return False
