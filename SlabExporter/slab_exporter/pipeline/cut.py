"""Let CropVolume cut a box, and compare what it cut with the source's own voxels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from ..attended import held_in_scene
from ..core.errors import VerificationError
from ..core.geometry import Box, VolumeGeometry
from ..core.volume import SourceVolume
from ..files.readback import first_difference
from ..mrml.crop import cropped_node
from ..mrml.nodes import add_volume_node, node_geometry, temporary_nodes, voxels_kji
from ..mrml.runtime import SlicerRuntime


@contextmanager
def shown_volumes(runtime: SlicerRuntime, volumes: Mapping[str, SourceVolume]) -> Iterator[dict[str, Any]]:
    """Yield nodes of the runtime's scene that show the volumes without copying them, by the same names."""
    with temporary_nodes(runtime.scene) as nodes:
        for name, volume in volumes.items():
            nodes.append(add_volume_node(runtime, volume.voxels_kji, volume.geometry, name))
        yield dict(zip(volumes, nodes, strict=True))


@contextmanager
def cut_voxels(
    runtime: SlicerRuntime, source: Any, geometry: VolumeGeometry, box: Box, fill: float
) -> Iterator[tuple[VolumeGeometry, npt.NDArray]]:
    """Yield geometry and voxels (KJI) of what CropVolume cuts; the arguments are those of ``cropped_node``."""
    with held_in_scene(_cut(runtime, source, geometry, box, fill)) as cut:
        yield cut


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
    own = volume.voxels_kji[box.intersection(volume.geometry.box).slices_kji()]
    return own if own.shape == cut_kji.shape and own.flags.c_contiguous else cut_kji
