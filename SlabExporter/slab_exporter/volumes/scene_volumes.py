"""Volume nodes of a user's scene as source volumes: from their file where it still says the same.

Since Slicer 5.8 a left-handed file is held with its K axis reversed. Cutting the file instead of
the node gives the slabs of a headless run, byte for byte. Where there is no such file, the
node's voxels are cut, in the order that ``held.headers`` says, and a warning says why.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..attended import beside
from ..core.errors import Cancelled, SlabExporterError
from ..core.options import SeriesOptions
from ..core.options.labels import LabelOptions
from ..core.progress import Progress, no_progress
from ..core.text import Sentence
from ..core.volume import SourceVolume
from ..interrupts import stretches
from ..mrml.nodes import lies_under_grid, node_geometry, require_no_transform, voxels_kji
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import geometry_warnings
from .choice import FileVolume
from .held.headers import file_of_node, header_freedom, is_reversed_when_cut, require_well_placed
from .held.reasons import differing, gone, unreadable
from .labels.placing import on_image
from .reading import open_volume
from .same_volume import same_volume
from .scene_images import NodeImages
from .scene_series import read_images, volume_of_images

# Bytes that are summed at a time.
_SUMMED = 1 << 24


def scene_volume(
    runtime: SlicerRuntime, node: Any, progress: Progress = no_progress, images: NodeImages | None = None
) -> SourceVolume:
    """Return a volume node as a source: its file or DICOM images where they are the same volume, else its voxels.

    Args:
        runtime: with a private scene for reading the file.
        node: scalar or label map volume node, in any scene.
        progress: called while files are read and compared, as ``beside`` says; may raise ``Cancelled``.
        images: that it was loaded from (``images_of_node``); None: it was not, or they are not to be used.

    Raises:
        InputError: the node is under a transform, is misplaced, holds no voxels, or more than one
            number per voxel.
    """
    is_acquisition = images is not None and images.accepted != SeriesOptions() and lies_under_grid(node)
    if not is_acquisition:
        require_no_transform(node)
    require_well_placed(node)
    held, path = volume_as_held(node), file_of_node(node)
    name, is_changed = str(node.GetName()), bool(node.GetModifiedSinceRead())
    otherwise = _why_no_file(node) if path is None else differing(path, name, is_changed)
    file = _NodeFile(path, otherwise, is_reversed_when_cut(node, held.geometry))
    is_label = bool(node.IsA("vtkMRMLLabelMapVolumeNode"))
    volume = beside(lambda _: _found(runtime, held, file, images, is_label), progress)
    if is_acquisition and "series_instance_uid" not in volume.record:
        require_no_transform(node)
    return volume


@dataclass(frozen=True)
class _NodeFile:
    """The file of a node.

    Attributes:
        path: None where there is none.
        otherwise: why there is none, or why it does not hold what the node does; half a sentence.
        is_reversed: whether the node's voxels, where they are taken, are cut with k reversed.
    """

    path: Path | None
    otherwise: str
    is_reversed: bool


def _found(
    runtime: SlicerRuntime, held: SourceVolume, file: _NodeFile, images: NodeImages | None, is_label: bool
) -> SourceVolume:
    """Return the images, the file or the voxels of a node, whichever come first and are its volume."""
    if images is None:
        return _stored_or_held(runtime, held, file)
    if images.lost:
        return _stored_or_held(runtime, held, file, images.lost_sentence(held.name))
    try:
        read = read_images(images)
    except Cancelled:
        raise
    except SlabExporterError as error:
        why = error.sentence.without_full_stop()
        reason = Sentence(f"The DICOM images of '{held.name}' cannot be read as a volume (", why, ")")
        return _stored_or_held(runtime, held, file, reason)
    found = volume_of_images(held.name, held, read)
    if isinstance(found, SourceVolume):
        return found
    return found.of(_stored_or_held(runtime, held, file, found.reason), is_label)


def _stored_or_held(
    runtime: SlicerRuntime, held: SourceVolume, file: _NodeFile, not_images: str | None = None
) -> SourceVolume:
    """Return the volume of a file where it is the one that a node holds, otherwise that one, with the reason.

    Args:
        runtime: with a private scene for reading the file.
        held: the node's volume.
        file: of the node.
        not_images: why its DICOM images are not taken, half a sentence; None for a node that has none.
    """
    path = file.path
    if path is None:
        return _with_reason(held, not_images or file.otherwise, file)
    if not path.is_file():
        return _with_reason(held, not_images or gone(path, held.name), file)
    try:
        stored = open_volume(runtime, FileVolume(path))
    except Cancelled:
        raise
    except SlabExporterError as error:
        return _with_reason(held, unreadable(held.name, error), file)
    order = same_volume(stored, held, header_freedom(path))
    if order is None:
        return _with_reason(held, not_images or file.otherwise, file)
    if not_images is not None:
        text = Sentence(not_images, f": the slabs are cut from its file {path.name}.")
        stored = replace(stored, warnings=(*stored.warnings, text))
    return stored if order == "same" else replace(stored, loaded_affine_ras=held.geometry.affine_ras)


def volume_as_held(node: Any) -> SourceVolume:
    """Return a volume node's voxels in the node's own order; they are shared with the node, not copied.

    The check sum is left empty until the volume is known to be cut from here.

    Raises:
        InputError: the node holds no voxels, or more than one number per voxel.
    """
    voxels = np.ascontiguousarray(voxels_kji(node))
    geometry = node_geometry(node)
    return SourceVolume(str(node.GetName()), None, "", geometry, voxels, warnings=geometry_warnings(geometry))


def label_volume(
    runtime: SlicerRuntime,
    node: Any,
    image: SourceVolume,
    label_set: str,
    options: LabelOptions,
    progress: Progress = no_progress,
) -> SourceVolume:
    """Return a label map node as a source on the image's voxels, by the rule for files.

    Raises:
        InputError: as ``scene_volume``, or it does not lie on the image.
    """
    found = scene_volume(runtime, node, progress)
    return beside(lambda _: on_image(found, image, label_set, options), progress)


def _with_reason(volume: SourceVolume, reason: str, file: _NodeFile) -> SourceVolume:
    """Return the volume of a scene in the order in which it is cut (``held.headers``), and say so."""
    if file.is_reversed:
        volume = replace(
            volume,
            geometry=volume.geometry.k_reversed(),
            voxels_kji=np.ascontiguousarray(volume.voxels_kji[::-1]),
            loaded_affine_ras=volume.geometry.affine_ras,
        )
    text = Sentence(reason, ": the slabs are cut from the volume in Slicer's scene, ", order_words(file.is_reversed))
    return _with_check_sum(replace(volume, warnings=(*volume.warnings, text)))


def order_words(is_reversed: bool) -> str:
    """Return the end of a sentence on the index order in which voxels of a scene are cut."""
    return "in the index order that was loaded, k against Slicer's." if is_reversed else "in Slicer's index order."


def _with_check_sum(volume: SourceVolume) -> SourceVolume:
    digest, content = hashlib.sha256(), volume.voxels_kji.reshape(-1).view(np.uint8).data
    for part in stretches(len(content), _SUMMED):
        digest.update(content[part])
    return replace(volume, sha256=digest.hexdigest())


def _why_no_file(node: Any) -> str:
    storage = node.GetStorageNode()
    if storage is not None and storage.GetFileName():
        return f"'{node.GetName()}' was loaded from DICOM or from several files, not from one volume file"
    return f"'{node.GetName()}' has never been saved as a volume file"
