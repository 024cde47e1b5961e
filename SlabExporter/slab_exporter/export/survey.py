"""Sizes of the cases, from their headers alone: for progress, for memory, for choosing how many run at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..cases.find import Case
from ..core.errors import SlabExporterError
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.options import AxisName, ExportRequest
from ..core.planning import cut_axis
from ..dicom.reading.load import peek
from ..dicom.reading.series import Series
from ..files.machine import usable_processors
from ..files.nifti import NiftiHeader, read_header

# A process with Slicer's libraries loaded, before any volume.
PROCESS_BYTES = 300 << 20


# Voxels in memory beside the volume itself: slabs on their way, statistics, read-back.
WORKING_FACTOR = 1.3


# What a compressed file of unknown header may hold, against its size on disk.
_UNKNOWN_FACTOR = 4


# More processes than this rarely help: the disk is the limit by then.
MOST_JOBS = 8


@dataclass(frozen=True)
class CaseSize:
    """Demands of a case, as far as its headers tell.

    Attributes:
        slices: along the axis that is cut; 1 where unknown.
        memory: bytes that the process needs while it works on the case.
        voxel_bytes: of image and label maps, uncompressed.
    """

    slices: int
    memory: int
    voxel_bytes: int


def survey_case(case: Case, request: ExportRequest) -> CaseSize:
    """Size of one case; files that cannot be read count as nothing, they fail soon enough."""
    if case.series is None:
        slices, size, scaled = _file_size(case.image, request.slabs.axis)
        files = [case.image]
    else:
        slices, size, scaled = _series_size(case.series, request)
        files = [Path(path) for path in case.series.files]
    sizes = [size, *(_voxel_bytes(path, _header(path)) for path in case.labels.values())]
    held = sum(sizes) * WORKING_FACTOR + max(map(_file_bytes, (*files, *case.labels.values())))
    memory = PROCESS_BYTES + int(held + (size * 2 if scaled else 0))
    return CaseSize(slices, memory, sum(sizes))


def default_jobs(cases: int) -> int:
    """As many processes as processors, but no more than cases."""
    return max(1, min(usable_processors(), MOST_JOBS, cases))


def _file_size(path: Path, axis: AxisName) -> tuple[int, int, bool]:
    """(slices along the axis, bytes of voxels, whether values are computed from the stored ones) of a volume file."""
    header = _header(path)
    if header is None:
        return 1, _voxel_bytes(path, None), False
    return _slices(header, axis), _voxel_bytes(path, header), _is_scaled(header)


def _series_size(series: Series, request: ExportRequest) -> tuple[int, int, bool]:
    """The same of a DICOM series; 1 and nothing where it will be refused."""
    try:
        geometry, itemsize, _ = peek(series, request.series, request.frame)
    except SlabExporterError:
        return 1, 0, False
    slices = geometry.shape_ijk[cut_axis(geometry, request.slabs.axis)[0]]
    scaled = any((plane.slope, plane.intercept) != (1.0, 0.0) for plane in series.slices)
    return slices, math.prod(geometry.shape_ijk) * itemsize, scaled


def _header(path: Path) -> NiftiHeader | None:
    if volume_extension(path) not in (".nii", ".nii.gz"):
        return None
    try:
        return read_header(path)
    except (SlabExporterError, OSError):
        return None


def _slices(header: NiftiHeader, axis: AxisName) -> int:
    geometry = header.geometry("sform") or header.geometry("qform")
    if geometry is None:
        geometry = VolumeGeometry(header.shape_ijk, np.eye(4))
    return geometry.shape_ijk[cut_axis(geometry, axis)[0]]


def _is_scaled(header: NiftiHeader) -> bool:
    try:
        return header.scaling != (1.0, 0.0)
    except SlabExporterError:
        return False


def _voxel_bytes(path: Path, header: NiftiHeader | None) -> int:
    if header is not None:
        return header.data_size
    packed = str(path).endswith((".gz", ".nrrd", ".mgz", ".mha"))
    return _file_bytes(path) * (_UNKNOWN_FACTOR if packed else 1)


def _file_bytes(path: Path) -> int:
    """Size of a file, or of the files in a folder (a DICOM series)."""
    try:
        return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
    except OSError:
        return 0
