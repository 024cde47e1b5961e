"""Enhanced multi-frame objects: what holds for each frame, as if it were a file of its own (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import InputError

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
    "FrameVOILUTSequence",
    "MRTimingAndRelatedParametersSequence",
    "MRModifierSequence",
    "MRAveragesSequence",
    "MRImagingModifierSequence",
    "CTAcquisitionTypeSequence",
    "CTXRayDetailsSequence",
    "CTReconstructionSequence",
    "ContrastBolusUsageSequence",
)
# Pulse sequences of enhanced MR as ScanningSequence calls them
_PULSE = {"SPIN": ("SE",), "GRADIENT": ("GR",), "BOTH": ("SE", "GR")}
_MODIFIERS = (("InversionRecovery", "IR"), ("EchoPlanarPulseSequence", "EP"))


def flattened(dataset: Any, frame: int) -> Any:
    """A frame's header as a single image would state it, as far as both know the attributes.

    ScanningSequence and EchoTime have other names in enhanced images (PS3.3 C.8.13.4, C.8.13.5.4).
    """
    import pydicom

    result = pydicom.Dataset()
    result.update(dataset)
    result.update(_merged(*_groups_of(dataset), frame))
    if "ScanningSequence" not in result:
        sequence = list(_PULSE.get(str(result.get("EchoPulseSequence", "")), ()))
        sequence += [term for keyword, term in _MODIFIERS if result.get(keyword) == "YES"]
        if sequence:
            result.ScanningSequence = sequence
    if "InversionTime" not in result and result.get("InversionTimes"):
        result.InversionTime = np.ravel(result.InversionTimes)[0]
    if "EchoTime" not in result and result.get("EffectiveEchoTime"):
        result.EchoTime = result.EffectiveEchoTime
    return result


def frame_datasets(path: Path, dataset: Any) -> Iterator[Any]:
    """For each frame a flat dataset of its own and the shared functional groups.

    Raises:
        InputError: there are not as many per-frame groups as frames.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    shared, per_frame = _groups_of(dataset)
    if per_frame and len(per_frame) != count:
        raise InputError(
            f"{path} contradicts itself: it says {count} frames but describes {len(per_frame)}. "
            "Copy or download the file again."
        )
    for frame in range(count):
        yield _merged(shared, per_frame, frame)


def _groups_of(dataset: Any) -> tuple[Any, Any]:
    """Return (shared functional groups, functional groups of each frame)."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    return shared, dataset.get("PerFrameFunctionalGroupsSequence") or []


def _merged(shared: Any, per_frame: Any, frame: int) -> Any:
    import pydicom

    merged = pydicom.Dataset()
    for item in (*list(shared)[:1], *([per_frame[frame]] if per_frame else [])):
        for group in _GROUPS:
            for content in (item.get(group) or [])[:1]:
                merged.update(content)
    return merged
