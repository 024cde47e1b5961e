"""The formats that slabs are written in, by the request's word, and the kinds that finished slabs are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...core.errors import RequestError
from ...files.encodings.table import ENCODINGS
from .dicom_segmentation import DicomSegmentation
from .dicom_series import DicomSeries
from .slab_format import CaseContents, CaseFormat, SlabFormat
from .volume_file import VolumeFile

FORMATS: dict[str, Callable[[CaseContents], CaseFormat]] = {
    **{encoding.name: VolumeFile.of_case for encoding in ENCODINGS.values()},
    "dicom": DicomSeries.of_case,
}
# The first kind that holds a path is the right one.
KINDS: tuple[type[SlabFormat], ...] = (DicomSeries, DicomSegmentation, VolumeFile)


def case_format(case: CaseContents) -> CaseFormat:
    """Return the formats that the request asks for.

    Raises:
        RequestError: nothing here writes that format.
        SlabExporterError: the volume cannot be written so.
    """
    if case.request.format not in FORMATS:
        raise RequestError(
            f"Slabs of {case.name} cannot be written as '{case.request.format}'; choose one of {', '.join(FORMATS)}."
        )
    return FORMATS[case.request.format](case)


def kind_of(path: Path) -> type[SlabFormat]:
    """Return the kind of a finished slab of an export.

    >>> kind_of(Path("images/ct_slab-000.nrrd")).is_volume_file
    True
    >>> kind_of(Path("labels/ct_slab-000.dcm")).is_volume_file
    False
    """
    return next(kind for kind in KINDS if kind.holds(path))
