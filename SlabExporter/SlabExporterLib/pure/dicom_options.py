"""What the user asks for where DICOM is read or written: frozen options, validated once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import RequestError


@dataclass(frozen=True)
class SeriesOptions:
    """How much a DICOM series may depart from a regular volume.

    Attributes:
        allow_uneven: how far (mm) a slice may lie from its place on an evenly spaced grid; None for
            what rounding in the files amounts to (``stacking.ROUNDING_MM``).
        resample: make a regular volume by linear interpolation where the gantry was tilted, slices
            are missing or unevenly spaced.

    Raises:
        RequestError: with the value.
    """

    allow_uneven: float | None = None
    resample: bool = False

    def __post_init__(self) -> None:
        if self.allow_uneven is not None and not 0 < self.allow_uneven < math.inf:
            raise RequestError(f"The tolerance of --allow-uneven must be positive mm; it is {self.allow_uneven:g}.")
        if self.allow_uneven is not None and self.resample:
            raise RequestError(
                "Choose either --allow-uneven or --resample: one keeps the voxels, the other moves them."
            )
