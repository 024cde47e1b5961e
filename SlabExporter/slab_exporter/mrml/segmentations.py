"""Segmentation nodes as label maps on a volume's grid.

A voxel can hold one label. Where segments overlap, the one later in the list wins, as in Slicer's
own label map export, and a warning says which segments lost how many voxels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..attended import beside
from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.volume import SourceVolume
from ..interrupts import stretches
from .nodes import matrix_from_array, require_no_transform
from .runtime import SlicerRuntime

BINARY_LABELMAP = "Binary labelmap"
LARGEST_VALUE = 65535
# Of a segmentation, voxels that are brought onto the grid at a time.
_VOXELS_AT_A_TIME = 1 << 21


def segmentation_volume(
    runtime: SlicerRuntime, node: Any, geometry: VolumeGeometry, progress: Progress = no_progress
) -> SourceVolume:
    """Return all segments of a segmentation node as one label map, by nearest neighbour.

    The values are the segments' own label values where these are distinct (a label map that was
    imported keeps its values), otherwise 1, 2, 3, ... in the order of the list.

    Args:
        runtime: Slicer's classes.
        node: vtkMRMLSegmentationNode, in any scene; it is not changed.
        geometry: grid of the result.
        progress: called between some planes and the next ones; may raise ``Cancelled``.

    Raises:
        InputError: the node was changed meanwhile, is under a transform, is empty, or cannot be converted.
    """
    require_no_transform(node)
    segmentation = _as_binary(runtime, node, geometry)
    count = segmentation.GetNumberOfSegments()
    segments = [segmentation.GetNthSegment(n) for n in range(count)]
    names = [str(segment.GetName()) for segment in segments]
    values = _values([int(segment.GetLabelValue()) for segment in segments])
    name = str(node.GetName())
    merged = _Merged.nothing(geometry)
    for image, members in _layers(segments):
        state = None if image is None else image.GetMTime()
        for planes in stretches(geometry.shape_ijk[2], _planes_at_a_time(geometry)):
            if image is not None and not image.IsEmpty():
                merged.add(_resampled(runtime, image, _oriented_image(runtime, geometry, planes)), planes, members)
            progress(ProgressEvent("waiting", name))
        if image is not None and image.GetMTime() != state:
            raise InputError(f"The segmentation '{name}' was changed while it was being exported; export again.")
    colours = tuple(zip(values, map(_rgb, segments), strict=True))
    return replace(beside(lambda _: merged.volume(name, names, values, geometry), progress), colours=colours)


def _rgb(segment: Any) -> tuple[int, int, int]:
    """Return a segment's colour from 0 to 255, rounded as that of a segment in a file."""
    red, green, blue = (min(255, max(0, round(part * 255))) for part in segment.GetColor())
    return red, green, blue


def _as_binary(runtime: SlicerRuntime, node: Any, geometry: VolumeGeometry) -> Any:
    """Return the node's vtkSegmentation, or a copy converted on the volume's grid if it is of surfaces."""
    segmentation = node.GetSegmentation()
    if segmentation is None or segmentation.GetNumberOfSegments() == 0:
        raise InputError(f"The segmentation '{node.GetName()}' holds no segment.")
    if segmentation.ContainsRepresentation(BINARY_LABELMAP):
        return segmentation
    converter = runtime.classes.vtkSegmentationConverter
    copy = runtime.classes.vtkSegmentation()
    copy.DeepCopy(segmentation)
    grid = _oriented_image(runtime, geometry)
    text = converter.SerializeImageGeometry(grid)
    copy.SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), text)
    if not copy.CreateRepresentation(BINARY_LABELMAP):
        raise InputError(
            f"The segmentation '{node.GetName()}' cannot be converted to a binary label map. "
            "Create that representation in Slicer's Segmentations module first."
        )
    return copy


