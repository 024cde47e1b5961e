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


@dataclass(frozen=True)
class Outcome:
    """The end of an export.

    Attributes:
        folder: of the case.
        volume_id: ID of the volume node.
        text: how it ended.
        notes: the manifest's warnings.
        is_whole: whether the case was written.
    """

    folder: Path
    volume_id: str
    text: str
    notes: tuple[str, ...] = ()
    is_whole: bool = False

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

    def is_about(self, view: PanelView, volume: Any) -> bool:
        """Return whether the panel still shows the volume and the folder that this is about."""
        shown = None if volume is None else volume.GetID()
        return shown == self.volume_id and (view.folder is None or view.folder == self.folder)
