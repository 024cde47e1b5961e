"""Volume files that Slicer reads and writes, through its storage nodes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..attended import held_in_scene, in_scene, is_attended
from ..core.errors import InputError, OutputError, reading
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.text import Option, Sentence, degrees
from ..core.volume import SourceVolume, is_identity
from ..files.detached import FilesAsFound, source_sha256
from ..files.disk import missing
from ..files.encodings.encoding import replace_header
from ..files.encodings.table import encoding_of
from ..files.itk.headers import lost_integers
from ..files.machine import native_messages_hidden
from ..files.mgh import EXTENSIONS as MGH_EXTENSIONS
from ..files.statements.table import read_statement
from ..interrupts import ended_by_signals
from .nodes import add_volume_node, node_geometry, temporary_nodes, voxels_kji
from .nrrd_beside import read_nrrd_beside
from .runtime import SlicerRuntime

NIFTI_EXTENSIONS = (".nii", ".nii.gz")


def is_nifti(path: Path) -> bool:
    """Return whether a file is a NIfTI file, by its extension."""
    return volume_extension(path) in NIFTI_EXTENSIONS


def reads_without_itk(path: Path) -> bool:
    """Return whether our own code reads the file, which refuses a damaged one where ITK may crash."""
    return is_nifti(path) or volume_extension(path) in MGH_EXTENSIONS


def require_volume_file(path: Path) -> None:
    """Refuse what is not a file, is empty, or has no extension of a volume format.

    Raises:
        InputError: saying which.
    """
    if not path.exists():
        raise InputError(missing(path))
    if not path.is_file():
        raise InputError(f"{path} is not a file.")
    if volume_extension(path) is None:
        raise InputError(
            f"{path} is not a volume file that Slicer reads (by its extension, .nii, .nrrd, .mha and so on)."
        )
    with reading(path):
        empty = path.stat().st_size == 0
    if empty:
        raise InputError(f"{path} is empty (0 bytes). Copy or download the file again.")


def geometry_warnings(geometry: VolumeGeometry) -> tuple[str, ...]:
    """Return warnings about a matrix by itself: an identity, by a program that lost the real one, and sheared axes."""
    warnings: tuple[str, ...] = ()
    if is_identity(geometry):
        warnings += (
            "The affine is the identity: spacing, orientation and position were probably lost, and thickness in mm, "
            "left and right cannot be trusted.",
        )
    if geometry.is_sheared:
        angle = degrees(geometry.shear_degrees)
        warnings += (f"The axes are {angle} degrees off a right angle (sheared), which NIfTI and DICOM cannot hold.",)
    return warnings


def load_volume_file(
    runtime: SlicerRuntime, path: Path, found: FilesAsFound, transform: str | None = None
) -> SourceVolume:
    """Return a file that Slicer reads whole, in the file's index order.

    Args:
        runtime: with a scene for temporary nodes.
        path: one that ``judge_before_loading`` has accepted.
        found: it and the files of its voxels, before that.
        transform: "sform" or "qform" of a NIfTI pair to insist on one; None: Slicer's choice.

    Raises:
        InputError: Slicer cannot read it, or it was changed meanwhile.
    """
    with reading(path):
        stated = read_statement(path, transform)
    with _voxels_of(runtime, path) as (voxels, held):
        geometry = stated.placed(held, transform)
        if (exact := lost_integers(path, voxels)) is not None:
            voxels = exact
        sha256 = source_sha256(path, allow_outside=True)  # whether that is so was judged before
        found.require_unchanged()
        # The array shares the image's memory, which it keeps alive after the node is gone.
        return SourceVolume(
            str(path),
            str(path),
            sha256,
            geometry,
            voxels,
            header=None if stated.nifti is None else stated.nifti.fields,
            nifti_transform=stated.form(transform),
            warnings=stated.warnings,
        )


@contextmanager
def _voxels_of(runtime: SlicerRuntime, path: Path) -> Iterator[tuple[npt.NDArray, VolumeGeometry]]:
    """Yield voxels and geometry of a file as Slicer reads them, in the scene or, for a caller who waits, beside it."""

    def load(small: Path) -> tuple[npt.NDArray, VolumeGeometry]:
        with _loaded(runtime, small) as (voxels, geometry):
            return voxels.copy(), geometry

    found = read_nrrd_beside(path, load) if is_attended() and volume_extension(path) == ".nrrd" else None
    if found is not None:
        yield found
        return
    with held_in_scene(_loaded(runtime, path)) as read:
        yield read


@contextmanager
def _loaded(runtime: SlicerRuntime, path: Path) -> Iterator[tuple[npt.NDArray, VolumeGeometry]]:
    """Yield voxels and geometry of a file, whose node lives within the context."""
    with temporary_nodes(runtime.scene) as nodes:
        node = _read_node(runtime, path, nodes)
        yield voxels_kji(node), node_geometry(node)


def _read_node(runtime: SlicerRuntime, path: Path, nodes: list[Any]) -> Any:
    node = runtime.scene.AddNode(runtime.classes.vtkMRMLScalarVolumeNode())
    nodes.append(node)
    # a name that is not UTF-8 is for people only
    node.SetName(path.name.encode("utf-8", "replace").decode())
    storage = runtime.scene.AddNode(runtime.classes.vtkMRMLVolumeArchetypeStorageNode())
    nodes.append(storage)
    # Since Slicer 5.8 the storage node flips the K axis of left-handed volumes unless this is switched off;
    # slabs keep the file's order.
    if hasattr(storage, "SetForceRightHandedIJKCoordinateSystem"):
        storage.SetForceRightHandedIJKCoordinateSystem(False)
    storage.SetSingleFile(True)
    storage.SetFileName(str(path))
    with native_messages_hidden(), ended_by_signals():
        was_read = storage.ReadData(node)
    if not was_read or node.GetImageData() is None:
        raise InputError(
            f"{path} cannot be read by Slicer: its header or data is damaged, or it is of a kind that ITK refuses."
        )
    return node


# Slicer's writer refuses these types: the same bytes are written as another one of the same size,
# and the right one is put into the header.
_STAND_INS = {np.dtype(np.int8): np.uint8, np.dtype(np.int64): np.float64, np.dtype(np.uint64): np.float64}


def write_uncompressed(runtime: SlicerRuntime, node: Any, path: Path) -> None:
    """Let Slicer write a volume node, header and voxels, without compression.

    Args:
        runtime: Slicer's classes.
        node: the volume.
        path: with the raw extension of an encoding.

    Raises:
        OutputError: the storage node reports that it could not.
    """
    encoding, voxels = encoding_of(path), voxels_kji(node)
    stand_in = _STAND_INS.get(voxels.dtype)
    if stand_in is None:
        _write(runtime, node, path)
        return
    with temporary_nodes(runtime.scene) as nodes:
        nodes.append(add_volume_node(runtime, voxels.view(stand_in), node_geometry(node), node.GetName()))
        _write(runtime, nodes[-1], path)
    header = encoding.header(path)
    replace_header(path, header, encoding.retyped(header, voxels.dtype))


def slicers_header(
    runtime: SlicerRuntime, geometry: VolumeGeometry, dtype: np.dtype, corner: Path, channels: int = 1
) -> bytes:
    """Return the header that Slicer writes for a volume; what it writes is a corner, which gets the size of the whole.

    Args:
        runtime: Slicer's classes, and a scene for a temporary node.
        geometry: of the volume.
        dtype: of its voxels.
        corner: a path for a small file, with the raw extension of an encoding; it is removed again.
        channels: how many numbers there are per voxel.

    Raises:
        OutputError: the storage node reports that it could not.
        VerificationError: Slicer wrote something other than it was asked for.
    """
    encoding = encoding_of(corner)
    voxels = np.zeros([min(2, n) for n in geometry.shape_ijk[::-1]], dtype)
    in_scene(lambda: _write_voxels(runtime, voxels, geometry, corner))
    header = encoding.header(corner)
    corner.unlink()
    return encoding.resized(header, geometry.shape_ijk, channels)


def _write_voxels(runtime: SlicerRuntime, voxels: npt.NDArray, geometry: VolumeGeometry, path: Path) -> None:
    with temporary_nodes(runtime.scene) as nodes:
        there = VolumeGeometry(voxels.shape[::-1], geometry.affine_ras)
        nodes.append(add_volume_node(runtime, voxels, there, "volume"))
        write_uncompressed(runtime, nodes[-1], path)


def _write(runtime: SlicerRuntime, node: Any, path: Path) -> None:
    with temporary_nodes(runtime.scene) as nodes:
        storage = runtime.scene.AddNode(runtime.classes.vtkMRMLVolumeArchetypeStorageNode())
        nodes.append(storage)
        storage.SetUseCompression(False)
        storage.SetFileName(str(path))
        with native_messages_hidden():
            was_written = storage.WriteData(node)
    # ITK reports success after a short write
    promised = voxels_kji(node).nbytes
    written = path.stat().st_size if path.is_file() else 0
    if was_written and written >= promised:
        return
    free = shutil.disk_usage(path.parent).free
    why = Sentence(
        f"the disk has {free / 1e6:.1f} MB left. Make room and try again (an export goes on with ",
        Option.on("resume"),
        ")",
    )
    if free > 2 * promised:
        room = f"the disk has room ({free / 1e6:.0f} MB)"
        why = Sentence(f"its storage node gives no reason, and {room}. Please report it")
    raise OutputError(f"Slicer wrote {written} of {promised} bytes of {path}; ", why, ".")