@dataclass(frozen=True)
class _Merged:
    """Segments in one grid; those that share a layer cannot overlap.

    Attributes:
        ranks: of the segment that each voxel (KJI) goes to, 1 for the first; 0 for none.
        lost: for pairs (earlier, later) of segments, by position in the list, the number of voxels they share.
    """

    ranks: npt.NDArray[np.uint16]
    lost: dict[tuple[int, int], int]

    @classmethod
    def nothing(cls, geometry: VolumeGeometry) -> _Merged:
        return cls(np.zeros(geometry.shape_ijk[::-1], np.uint16), {})

    def add(self, layer: npt.NDArray, planes: slice, members: list[tuple[int, int]]) -> None:
        """Add some planes of a layer, which holds the label values of segments that have these ranks."""
        lowest, highest = int(layer.min()), int(layer.max())
        table = np.zeros(highest - lowest + 1, np.uint16)
        for rank, value in members:
            if lowest <= value <= highest:
                table[value - lowest] = rank
        for plane, below in zip(layer, self.ranks[planes], strict=True):  # plane by plane: volumes are large
            mapped = table[plane.astype(np.intp) - lowest]
            _count_overlaps(mapped, below, self.lost)
            np.maximum(below, mapped, out=below)

    def volume(self, name: str, names: list[str], values: list[int], geometry: VolumeGeometry) -> SourceVolume:
        """Return the label map: each segment's value where it is."""
        table = np.array([0, *values], np.uint8 if max(values) <= 255 else np.uint16)
        voxels, digest = np.empty(self.ranks.shape, table.dtype), hashlib.sha256()
        for planes in stretches(len(voxels), _planes_at_a_time(geometry)):
            np.take(table, self.ranks[planes], out=voxels[planes])
            digest.update(voxels[planes].data)
        return SourceVolume(
            name=name,
            path=None,
            sha256=digest.hexdigest(),
            geometry=geometry,
            voxels_kji=voxels,
            warnings=tuple(
                f"In '{name}' the segments '{names[a]}' and '{names[b]}' overlap in {voxels_lost} voxels, which "
                f"go to '{names[b]}' (later in the list). Use two segmentation nodes to keep both."
                for (a, b), voxels_lost in self.lost.items()
            ),
            segments=tuple(zip(values, names, strict=True)),
        )


def _planes_at_a_time(geometry: VolumeGeometry) -> int:
    return max(1, _VOXELS_AT_A_TIME // (geometry.shape_ijk[0] * geometry.shape_ijk[1]))


def _count_overlaps(above: npt.NDArray, below: npt.NDArray, lost: dict[tuple[int, int], int]) -> None:
    """Add the voxels of one plane that two segments claim, by (earlier, later) position in the list."""
    both = (above > 0) & (below > 0)
    if not both.any():
        return
    pairs = np.sort(np.stack([above[both], below[both]]), axis=0)
    for (a, b), count in zip(*np.unique(pairs.T, axis=0, return_counts=True), strict=True):
        key = (int(a) - 1, int(b) - 1)
        lost[key] = lost.get(key, 0) + int(count)


def _layers(segments: list[Any]) -> list[tuple[Any, list[tuple[int, int]]]]:
    """Return label map images with the (rank, label value) of the segments that each of them holds."""
    layers: dict[str, tuple[Any, list[tuple[int, int]]]] = {}
    for rank, segment in enumerate(segments, start=1):
        image = segment.GetRepresentation(BINARY_LABELMAP)
        key = image.__this__ if image is not None else ""
        layers.setdefault(key, (image, []))[1].append((rank, int(segment.GetLabelValue())))
    return list(layers.values())


def _resampled(runtime: SlicerRuntime, image: Any, grid: Any) -> npt.NDArray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    result = runtime.classes.vtkOrientedImageData()
    resample = runtime.classes.vtkOrientedImageDataResample
    if not resample.ResampleOrientedImageToReferenceOrientedImage(image, grid, result):
        raise InputError("A segment could not be brought onto the volume's grid.")
    return vtk_to_numpy(result.GetPointData().GetScalars()).reshape(result.GetDimensions()[::-1])


def _oriented_image(runtime: SlicerRuntime, geometry: VolumeGeometry, planes: slice | None = None) -> Any:
    """Return the grid, or some planes of it, as an image without voxels."""
    image = runtime.classes.vtkOrientedImageData()
    extent = list(geometry.box.extent)
    if planes is not None:
        extent[4:] = planes.start, min(planes.stop, geometry.shape_ijk[2]) - 1
    image.SetExtent(*extent)
    image.SetImageToWorldMatrix(matrix_from_array(geometry.affine_ras))
    return image


def _values(own: list[int]) -> list[int]:
    distinct = len(set(own)) == len(own) and min(own) > 0 and max(own) <= LARGEST_VALUE
    return own if distinct else list(range(1, len(own) + 1))
