"""The volume and the label maps of a scene in the order in which they are cut, as far as a preview needs them; no Qt.

Nothing is read from a file, and no voxel of the volume is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slab_exporter.core.errors import InputError
from slab_exporter.core.options.labels import LabelOptions
from slab_exporter.core.volume import SourceVolume
from slab_exporter.mrml.nodes import node_geometry, require_no_transform, voxels_kji
from slab_exporter.mrml.runtime import open_runtime
from slab_exporter.mrml.segmentations import segmentation_volume
from slab_exporter.volumes.held.headers import geometry_to_cut
from slab_exporter.volumes.labels.placing import on_image


def image_of(volume: Any) -> SourceVolume:
    """Return a volume node in the index order in which it will be cut; its voxels are shared with the node.

    Raises:
        InputError: it holds no voxels.
    """
    voxels, held, cut = voxels_kji(volume), node_geometry(volume), geometry_to_cut(volume)
    is_reversed = cut.difference(held.k_reversed()).mm < cut.difference(held).mm
    return SourceVolume(str(volume.GetName()), None, "", cut, voxels[::-1] if is_reversed else voxels)


def labels_of(labels: Iterable[Any], image: SourceVolume) -> tuple[SourceVolume, ...]:
    """Return label map and segmentation nodes on the voxels of the image.

    Raises:
        InputError: one is under a transform, is empty, or does not lie on the image.
    """
    with open_runtime() as runtime:
        return tuple(_label(runtime, node, image) for node in labels)


def _label(runtime: Any, node: Any, image: SourceVolume) -> SourceVolume:
    if node.IsA("vtkMRMLSegmentationNode"):
        return segmentation_volume(runtime, node, image.geometry)
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(f"'{node.GetName()}' is neither a label map nor a segmentation.")
    require_no_transform(node)
    name = str(node.GetName())
    held = SourceVolume(name, None, "", node_geometry(node), voxels_kji(node))
    return on_image(held, image, name, LabelOptions())
