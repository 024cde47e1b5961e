"""DICOM segmentations (SEG): binary, fractional and label map (PS3.3 A.51 and C.8.20)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry
from ...core.segments.segmented import Segmented, Stated, told_apart
from ...files.machine import require_memory
from ..reading.parsing import read_dataset
from .colour import rgb_of
from .references import understood

# Part of a step by which a frame may lie off the planes.
_OFF_PLANE = 0.05
_SAME_MM = 0.01
_MOST_PLANES = 1 << 16


@dataclass(frozen=True)
class _Frames:
    """Frames of a segmentation on one lattice.

    Attributes:
        geometry: of all planes between the first and the last.
        planes: plane of each frame.
        segments: number of the segment of each frame; empty for a label map.
        values: (frames, rows, columns).
    """

    geometry: VolumeGeometry
    planes: tuple[int, ...]
    segments: tuple[int, ...]
    values: npt.NDArray


def segmentation_geometry(path: Path, image: VolumeGeometry | None = None) -> VolumeGeometry:
    """Return the grid of a segmentation, from its header.

    Raises:
        InputError: its frames are not planes of one grid.
    """
    with understood(path):
        return _lattice(path, read_dataset(path, pixels=False), image)[0]


def read_segmentation(path: Path, image: VolumeGeometry) -> Segmented:
    """Read a segmentation.

    Args:
        path: of the file.
        image: the grid of the image that it labels, which says how far planes lie apart where they are too few.

    Raises:
        InputError: it is damaged, or its frames are not planes of one grid.
    """
    with understood(path):
        dataset = read_dataset(path)
        kind = str(dataset.get("SegmentationType", "BINARY"))
        items = [item for item in dataset.SegmentSequence if int(item.get("SegmentNumber", 0)) > 0]
        frames = _frames(path, dataset, image, kind)
        numbers = [int(item.SegmentNumber) for item in items]
        names = told_apart([str(item.get("SegmentLabel") or f"Segment {item.SegmentNumber}") for item in items])
        colours = [rgb_of(item.get("RecommendedDisplayCIELabValue")) for item in items]
    if not numbers:
        raise InputError(f"{path} holds no segments.")
    half = _half(dataset) if kind == "FRACTIONAL" else 1
    said = (
        (f"{path} is a fractional segmentation: voxels of at least one half are taken for the segment.",)
        if kind == "FRACTIONAL"
        else ()
    )

    def masks() -> Iterator[npt.NDArray[np.bool_]]:
        for number in numbers:
            yield _mask(frames, number, half)

    stated = tuple(Stated(*each) for each in zip(names, numbers, colours, strict=True))
    return Segmented(frames.geometry, stated, masks, said)


def _half(dataset: Any) -> float:
    return float(dataset.get("MaximumFractionalValue", 255)) / 2


def _mask(frames: _Frames, number: int, least: float) -> npt.NDArray[np.bool_]:
    mask = np.zeros(frames.geometry.shape_ijk[::-1], bool)
    for n, plane in enumerate(frames.planes):
        if not frames.segments:
            mask[plane] |= frames.values[n] == number
        elif frames.segments[n] == number:
            mask[plane] |= frames.values[n] >= least
    return mask


def _frames(path: Path, dataset: Any, image: VolumeGeometry, kind: str) -> _Frames:
    geometry, planes, segments = _lattice(path, dataset, image)
    count, rows, columns = len(planes), int(dataset.Rows), int(dataset.Columns)
    require_memory(path, count * rows * columns * 2 + int(np.prod(geometry.shape_ijk)))
    values = np.asarray(dataset.pixel_array).reshape(count, rows, columns)
    if kind == "LABELMAP":
        segments = ()
    elif len(segments) != count:
        raise InputError(f"{path} does not say which segment each of its frames is of.")
    return _Frames(geometry, planes, segments, values)


def _lattice(
    path: Path, dataset: Any, image: VolumeGeometry | None
) -> tuple[VolumeGeometry, tuple[int, ...], tuple[int, ...]]:
    """(grid, plane of each frame, segment of each frame)."""
    shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), None)
    groups = list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    positions = [_numbers(path, (group, shared), "PlanePositionSequence", "ImagePositionPatient") for group in groups]
    axes = [_numbers(path, (group, shared), "PlaneOrientationSequence", "ImageOrientationPatient") for group in groups]
    sizes = [_numbers(path, (group, shared), "PixelMeasuresSequence", "PixelSpacing") for group in groups]
    if not groups or np.ptp(axes, axis=0).max() > 1e-4 or np.ptp(sizes, axis=0).max() > 1e-4:
        raise InputError(f"{path} is a segmentation whose frames are not parallel planes of one grid.")
    row, column = np.array(axes[0][:3]), np.array(axes[0][3:])
    normal = np.cross(row, column)
    heights = np.array(positions) @ normal
    step = _step(path, heights, _stated_steps(shared, groups[0]), normal, image)
    first = int(np.argmin(heights))
    planes = np.round((heights - heights[first]) / step).astype(int)
    expected = np.array(positions[first]) + np.outer(planes * step, normal)
    if np.max(np.linalg.norm(np.array(positions) - expected, axis=1)) > max(_SAME_MM, _OFF_PLANE * step):
        raise InputError(f"{path} is a segmentation whose frames do not lie evenly above each other.")
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = row * sizes[0][1], column * sizes[0][0]
    matrix[:3, 2], matrix[:3, 3] = normal * step, positions[first]
    shape = (int(dataset.Columns), int(dataset.Rows), int(planes.max()) + 1)
    if shape[2] > _MOST_PLANES:
        raise InputError(f"{path} is a segmentation whose frames lie too far apart ({shape[2]} planes).")
    segments = [_segment(group, shared) for group in groups]
    known = tuple(number for number in segments if number is not None)
    return VolumeGeometry(shape, RAS_TO_LPS @ matrix), tuple(map(int, planes)), known


def _step(
    path: Path, heights: FloatArray, stated: list[float], normal: FloatArray, image: VolumeGeometry | None
) -> float:
    """Return the distance of planes of which every frame lies on one: the image's, a stated one, or the smallest."""
    gaps = np.diff(np.unique(np.round(heights, 4)))
    gaps = gaps[gaps > _SAME_MM]
    of_image = []
    if image is not None:
        along = np.abs((RAS_TO_LPS[:3, :3] @ image.affine_ras[:3, :3]).T @ normal)
        of_image = [float(along.max())]
    for step in (*of_image, *stated, *([float(gaps.min())] if len(gaps) else [])):
        if step > _SAME_MM and np.all(np.abs(gaps / step - np.round(gaps / step)) < _OFF_PLANE):
            return step
    raise InputError(f"{path} is a segmentation whose frames do not lie evenly above each other.")


def _stated_steps(shared: Any, group: Any) -> list[float]:
    found = []
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        for source in (group, shared):
            measures = None if source is None else next(iter(source.get("PixelMeasuresSequence") or ()), None)
            if measures is not None and measures.get(keyword) is not None:
                found.append(abs(float(measures.get(keyword))))
    return found


def _numbers(path: Path, sources: tuple[Any, Any], sequence: str, keyword: str) -> list[float]:
    for source in sources:
        item = None if source is None else next(iter(source.get(sequence) or ()), None)
        if item is not None and item.get(keyword) is not None:
            return [float(value) for value in item.get(keyword)]
    raise InputError(f"{path} is a segmentation whose frames do not state {keyword}: they cannot be placed.")


def _segment(group: Any, shared: Any) -> int | None:
    for source in (group, shared):
        item = None if source is None else next(iter(source.get("SegmentIdentificationSequence") or ()), None)
        if item is not None:
            return int(item.ReferencedSegmentNumber)
    return None
