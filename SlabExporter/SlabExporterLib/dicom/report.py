"""What there is to say about a series before it is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..pure.geometry import VolumeGeometry
from .frames import split_frames
from .pixels import stored_dtype
from .series import Kind, Series
from .stacking import make_stack


def series_facts(series: Series) -> dict[str, Any]:
    """Name -> value, in the order to show them."""
    info = series.info
    facts: dict[str, Any] = {
        "series": f"{info.number} {info.description}".strip() or "without description",
        "modality": info.modality or "not stated",
        "files": str(len(series.files)),
        "verdict": series.verdict.kind.value,
    }
    if series.verdict.kind in (Kind.UNUSABLE, Kind.NO_VOLUME, Kind.SEVERAL):
        return facts
    stack = make_stack(series.slices)
    if stack is not None:
        facts["gaps"] = {
            "smallest_mm": round(float(np.min(stack.gaps)), 4),
            "largest_mm": round(float(np.max(stack.gaps)), 4),
        }
        facts["tilt"] = {"degrees": round(stack.tilt_degrees, 2)}
        facts["off grid"] = {"mm": round(stack.deviation, 4)}
    return facts


def expected(series: Series, frame: int | None) -> tuple[VolumeGeometry, int]:
    """(geometry, bytes a voxel) of a series as its headers have it; one voxel for a series that cannot be loaded."""
    planes = series.slices
    if series.verdict.kind in (Kind.UNUSABLE, Kind.NO_VOLUME):
        return VolumeGeometry((1, 1, 1), np.eye(4)), 1
    stack = make_stack(planes)
    frames = None if stack is None else split_frames(stack)
    if frames is not None and frames.volumes:
        stack = make_stack(frames.volumes[min(frame or 0, len(frames.volumes) - 1)])
    if stack is None or len(stack.slices) < 2:
        return VolumeGeometry((1, 1, 1), np.eye(4)), 1
    return stack.geometry, stored_dtype(planes[0].pixel).itemsize
