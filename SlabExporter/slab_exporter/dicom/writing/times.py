"""When a frame of a time series is, in a series of its own: PS3.3 C.8.3.1, which other classes take as an extension."""

from __future__ import annotations

from typing import Any

from ...core.several.frames import FrameTime
from .encoding import decimal_string


def add_time(dataset: Any, time: FrameTime | None) -> None:
    """State which of the times a frame is, and how far these are apart where that is known.

    Args:
        dataset: attributes of a series.
        time: of its frame; None for a volume that is none, and for one whose source says it image by image.
    """
    if time is None:
        return
    dataset.TemporalPositionIdentifier, dataset.NumberOfTemporalPositions = time.position, time.count
    if time.step_ms > 0:
        dataset.TemporalResolution = decimal_string(time.step_ms)
