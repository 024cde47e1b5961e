"""What there is to say about a series before it is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

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
