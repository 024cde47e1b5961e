"""Headers of the files of a scene's volumes: where they place these, and in which index order they are cut.

The order follows from geometry alone, so that a plan that is shown beforehand, without reading any voxel, is that of
the export: a volume whose header still places it is cut in its file's order, also where its values are others; one
that was loaded from DICOM along the normal of its images, which makes it right-handed; any other as the scene has it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ...core.errors import InputError, SlabExporterError
from ...core.geometry import VolumeGeometry
from ...core.naming import volume_extension
from ...core.volume import VolumePeek
from ...files.nifti import read_header
from ...files.nifti_transforms import SAME_MM, contradictions, itk_freedom_mm, refuse_unusable
from ...files.statements.table import read_statement
from ...mrml.nodes import node_geometry, voxels_kji
from ...mrml.sequences import HeldFrames, SequenceFrames, held_frames
from ...mrml.volume_files import is_nifti
from ..choice import FileVolume
from ..reading import peek_volume
from ..same_volume import k_order
from ..scene_images import instance_uids


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
    stated = header_of(node) if why else None
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
    found = None if node.GetModifiedSinceRead() else header_of(node)
    return () if found is None else found.warnings


def file_of_node(node: Any) -> Path | None:
    """Return the one volume file that a node was loaded from or saved to; None for DICOM and unsaved nodes."""
    storage = node.GetStorageNode()
    name = storage.GetFullNameFromFileName() if storage is not None else None
    if not name or storage.GetNumberOfFileNames() > 1 or volume_extension(Path(name)) is None:
        return None
    return Path(name)


def geometry_to_cut(node: Any) -> VolumeGeometry:
    """Return the geometry in whose index order the node, or the frames of which it shows one, will be cut.

    It is cheap, for showing a plan: no voxel is read.

    Raises:
        InputError: the node holds no voxels.
    """
    if held_frames(node) is None:
        voxels_kji(node)
    held = node_geometry(node)
    if not is_reversed_when_cut(node, held):
        return held
    stored = None if instance_uids(node) else header_of(node)
    return held.k_reversed() if stored is None else stored.geometry


def is_reversed_when_cut(node: Any, held: VolumeGeometry) -> bool:
    """Return whether a volume, or the frames of which a node shows one, will be cut with k against the scene's.

    Args:
        node: volume node.
        held: where it lies.
    """
    frames = held_frames(node)
    if frames is not None:
        return are_reversed_when_cut(frames, frames.shown, held)
    return not held.is_right_handed if instance_uids(node) else _is_reversed(file_of_node(node), False, held)


def are_reversed_when_cut(frames: HeldFrames, number: int, held: VolumeGeometry) -> bool:
    """Return whether frames, one of which has a number and lies there, will be cut with k against the scene's."""
    own = frames.kept.GetNthDataNode(number) if isinstance(frames, SequenceFrames) else frames.kept
    return not held.is_right_handed if instance_uids(own) else _is_reversed(file_of_node(frames.kept), True, held)


def source_file(node: Any) -> Path | None:
    """Return the one file of a volume node, or of the sequence of which it shows a frame; None where there is none."""
    frames = held_frames(node)
    return file_of_node(node if frames is None else frames.kept)


def header_of(node: Any) -> VolumePeek | None:
    """Return what the header of a node's ``source_file`` says; None where there is none that can be read."""
    return _header(source_file(node), held_frames(node) is not None)


def _is_reversed(path: Path | None, is_of_several: bool, held: VolumeGeometry) -> bool:
    stored = _header(path, is_of_several)
    if path is None or stored is None:
        return False
    return k_order(stored.geometry, held, header_freedom(path)) == "reversed"


def _header(path: Path | None, is_of_several: bool) -> VolumePeek | None:
    if path is None or not path.is_file():
        return None
    status = path.stat()
    return _peeked(str(path), is_of_several, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=32)
def _peeked(path: str, is_of_several: bool, _mtime: int, _size: int) -> VolumePeek | None:
    """Return what a header says, or None where it cannot be read; the file's state is part of the key."""
    try:
        return peek_volume(FileVolume(Path(path), frames="all" if is_of_several else None))
    except (SlabExporterError, RuntimeError, OSError):
        return None


def header_freedom(path: Path) -> float:
    """Return how far Slicer may place a file from what its header says, by rounding alone, in mm."""
    return itk_freedom_mm(read_header(path)) if is_nifti(path) else 0.0
