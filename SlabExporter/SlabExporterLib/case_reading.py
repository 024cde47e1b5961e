"""From the files of a case to volumes in memory."""

from __future__ import annotations

from pathlib import Path

from .cases import Case
from .files.nifti_voxels import StoredNifti
from .mrml.runtime import SlicerRuntime
from .mrml.volume_files import place, prefetch
from .pipeline import CaseSources
from .pure.request import ExportRequest
from .pure.source import SourceVolume


def read_case(
    runtime: SlicerRuntime, case: Case, request: ExportRequest, stored: StoredNifti | None = None
) -> CaseSources:
    """Image and label maps of a case in memory.

    Args:
        runtime: Slicer's classes.
        case: its files.
        request: frame and NIfTI transform of the image.
        stored: the image's voxels where they have been read already.

    Raises:
        InputError: a file that cannot be used.
    """
    transform = request.nifti_transform
    if stored is None:
        stored = prefetch(case.image, request.frame, transform)
    image = place(runtime, case.image, stored, transform)
    labels = {name: read_volume(runtime, path) for name, path in case.labels.items()}
    return CaseSources(case.name, image, labels)


def read_volume(
    runtime: SlicerRuntime, path: Path, frame: int | None = None, transform: str | None = None
) -> SourceVolume:
    """One volume file in memory, in the file's index order.

    Raises:
        InputError: it cannot be used.
    """
    return place(runtime, path, prefetch(path, frame, transform), transform)
