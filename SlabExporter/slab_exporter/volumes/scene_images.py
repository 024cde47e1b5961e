"""The DICOM images that a volume node was loaded from: which they are, and where Slicer's database has them.

Slicer's plugin for scalar volumes writes the SOPInstanceUIDs of a node's images, in the order of its slices, into
the attribute ``DICOM.instanceUIDs``; of a multi-frame image the one UID.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ..core.geometry import FloatArray
from ..core.options import ExportRequest, SeriesOptions
from ..core.text import Option, Sentence
from ..core.volume import SourceVolume
from ..dicom.reading.headers import series_uid_of
from ..mrml.nodes import shown_corners
from ..mrml.sequences import HeldFrames, SequenceFrames

_ATTRIBUTE = "DICOM.instanceUIDs"


class InstanceFiles(Protocol):
    """As much of Slicer's DICOM database (``ctkDICOMDatabase``) as is needed."""

    def fileForInstance(self, uid: str, /) -> str:  # noqa: N802
        """Return the path of an image's file; empty for one that is not known."""

    def instancesForSeries(self, uid: str, /) -> Iterable[str]:  # noqa: N802
        """Return the SOPInstanceUIDs of a series' images."""


@dataclass(frozen=True)
class Archive:
    """Where the images of nodes are looked for, and what is accepted of them.

    Attributes:
        database: Slicer's; None where there is none, or it is not open: then all images count as lost.
        accepted: departures of a series from a regular volume.
    """

    database: InstanceFiles | None = None
    accepted: SeriesOptions = field(default_factory=SeriesOptions)


@dataclass(frozen=True, eq=False)
class NodeImages:
    """The images that a node was loaded from.

    Attributes:
        count: how many.
        files: those of them that are there, each once.
        lost: how many are not.
        is_whole: whether the database knows no further image of their series.
        accepted: departures of their series from a regular volume that are accepted.
        shown: (planes, 3, 3) RAS mm of where Slicer shows the first voxel, the last of the first row and the last of
            the first column of each plane, with the transform that it lies under; None where that was not asked for.
    """

    count: int
    files: tuple[Path, ...]
    lost: int = 0
    is_whole: bool = True
    accepted: SeriesOptions = field(default_factory=SeriesOptions)
    shown: FloatArray | None = None

    def lost_sentence(self, name: str) -> str:
        """Return that images of the node called ``name`` are not there, half a sentence.

        >>> NodeImages(3, (), 3).lost_sentence("CT")
        "'CT' was loaded from DICOM, and 3 of its 3 images are not where Slicer's DICOM database had them"
        >>> NodeImages(1, (), 1).lost_sentence("CT")
        "'CT' was loaded from DICOM, and its image is not where Slicer's DICOM database had it"
        """
        if self.count == 1:
            which, had = "its image is", "it"
        else:
            which, had = f"{self.lost} of its {self.count} images {'is' if self.lost == 1 else 'are'}", "them"
        return f"'{name}' was loaded from DICOM, and {which} not where Slicer's DICOM database had {had}"


def images_of_node(node: Any, archive: Archive) -> NodeImages | None:
    """Return the images that a volume node was loaded from; None for a node that was not loaded from DICOM.

    Args:
        node: volume node.
        archive: where they are looked for.
    """
    found = images_of_instances(instance_uids(node), archive.database)
    if found is None or found.lost:
        return found
    return replace(found, accepted=archive.accepted, shown=shown_corners(node))


def images_of_frames(frames: HeldFrames, database: InstanceFiles | None) -> NodeImages | None:
    """Return the images that all frames of a sequence or multi-volume were loaded from; None where one was not."""
    nodes = [frames.kept.GetNthDataNode(n) for n in range(frames.count)] if isinstance(frames, SequenceFrames) else []
    of_each = [instance_uids(node) for node in nodes] or [instance_uids(frames.kept)]
    uids = tuple(dict.fromkeys(uid for uids in of_each for uid in uids))
    return images_of_instances(uids, database) if all(of_each) else None


def images_of_instances(uids: tuple[str, ...], database: InstanceFiles | None) -> NodeImages | None:
    """Return the images of these SOPInstanceUIDs; None for none."""
    if not uids:
        return None
    found = [Path(path) for uid in uids if database is not None and (path := str(database.fileForInstance(uid) or ""))]
    files = tuple(dict.fromkeys(path for path in found if path.is_file()))
    lost = len(uids) - sum(path.is_file() for path in found)
    if lost or database is None:
        return NodeImages(len(uids), files, lost)
    known = set(map(str, database.instancesForSeries(series_uid_of(files[0]))))
    return NodeImages(len(uids), files, 0, known <= set(uids))


def instance_uids(node: Any) -> tuple[str, ...]:
    """Return the SOPInstanceUIDs of the images that a node was loaded from, each once."""
    return tuple(dict.fromkeys(str(node.GetAttribute(_ATTRIBUTE) or "").split()))


def told_of_patient(volume: SourceVolume, node: Any, request: ExportRequest) -> SourceVolume:
    """Return a volume with a warning where its DICOM slabs would say who the patient is, and nobody knows any more.

    Args:
        volume: as it was made of the node.
        node: volume node.
        request: what is made of it.
    """
    wanted = request.format == "dicom" and not request.deidentify
    if not wanted or volume.dicom is not None or not instance_uids(node):
        return volume
    options = [Option(name) for name in ("modality", "patient_name", "patient_id", "study_description")]
    listed = [part for option in options[:-1] for part in (option, ", ")][:-1]
    text = "Nothing is known of the patient, the study and what the images are; "
    return replace(volume, warnings=(*volume.warnings, Sentence(text, *listed, " and ", options[-1], " say it.")))
