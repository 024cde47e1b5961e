"""An export as the panel follows it: fraction done, a line of text, the state of each slab; and cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slab_exporter.core.errors import Cancelled, SlabExporterError
from slab_exporter.core.manifest import Manifest
from slab_exporter.core.progress import ProgressEvent
from slab_exporter.core.text import counted

from ..translation import tr as _
from .words import in_panel_words

VERIFIED = _("verified")
WRITTEN = _("written, not verified")
CANCELLED_TEXT = _("Cancelled. Nothing of this run was left behind; an earlier export of the case stays as it was.")


class Watch:
    """A progress callable that the panel can look at and cancel.

    Attributes:
        percent: 0 to 100.
        text: what is going on.
        patience_seconds: how often it wants to be called at least, so that the window is repainted.
    """

    patience_seconds = 0.05

    def __init__(self, refresh: Callable[[Any], None]) -> None:
        """Follow one run; ``refresh`` is called with the watch at every event."""
        self.percent = 0
        self.text = _("Reading …")
        self._refresh = refresh
        self._cancelled = False

    def cancel(self) -> None:
        """Stop at the next event."""
        self._cancelled = True
        self.text = _("Cancelling …")


class ExportWatch(Watch):
    """Follows an export, ten times a second at least; cases complete when it is cancelled stay complete.

    Attributes:
        states: text of the table's column for it, by slab number.
        told: sentences that a user should read, as they came.
    """

    def __init__(self, refresh: Callable[[ExportWatch], None]) -> None:
        super().__init__(refresh)
        self._complete: str | None = None
        self.states: dict[int, str] = {}
        self.told: list[str] = []

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of an event.

        Raises:
            Cancelled: the user asked for it, and the case is not complete yet.
        """
        if event.kind == "warning":
            self.told.append(in_panel_words(event.message))
        if event.total:
            self.percent = int(100 * event.done / event.total)
        if event.kind == "slab-finished":
            self.states[event.slab.index] = VERIFIED if event.slab.verified else WRITTEN
        if not self._cancelled:
            self.text = (
                _("{done} of {slabs}").format(done=event.done, slabs=counted(event.total, event.piece))
                if event.total
                else _("Reading …")
            )
        self._refresh(self)
        if event.kind == "case-finished":
            self._complete = event.case
        if self._cancelled and event.case != self._complete:
            raise Cancelled(CANCELLED_TEXT)


class LoadWatch(Watch):
    """Follows the loading of slabs; what was loaded is removed again when it is cancelled."""

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of a file.

        Raises:
            Cancelled: the user asked for it.
        """
        self.percent = int(100 * event.done / event.total) if event.total else 0
        if not self._cancelled:
            self.text = _("{done} of {files} loaded").format(done=event.done, files=counted(event.total, "file"))
        self._refresh(self)
        if self._cancelled:
            raise Cancelled(_("Cancelled. Nothing was loaded."))


def finished_text(manifest: Manifest) -> str:
    """Return the line after an export."""
    slabs, verified = len(manifest.slabs), sum(slab.verified for slab in manifest.slabs)
    told = _("{slabs} written to '{case}', {verified} verified.")
    return told.format(slabs=counted(slabs, manifest.plan.kind), case=manifest.case, verified=verified)


def warned_text(warnings: int) -> str:
    """Return what is added to that line, of so many warnings."""
    return _(" {warnings}, shown above.").format(warnings=counted(warnings, "warning")) if warnings else ""


def finished_notes(manifest: Manifest) -> tuple[str, ...]:
    """Return the manifest's warnings in the panel's words."""
    return tuple(in_panel_words(text) for text in manifest.warnings)


def failed_text(error: BaseException) -> str:
    """Return why an export failed, in the panel's words."""
    if isinstance(error, MemoryError):
        return _("The volume does not fit into this machine's memory a second time; close other volumes and try again.")
    return in_panel_words(error.sentence if isinstance(error, SlabExporterError) else str(error))
