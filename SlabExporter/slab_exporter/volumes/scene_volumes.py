"""Volume nodes of a user's scene as source volumes: from their file where it still says the same.

Since Slicer 5.8 a left-handed file is held with its K axis reversed. Cutting the file instead of
the node gives the slabs of a headless run, byte for byte. Where there is no such file, the
node's voxels are cut in the node's order, and a warning says why.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..attended import beside
from ..core.errors import Cancelled, InputError, SlabExporterError
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.options import SeriesOptions
from ..core.options.labels import LabelOptions
from ..core.progress import Progress, no_progress
from ..core.text import Sentence
from ..core.volume import SourceVolume, VolumePeek
from ..files.nifti import read_header
from ..files.nifti_transforms import SAME_MM, contradictions, itk_freedom_mm, refuse_unusable
from ..files.statements.table import read_statement
from ..interrupts import stretches
from ..mrml.nodes import lies_under_grid, node_geometry, require_no_transform, voxels_kji
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import geometry_warnings, is_nifti
from .choice import FileVolume
from .labels.placing import on_image
from .reading import open_volume, peek_volume
from .same_volume import k_order, same_volume
from .scene_images import NodeImages
from .scene_series import read_images, volume_of_images

# Bytes that are summed at a time.
_SUMMED = 1 << 24


def require_well_placed(node: Any) -> None:
    """Refuse a node that Slicer loaded from a file without placing it as the file says.

    Slicer reads a sheared sform through the qform beside it, or not at all; a headless run refuses
    such a file too. A negative voxel size makes a mirror image, and Slicer ignores the unit of an
    NRRD. A node that was changed since is taken as it is.

    Raises:
        InputError: with what is wrong, and by how much.
    """
    path = file_of_node(node)
    if path is None or node.GetModifiedSinceRead():
        return
    try:
        why = _why_elsewhere(path)
    except OSError:
        return
    stated = _header_of(node) if why else None
    if stated is None:
        return
    held = node_geometry(node)
    difference = min((stated.geometry.difference(one) for one in (held, held.k_reversed())), key=lambda one: one.mm)
    if difference.mm > SAME_MM:
        raise InputError(
            f"Slicer shows '{node.GetName()}' up to {difference} away from where the header of {path} says. "
            f"{why[0]} Export the file with the command line, or repair its header and load it again."
        )


def _why_elsewhere(path: Path) -> list[str]:
    """Return sentences about a header by which Slicer shows a file elsewhere than it says.

    Raises:
        InputError: the transforms of a NIfTI file cannot be used at all.
    """
    if is_nifti(path):
        try:
            header = read_header(path)
        except SlabExporterError:
            return []
        refuse_unusable(header, None)
        return contradictions(header)
    try:
        stated = read_statement(path)
    except SlabExporterError:
        return []
    return [*stated.warnings] if stated.unit_mm != 1.0 else []


def header_warnings(node: Any) -> tuple[str, ...]:
    """Return what the header of a node's file leaves open; nothing for a node that was changed since."""
    found = None if node.GetModifiedSinceRead() else _header_of(node)
    return () if found is None else found.warnings


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
    file = _NodeFile(path, _why_no_file(node) if path is None else _what_changed(node, path))
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
    """

    path: Path | None
    otherwise: str


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
        return _with_reason(held, not_images or file.otherwise)
    if not path.is_file():
        return _with_reason(held, not_images or f"The file {path}, from which '{held.name}' was loaded, is gone")
    try:
        stored = open_volume(runtime, FileVolume(path))
    except Cancelled:
        raise
    except SlabExporterError as error:
        why = error.sentence.without_full_stop()
        return _with_reason(held, Sentence(f"The file of '{held.name}' cannot be read any more (", why, ")"))
    order = same_volume(stored, held, header_freedom(path))
    if order is None:
        return _with_reason(held, not_images or file.otherwise)
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


def file_of_node(node: Any) -> Path | None:
    """Return the one volume file that a node was loaded from or saved to; None for DICOM and unsaved nodes."""
    storage = node.GetStorageNode()
    name = storage.GetFullNameFromFileName() if storage is not None else None
    if not name or storage.GetNumberOfFileNames() > 1 or volume_extension(Path(name)) is None:
        return None
    return Path(name)


def geometry_to_cut(node: Any) -> VolumeGeometry:
    """Return the geometry in whose index order the node will be cut; cheap, for showing a plan.

    That is the file's order where its header still places the same volume, else the node's.

    Raises:
        InputError: the node holds no voxels.
    """
    voxels_kji(node)
    held = node_geometry(node)
    stored = _header_of(node)
    path = file_of_node(node)
    if stored is None or path is None or k_order(stored.geometry, held, header_freedom(path)) is None:
        return held
    return stored.geometry


def _header_of(node: Any) -> VolumePeek | None:
    path = file_of_node(node)
    if path is None or not path.is_file():
        return None
    status = path.stat()
    return _peeked(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=32)
def _peeked(path: str, _mtime: int, _size: int) -> VolumePeek | None:
    """Return what a header says, or None where it cannot be read; the file's state is part of the key."""
    try:
        return peek_volume(FileVolume(Path(path)))
    except (SlabExporterError, RuntimeError, OSError):
        return None


def header_freedom(path: Path) -> float:
    """Return how far Slicer may place a file from what its header says, by rounding alone, in mm."""
    return itk_freedom_mm(read_header(path)) if is_nifti(path) else 0.0


def _with_reason(volume: SourceVolume, reason: str) -> SourceVolume:
    text = Sentence(reason, ": the slabs are cut from the volume in Slicer's scene, in Slicer's index order.")
    return _with_check_sum(replace(volume, warnings=(*volume.warnings, text)))


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


def _what_changed(node: Any, path: Path) -> str:
    if node.GetModifiedSinceRead():
        return f"'{node.GetName()}' has been changed in Slicer since it was loaded from {path}"
    return f"The file {path} no longer holds what '{node.GetName()}' was loaded from it"
