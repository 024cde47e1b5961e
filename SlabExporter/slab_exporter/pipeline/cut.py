"""Let CropVolume cut a box, and compare what it cut with the source's own voxels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from ..attended import held_in_scene, is_attended
from ..core.errors import VerificationError
from ..core.geometry import Box, VolumeGeometry
from ..core.volume import SourceVolume
from ..files.readback import first_difference
from ..interrupts import stretches
from ..mrml.crop import cropped_node
from ..mrml.nodes import add_volume_node, node_geometry, temporary_nodes, voxels_kji
from ..mrml.runtime import SlicerRuntime

# Voxels that CropVolume cuts at a time while somebody waits on its thread.
_CUT_AT_A_TIME = 1 << 22


@contextmanager
def shown_volumes(runtime: SlicerRuntime, volumes: Mapping[str, SourceVolume]) -> Iterator[dict[str, Any]]:
    """Yield nodes of the runtime's scene that show the volumes without copying them, by the same names."""
    with temporary_nodes(runtime.scene) as nodes:
        for name, volume in volumes.items():
            nodes.append(add_volume_node(runtime, volume.voxels_kji, volume.geometry, name))
        yield dict(zip(volumes, nodes, strict=True))


@contextmanager
def cut_as_source(
    runtime: SlicerRuntime, node: Any, volume: SourceVolume, box: Box, fill: float
) -> Iterator[tuple[VolumeGeometry, npt.NDArray]]:
    """Yield geometry and voxels (KJI) of what CropVolume cuts, once the voxels are known to be the source's.

    Args:
        runtime: whose scene holds the node.
        node: that shows the volume.
        volume: the source.
        box: what to cut, in IJK; may reach outside.
        fill: value of the voxels outside.

    Raises:
        VerificationError: CropVolume would cut, or has cut, something else.
    """
    own = _whole_planes(volume, box)
    if is_attended() and own is not None:
        # In parts: while CropVolume copies a large box nothing else is done on its thread.
        placed = [_compared(runtime, node, volume, part, fill) for part in _parts(box)]
        yield VolumeGeometry(box.shape, placed[0].affine_ras), own
        return
    with held_in_scene(_cut(runtime, node, volume.geometry, box, fill)) as (geometry, found):
        yield geometry, own_voxels(found, volume, box, fill)


def _parts(box: Box) -> Iterator[Box]:
    """Yield a box in some planes after the other."""
    for planes in stretches(box.shape[2], max(1, _CUT_AT_A_TIME // (box.shape[0] * box.shape[1]))):
        first, last = box.start[2] + planes.start, box.start[2] + min(planes.stop, box.shape[2])
        yield Box((*box.start[:2], first), (*box.stop[:2], last))


def _compared(runtime: SlicerRuntime, node: Any, volume: SourceVolume, box: Box, fill: float) -> VolumeGeometry:
    """Cut a box, compare it with the source, and return where it lies."""
    with held_in_scene(_cut(runtime, node, volume.geometry, box, fill)) as (geometry, found):
        own_voxels(found, volume, box, fill)
        return geometry


@contextmanager
def _cut(
    runtime: SlicerRuntime, source: Any, geometry: VolumeGeometry, box: Box, fill: float
) -> Iterator[tuple[VolumeGeometry, npt.NDArray]]:
    with cropped_node(runtime, source, geometry, box, fill) as node:
        yield node_geometry(node), voxels_kji(node)


def own_voxels(cut_kji: npt.NDArray, volume: SourceVolume, box: Box, fill: float) -> npt.NDArray:
    """Return what CropVolume cut: of whole planes the source's own, once they are known to be the same.

    Args:
        cut_kji: the voxels that were cut.
        volume: the source.
        box: what was to be cut, in IJK of the source; may reach outside.
        fill: value of the voxels outside.

    Raises:
        VerificationError: CropVolume cut other voxels than those of the box, or of another type.
    """
    if cut_kji.dtype != volume.voxels_kji.dtype:
        raise VerificationError(
            f"Slicer's CropVolume cut {cut_kji.dtype.name} of {volume.name}, whose voxels are "
            f"{volume.voxels_kji.dtype.name}."
        )
    difference = first_difference(cut_kji, volume.voxels_kji, volume.geometry.box, box, fill)
    if difference is not None:
        raise VerificationError(f"Slicer's CropVolume cut {box} of {volume.name}, of which {difference}.")
    own = _whole_planes(volume, box)
    return cut_kji if own is None else own


def _whole_planes(volume: SourceVolume, box: Box) -> npt.NDArray | None:
    """Return the voxels of a box that consists of whole planes of the volume; None for any other."""
    own = volume.inside(box)
    return own if own.shape == box.shape[::-1] and own.flags.c_contiguous else None
