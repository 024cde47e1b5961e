"""From the files of a case to volumes in memory."""

from __future__ import annotations

from pathlib import Path

from ..cases.find import Case
from ..core.options import ExportRequest
from ..core.reindexing import reindexed_onto
from ..core.volume import SourceVolume
from ..dicom.reading.load import load_series
from ..dicom.reading.pixels import needs_decoder
from ..files.nifti import read_header
from ..files.stored import StoredVolume
from ..mrml import volume_files
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import is_nifti, place, prefetch, require_volume_file
from ..pipeline.one_case import CaseSources


def reads_without_itk(case: Case) -> bool:
    """Whether a case is read by code of our own, to which a damaged file is just a damaged one."""
    if case.series is None:
        return all(map(volume_files.reads_without_itk, case.files))
    decoded = any(needs_decoder(plane.pixel) for plane in case.series.slices)
    return not decoded and all(map(volume_files.reads_without_itk, case.labels.values()))


def prefetch_image(case: Case, request: ExportRequest) -> StoredVolume | SourceVolume | None:
    """The part of reading a case's image that needs no Slicer; for a DICOM series that is all of it.

    Raises:
        InputError: a file that cannot be used.
    """
    if case.series is not None:
        return load_series(case.series, request.series, request.frame)
    return prefetch(case.image, request.frame, request.nifti_transform)


def read_case(
    runtime: SlicerRuntime, case: Case, request: ExportRequest, stored: StoredVolume | SourceVolume | None = None
) -> CaseSources:
    """Image and label maps of a case in memory.

    Args:
        runtime: Slicer's classes.
        case: its files.
        request: frame and NIfTI transform of the image, what is accepted of a series.
        stored: what ``prefetch_image`` returned for the case, where it has run already.

    Raises:
        InputError: a file that cannot be used.
    """
    transform = request.nifti_transform
    if stored is None:
        stored = prefetch_image(case, request)
    image = stored if isinstance(stored, SourceVolume) else place(runtime, case.image, stored, transform)
    labels = {name: read_label(runtime, path, transform) for name, path in case.labels.items()}
    if case.series is not None:
        labels = {name: reindexed_onto(label, image.geometry) for name, label in labels.items()}
    return CaseSources(case.name, image, labels)


def read_volume(
    runtime: SlicerRuntime, path: Path, frame: int | None = None, transform: str | None = None
) -> SourceVolume:
    """One volume file in memory, in the file's index order.

    Raises:
        InputError: it cannot be used.
    """
    return place(runtime, path, prefetch(path, frame, transform), transform)


def read_label(runtime: SlicerRuntime, path: Path, transform: str | None) -> SourceVolume:
    """A label map, by the transform that was chosen for its image if its header has that one.

    Raises:
        InputError: it cannot be used.
    """
    require_volume_file(path)
    has_it = is_nifti(path) and transform is not None and getattr(read_header(path), transform) is not None
    return read_volume(runtime, path, transform=transform if has_it else None)
