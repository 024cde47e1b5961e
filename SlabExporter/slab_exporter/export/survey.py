"""Sizes of the cases, from their headers alone: for progress, for memory, for choosing how many run at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases.channels.channel import Channel
from ..cases.find import Case
from ..cases.opening import image_of, request_for
from ..core.errors import RequestError, SlabExporterError
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.options import AxisName, ExportRequest
from ..core.planning import cut_axis
from ..core.text import Option
from ..core.volume import VolumePeek
from ..files.machine import usable_processors
from ..prepare.preparation import cut_grid
from ..prepare.resampled import memory_for
from ..volumes.choice import FileVolume, OneVolume
from ..volumes.labels.masks import is_mask_pattern
from ..volumes.reading import peek_volume

# A process with Slicer's libraries loaded, before any volume.
PROCESS_BYTES = 300 << 20


# Voxels in memory beside the volume itself: slabs on their way, statistics, read-back.
WORKING_FACTOR = 1.3


# Per voxel, while the body is looked for: the values twice, parts numbered twice in four bytes, two masks.
_BODY_BYTES = 14


# Per voxel, while segments are read: a mask or two, and a label map.
_SEGMENTS_BYTES = 4


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
    peeks = [(one, _peek(image_of(one, request))) for one in case.images]
    image = peeks[0][1]
    files = [path for one in case.images for path in _files(one)]
    held = [_held_bytes(peek, None if one.series is not None else one.image) for one, peek in peeks]
    sizes = [*held, *(_label_bytes(path, image) for path in case.labels.values())]
    cut = _cut(image, case, request)
    made = 0.0 if image is None or cut is None or not request.prepare.is_used else _ratio(cut, image.geometry)
    needed = sum(sizes) * (WORKING_FACTOR + made) + max(map(_file_bytes, (*files, *case.labels.values())))
    scaled = [size for size, (_, peek) in zip(held, peeks, strict=True) if peek is not None and peek.is_scaled]
    memory = PROCESS_BYTES + int(needed + sum(scaled) * 2)
    if image is not None and cut is not None and request.prepare.resamples:
        voxels, itemsize = math.prod(image.geometry.shape_ijk), image.dtype.itemsize
        memory += memory_for(voxels, cut.shape_ijk, itemsize, request.prepare.interpolation)
    if image is not None and cut is not None and "body" in (request.keep.keep, request.limit.crop_to):
        memory += _BODY_BYTES * math.prod(cut.shape_ijk)
    return CaseSize(_slices(cut, request.slabs.axis), memory, sum(sizes))


def require_shared(cases: Sequence[Case], dask: str | None) -> None:
    """Refuse scratch files of this machine where others are to read them.

    Args:
        cases: with their addresses.
        dask: the scheduler; None for no cluster.

    Raises:
        RequestError: with what to do.
    """
    address = next((address for case in cases for address in case.addresses.values()), None)
    if dask is not None and address is not None:
        raise RequestError(
            f"{address} was downloaded to this machine, where the machines of ",
            Option("dask"),
            " do not find it; download the files to a folder that all of them see.",
        )


def default_jobs(cases: int) -> int:
    """As many processes as processors, but no more than cases."""
    return max(1, min(usable_processors(), MOST_JOBS, cases))


def _label_bytes(path: Path, image: VolumePeek | None) -> int:
    """Bytes of a label map; of a file of segments those of masks and label map on the image's voxels."""
    if volume_extension(path) is not None and not is_mask_pattern(path):
        return _held_bytes(_peek(FileVolume(path)), path)
    return 0 if image is None else _SEGMENTS_BYTES * math.prod(image.geometry.shape_ijk)


def _peek(volume: OneVolume) -> VolumePeek | None:
    """What the headers tell; None where they are refused, or make ITK stumble, which this process has to survive."""
    if isinstance(volume, FileVolume) and volume.kind == "ITK":
        return None
    try:
        return peek_volume(volume)
    except (SlabExporterError, OSError, MemoryError):
        return None


def _files(image: Case | Channel) -> list[Path]:
    return [image.image] if image.series is None else [Path(path) for path in image.series.files]


def _cut(image: VolumePeek | None, case: Case, request: ExportRequest) -> VolumeGeometry | None:
    """The grid that is cut; None where it is not known, or cannot be made."""
    try:
        return None if image is None else cut_grid(image.geometry, request_for(case, request).prepare)
    except SlabExporterError:
        return None


def _ratio(cut: VolumeGeometry, source: VolumeGeometry) -> float:
    """Voxels that are cut, for each of the source."""
    return math.prod(cut.shape_ijk) / math.prod(source.shape_ijk)


def _slices(cut: VolumeGeometry | None, axis: AxisName) -> int:
    return 1 if cut is None else cut.shape_ijk[cut_axis(cut, axis)[0]]


def _held_bytes(volume: VolumePeek | None, path: Path | None) -> int:
    """Bytes of voxels in memory at once; of a file of unknown header what may be in it, of a series nothing."""
    if volume is not None:
        return volume.voxel_bytes
    if path is None:
        return 0
    packed = str(path).endswith((".gz", ".nrrd", ".mgz", ".mha"))
    return _file_bytes(path) * (_UNKNOWN_FACTOR if packed else 1)


def _file_bytes(path: Path) -> int:
    """Size of a file, or of the files in a folder (a DICOM series)."""
    try:
        return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
    except OSError:
        return 0
