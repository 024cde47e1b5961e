"""What came of an export, as the panel keeps it until it is about something else; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.naming import REPORT
from slab_exporter.pipeline.exported_files import slab_files

from .panel_view import PanelView
from .watch import warned_text


@dataclass(frozen=True)
class Outcome:
    """The end of an export.

    Attributes:
        folder: of the case.
        volume_id: ID of the volume node.
        text: how it ended.
        notes: the manifest's warnings.
        is_whole: whether the case was written.
        asked: what it was asked to do: settings and nodes, compared with those of the moment.
    """

    folder: Path
    volume_id: str
    text: str
    notes: tuple[str, ...] = ()
    is_whole: bool = False
    asked: Any = None

    @property
    def report(self) -> Path:
        """The data set's report."""
        return self.folder.parent / REPORT

    @property
    def can_be_loaded(self) -> bool:
        """Whether the slabs are there, and are volume files."""
        try:
            return bool(slab_files(self.folder, read_manifest(self.folder), labels=True))
        except SlabExporterError:
            return False

    def line(self, asked: Any) -> str:
        """Return how it ended, and how many warnings are shown with it."""
        return self.text + warned_text(len(self.warnings(asked)))

    def warnings(self, asked: Any) -> tuple[str, ...]:
        """Return the manifest's warnings as long as nothing else is asked for: they are about its slabs."""
        return self.notes if asked == self.asked else ()

    def reason(self, view: PanelView, asked: Any) -> str:
        """Return why Export cannot be pressed; empty where it can, and where it has just done what is asked for."""
        is_done = self.is_whole and asked == self.asked
        return "" if is_done else view.export.reason

    def is_over(self, view: PanelView, volume: Any, asked: Any) -> bool:
        """Return whether it is to be shown no more; one that wrote nothing goes with the next thing asked for."""
        return not self.is_about(view, volume) or not (self.is_whole or asked == self.asked)

    def is_about(self, view: PanelView, volume: Any) -> bool:
        """Return whether the panel still shows the volume and the folder that this is about."""
        shown = None if volume is None else volume.GetID()
        return shown == self.volume_id and (view.folder is None or view.folder == self.folder)
