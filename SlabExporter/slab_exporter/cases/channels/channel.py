"""One image of a case with several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...dicom.reading.series import Series


@dataclass(frozen=True)
class Channel:
    """An image of a case beside the first one.

    Attributes:
        image: the volume file, or the folder of the DICOM series.
        series: the DICOM series in that folder; None for volume files.
        frame: which volume of a 4D file or series it is; None for the only one.
    """

    image: Path
    series: Series | None = None
    frame: int | None = None
