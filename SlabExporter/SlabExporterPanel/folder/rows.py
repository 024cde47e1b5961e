"""Rows of the section's table, one for each case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from slab_exporter.core.text import counted

from ..translation import tr as _

Stage = Literal["seen", "unusable", "waiting", "working", "complete", "failed", "stopped"]
HEADERS = (_("Case"), _("State"), _("Slabs"), _("Label maps"), _("Patient"), _("Part"), _("Voxels"))


@dataclass(frozen=True)
class CaseRow:
    """A case in the table; texts as shown.

    Attributes:
        case: its name.
        state: what has become of it, in words.
        stage: the same for the program.
        done: slabs that are finished.
        total: slabs planned; 0 if it cannot be exported, or is not known yet.
        verified: of those that are done.
        piece: what the slabs are called.
        patient: whose it is; cases of one patient stay in one part.
        part: of the data set.
        images: files.
        labels: name of each label set -> file.
        grid: size of the volume; empty where it is not known.
        notes: warnings.
        error: why it cannot be, or was not, exported.
    """

    case: str
    state: str = _("planned")
    stage: Stage = "seen"
    done: int = 0
    total: int = 0
    verified: int = 0
    piece: str = "slab"
    patient: str = ""
    part: str = ""
    images: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    grid: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """Texts under ``HEADERS``."""
        return (self.case, self.state, str(self.total or "-"), self._maps, self.patient, self.part, self.grid or "-")

    @property
    def _maps(self) -> str:
        names = [(name, _name(path)) for name, path in self.labels]
        return ", ".join(file if len(names) == 1 else f"{name}: {file}" for name, file in names) or _("none")

    @property
    def details(self) -> str:
        """All that is known of the case, line by line."""
        return "\n".join(
            (
                *([self.error] if self.error else ()),
                *(_("Warning: {text}").format(text=text) for text in self.notes),
                *(_("Image: {path}").format(path=path) for path in self.images),
                *(_("Labels '{name}': {path}").format(name=name, path=path) for name, path in self.labels),
            )
        )

    @property
    def is_bad(self) -> bool:
        """Whether it cannot be, or was not, exported for a reason of its own."""
        return self.stage in ("unusable", "failed")

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done about it."""
        return self.stage in ("complete", "failed")


def planned_row(event: dict[str, Any]) -> CaseRow:
    """Return the row of a case that was looked at."""
    error, notes = event.get("error", ""), tuple(event["warnings"])
    why = _short(error, event["images"])
    state = _("complete in the output folder") if event["there"] else _("planned")
    warned = f"; {counted(len(notes), 'warning')}" if notes else ""
    known = "pieces" in event
    return CaseRow(
        case=event["case"],
        state=_("cannot be exported: {why}").format(why=why) if error else f"{state}{warned}",
        stage="unusable" if error else "seen",
        total=event.get("pieces", 0),
        piece=event.get("piece", "slab"),
        patient=event["patient"],
        part=event["part"],
        images=tuple(event["images"]),
        labels=tuple(event["labels"].items()),
        grid=f"{event['voxels']}, {event['spacing']} mm, {event['axes']}" if known else "",
        notes=notes,
        error=error,
    )


def waiting_row(row: CaseRow) -> CaseRow:
    """Return the row as an export begins."""
    return replace(row, state=_("waiting"), stage="waiting", done=0, verified=0, error="")


def stepped_row(row: CaseRow, event: dict[str, Any]) -> CaseRow:
    """Return the row after an event of the export."""
    kind, message = event["event"], event["message"]
    if kind == "warning":
        return row if message in row.notes else replace(row, notes=(*row.notes, message))
    if kind == "case-failed":
        return replace(
            row, state=_("failed: {why}").format(why=_short(message, row.images)), stage="failed", error=message
        )
    total, piece = event["total"] or row.total, event["piece"]
    row = replace(row, done=event["done"], total=total, piece=piece)
    if kind == "case-skipped":
        return replace(row, state=_("complete already"), stage="complete", verified=0)
    row = replace(row, verified=row.verified + bool(event.get("verified")))
    if kind == "case-finished":
        return replace(row, state=_complete(row), stage="complete", done=row.total)
    state = _("{done} of {slabs}").format(done=row.done, slabs=counted(row.total, row.piece))
    return replace(row, state=state, stage="working")


def stopped_row(row: CaseRow, word: str) -> CaseRow:
    """Return the row when the export has ended; ``word`` is what became of a case that was begun."""
    if row.stage not in ("waiting", "working"):
        return row
    return replace(row, state=word if row.stage == "working" else _("not begun"), stage="stopped", done=0)


def _complete(row: CaseRow) -> str:
    count = counted(row.total, row.piece)
    if row.verified == row.total:
        return _("complete: {slabs}, verified").format(slabs=count)
    return _("complete: {slabs}, {count} verified").format(slabs=count, count=row.verified)


def _short(text: str, images: Iterable[str]) -> str:
    """Return a sentence with the names of the case's files for their paths; the row's details have the whole."""
    for path in images:
        text = text.replace(path, _name(path))
    return text


def _name(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]
