"""Which images a DICOM segmentation or structure set labels, and what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...core.errors import InputError
from ..reading.parsing import parsing, read_dataset
from ..reading.scan import is_dicom_file

LabelObject = Literal["dicom-seg", "rtstruct"]
# Segmentation, Label Map Segmentation and RT Structure Set Storage (PS3.4 B.5)
_CLASSES: dict[str, LabelObject] = {
    "1.2.840.10008.5.1.4.1.1.66.4": "dicom-seg",
    "1.2.840.10008.5.1.4.1.1.66.7": "dicom-seg",
    "1.2.840.10008.5.1.4.1.1.481.3": "rtstruct",
}


@dataclass(frozen=True)
class References:
    """What a label object says of itself and of its images.

    Attributes:
        kind: what it is.
        series: SeriesInstanceUID of each series that it refers to.
        frames: FrameOfReferenceUID of each frame of reference.
    """

    kind: LabelObject
    series: frozenset[str]
    frames: frozenset[str]

    def suit(self, series_uid: str, frame_of_reference: str) -> bool:
        """Return whether an image series is meant: referred to or, where none is, of the same frame of reference."""
        return series_uid in self.series if self.series else frame_of_reference in self.frames


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Turn what is missing in a label object, or makes no sense, into an ``InputError``.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with parsing(path):
            yield
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is damaged: an attribute is missing or makes no sense ({error}).") from error


def label_object(path: Path) -> References | None:
    """Return what a DICOM label object refers to; None for any other file.

    Raises:
        InputError: it is damaged.
    """
    if not is_dicom_file(path):
        return None
    with understood(path):
        dataset = read_dataset(path, pixels=False)
        kind = _CLASSES.get(str(dataset.get("SOPClassUID", "")))
        if kind is None:
            return None
        uids = (str(item.get("SeriesInstanceUID", "")) for item in _series_items(dataset))
        series = frozenset(uid for uid in uids if uid)
        frames = {str(dataset.get("FrameOfReferenceUID", ""))}
        frames |= {str(item.get("FrameOfReferenceUID", "")) for item in _items(dataset, _FRAMES)}
        frames |= {str(item.get("ReferencedFrameOfReferenceUID", "")) for item in _items(dataset, _ROIS)}
        return References(kind, series, frozenset(frames - {""}))


_FRAMES, _ROIS = "ReferencedFrameOfReferenceSequence", "StructureSetROISequence"


def _series_items(dataset: Any) -> Iterator[Any]:
    yield from _items(dataset, "ReferencedSeriesSequence")
    for frame in _items(dataset, _FRAMES):
        for study in _items(frame, "RTReferencedStudySequence"):
            yield from _items(study, "RTReferencedSeriesSequence")


def _items(dataset: Any, keyword: str) -> Any:
    return dataset.get(keyword) or ()
