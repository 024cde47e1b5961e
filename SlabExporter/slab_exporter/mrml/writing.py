"""Volume nodes into uncompressed files, through Slicer's storage node."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import OutputError
from ..files.nifti import HEADER_DTYPE, HEADER_SIZE, SCALAR_TYPES
from ..files.packing import split_nrrd
from ..files.quiet import native_messages_hidden
from .nodes import add_volume_node, node_geometry, temporary_nodes, voxels_kji
from .runtime import SlicerRuntime

# Slicer's writer refuses these types: the same bytes are written as another one of the same size,
# and the header is told the right one.
_STAND_INS = {np.dtype(np.int8): np.uint8, np.dtype(np.int64): np.float64, np.dtype(np.uint64): np.float64}


def write_uncompressed(runtime: SlicerRuntime, node: Any, path: Path) -> None:
    """Let Slicer write a volume node, header and voxels, without compression (.nii or .nrrd).

    Raises:
        OutputError: the storage node reports that it could not.
    """
    voxels = voxels_kji(node)
    stand_in = _STAND_INS.get(voxels.dtype)
    if stand_in is None:
        _write(runtime, node, path)
        return
    with temporary_nodes(runtime.scene) as nodes:
        nodes.append(add_volume_node(runtime, voxels.view(stand_in), node_geometry(node), node.GetName()))
        _write(runtime, nodes[-1], path)
    _state_type(path, voxels.dtype)


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
    why = f"the disk has {free / 1e6:.1f} MB left. Make room and try again (an export goes on with --resume)"
    if free > 2 * promised:
        why = f"its storage node gives no reason, and the disk has room ({free / 1e6:.0f} MB). Please report it"
    raise OutputError(f"Slicer wrote {written} of {promised} bytes of {path}; {why}.")


def _state_type(path: Path, dtype: np.dtype) -> None:
    """Say in the header of a file what the voxels are."""
    if path.suffix == ".nrrd":
        header, size = split_nrrd(path)
        voxels = path.read_bytes()[size:]
        path.write_bytes(re.sub(rb"(?m)^type: .*$", f"type: {dtype.name}".encode(), header, count=1) + voxels)
        return
    with path.open("r+b") as file:
        fields = np.frombuffer(file.read(HEADER_SIZE), HEADER_DTYPE)[0].copy()
        fields["datatype"] = next(code for code, name in SCALAR_TYPES.items() if np.dtype(name) == dtype)
        file.seek(0)
        file.write(fields.tobytes())
