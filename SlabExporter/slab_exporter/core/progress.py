"""Progress and cancel: one callable, called with events; it may raise ``Cancelled``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .naming import PieceKind

EventKind = Literal[
    "case-started",
    "slab-finished",
    "waiting",
    "case-finished",
    "case-skipped",
    "case-failed",
    "warning",
]


@dataclass(frozen=True)
class ProgressEvent:
    """An event of an export.

    Attributes:
        kind: one of ``EventKind``; "waiting" comes often and says only that the work goes on.
        case: name of the case.
        done: slabs finished in this case.
        total: slabs of this case.
        message: a sentence, where there is something to say.
        slab: the slab's record in the manifest, for "slab-finished".
        piece: what the slabs are called.
    """

    kind: EventKind
    case: str
    done: int = 0
    total: int = 0
    message: str = ""
    slab: Any = None
    piece: PieceKind = "slab"

    def to_json(self) -> dict[str, Any]:
        """Return the event as the document that a program reads."""
        result: dict[str, Any] = {"event": self.kind, "case": self.case}
        if self.total:
            result |= {"done": self.done, "total": self.total}
        if self.message:
            result["message"] = self.message
        if self.slab is not None:
            result["slab"] = self.slab.to_json()
        return result


Progress = Callable[[ProgressEvent], None]


def no_progress(event: ProgressEvent) -> None:
    """Ignore an event."""
