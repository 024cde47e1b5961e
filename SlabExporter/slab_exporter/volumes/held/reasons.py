"""Why the file of a volume or sequence of a scene is not cut instead, in halves of sentences."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import SlabExporterError
from ...core.text import Sentence


def gone(path: Path, name: str) -> str:
    """Return that the file is not there."""
    return f"The file {path}, from which '{name}' was loaded, is gone"


def unreadable(name: str, error: SlabExporterError) -> Sentence:
    """Return that the file cannot be read, and why."""
    return Sentence(f"The file of '{name}' cannot be read any more (", error.sentence.without_full_stop(), ")")


def differing(path: Path, name: str, is_changed: bool) -> str:
    """Return that the file holds something else.

    Args:
        path: of the file.
        name: of the node.
        is_changed: whether the node was changed since it was loaded; else the file was.
    """
    if is_changed:
        return f"'{name}' has been changed in Slicer since it was loaded from {path}"
    return f"The file {path} no longer holds what '{name}' was loaded from it"
