"""Enhanced multi-frame objects: what holds for each frame, as if it were a file of its own (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..pure.errors import InputError

# Functional groups that hold what a plane needs or what tells volumes apart.
_GROUPS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "FrameContentSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "CardiacSynchronizationSequence",
    "TemporalPositionSequence",
)


def frame_datasets(path: Path, dataset: Any) -> Iterator[Any]:
    """For each frame a flat dataset of its own and the shared functional groups.

    Raises:
        InputError: there are not as many per-frame groups as frames.
    """
    import pydicom

    count = int(dataset.get("NumberOfFrames") or 1)
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    if per_frame and len(per_frame) != count:
        raise InputError(
            f"{path} contradicts itself: it says {count} frames but describes {len(per_frame)}. "
            "Copy or download the file again."
        )
    for frame in range(count):
        merged = pydicom.Dataset()
        for item in (*list(shared)[:1], *([per_frame[frame]] if per_frame else [])):
            for group in _GROUPS:
                for content in (item.get(group) or [])[:1]:
                    merged.update(content)
        yield merged
