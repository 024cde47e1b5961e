"""The volumes of a case, as ``volumes.reading`` opens them."""

from __future__ import annotations

from pathlib import Path

from ..core.options import ExportRequest
from ..core.volume import SourceVolume, reindexed_onto
from ..mrml.runtime import SlicerRuntime
from ..volumes.choice import FileVolume, OneVolume, SeriesVolume, label_file
from ..volumes.reading import open_volume
from .case import Case


def image_of(case: Case, request: ExportRequest) -> OneVolume:
    """Return the image of a case, read as the request says."""
    if case.series is not None:
        return SeriesVolume(case.series, request.frame if case.frame is None else case.frame, request.series)
    return FileVolume(case.image, request.frame, request.nifti_transform)


def open_label(
    runtime: SlicerRuntime, case: Case, path: Path, image: SourceVolume, transform: str | None
) -> SourceVolume:
    """Return one of a case's label maps; beside a DICOM series in the order of the image's axes.

    Args:
        runtime: Slicer's classes.
        case: whose label map it is.
        path: of its file.
        image: of the case.
        transform: what was chosen for a NIfTI image; None: Slicer's choice.

    Raises:
        InputError: the file cannot be used.
    """
    label = open_volume(runtime, label_file(path, transform))
    return label if case.series is None else reindexed_onto(label, image.geometry)
