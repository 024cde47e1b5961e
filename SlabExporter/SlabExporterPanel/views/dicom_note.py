"""What the panel says above its DICOM fields: where patient and study of the slabs will come from; no Qt."""

from __future__ import annotations

from typing import Any

from slab_exporter.volumes.scene_images import Archive, InstanceFiles, images_of_node, instance_uids

from ..translation import tr as _


class DicomNote:
    """The note on the chosen volume, looked up once a volume: the database is asked for each of its images.

    ``text`` is empty for a volume that was not loaded from DICOM.
    """

    def __init__(self) -> None:
        self.text = ""
        self._known: tuple[Any, ...] | None = None

    def follow(self, volume: Any, database: InstanceFiles | None) -> str:
        """Return the note on a volume node, or on None."""
        known = () if volume is None else (volume.GetID(), instance_uids(volume), database is not None)
        if known != self._known:
            self._known, self.text = known, "" if volume is None else dicom_note(volume, database)
        return self.text


def dicom_note(volume: Any, database: InstanceFiles | None) -> str:
    """Return where patient and study of the slabs come from; empty for a volume that was not loaded from DICOM.

    Args:
        volume: scalar volume node.
        database: Slicer's; None where there is none.
    """
    images = images_of_node(volume, Archive(database))
    if images is None:
        return ""
    if images.lost:
        unknown = _("nothing is known of patient and study. Type what holds.")
        return f"{images.lost_sentence(volume.GetName())}: {unknown}"
    if images.count == 1:
        return _("What you leave empty here is taken from the image in Slicer's DICOM database.")
    given = _("What you leave empty here is taken from the {count} images in Slicer's DICOM database.")
    return given.format(count=images.count)
