"""Departures from a regular volume that are accepted of a DICOM series."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import RequestError
from ..text import Option


@dataclass(frozen=True)
class SeriesOptions:
    """Departures from a regular volume that are accepted of a DICOM series.

    Attributes:
        allow_uneven: how far (mm) a slice may lie from its place on an evenly spaced grid; None for
            what rounding in the files amounts to (``stacking.ROUNDING_MM``).
        resample: make a regular volume by linear interpolation where the gantry was tilted, slices
            are missing or unevenly spaced.
        allow_damaged: take the other images of a series of which some are lost or damaged.

    Raises:
        RequestError: with the value.
    """

    allow_uneven: float | None = None
    resample: bool = False
    allow_damaged: bool = False

    def __post_init__(self) -> None:
        if self.allow_uneven is not None and not 0 < self.allow_uneven < math.inf:
            raise RequestError(
                "The tolerance of ", Option("allow_uneven"), f" must be positive mm; it is {self.allow_uneven:g}."
            )
        if self.allow_uneven is not None and self.resample:
            raise RequestError(
                "Choose either ",
                Option("allow_uneven"),
                " or ",
                Option.on("resample"),
                ": one keeps the voxels, the other moves them.",
            )
