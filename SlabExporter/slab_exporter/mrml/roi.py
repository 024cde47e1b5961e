"""The markups ROI of a slab, and the voxels that lie inside a user's ROI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..attended import in_scene
from ..core.errors import InputError, RequestError, reading
from ..core.geometry import Box, VolumeGeometry
from ..files.machine import native_messages_hidden
from .nodes import array_from_matrix, matrix_from_array, temporary_nodes
from .runtime import SlicerRuntime

# CropVolume counts a voxel as inside when its edges are, to this many voxels
# (vtkSlicerCropVolumeLogic::GetVoxelBasedCropOutputExtent).
EDGE_TOLERANCE = 0.001
_LARGEST_ROI_FILE = 16 << 20


def place_roi(roi: Any, geometry: VolumeGeometry, box: Box) -> None:
    """Lay a vtkMRMLMarkupsROINode around the voxels of a box, on their outer edges.

    The ROI's axes are the volume's; for a left-handed volume the first one is reversed, since
    an ROI is right-handed. A box is symmetric, so it covers the same voxels. An ROI that lies there already is not
    touched: each change is drawn.
    """
    start, stop = np.array(box.start, dtype=float), np.array(box.stop, dtype=float)
    object_to_node = np.eye(4)
    object_to_node[:3, :3] = geometry.directions
    if not geometry.is_right_handed:
        object_to_node[:3, 0] *= -1
    object_to_node[:3, 3] = geometry.ras((start + stop - 1) / 2)
    size = ((stop - start) * geometry.spacing).tolist()
    if list(roi.GetSize()) == size and np.array_equal(array_from_matrix(roi.GetObjectToNodeMatrix()), object_to_node):
        return
    # The matrix comes last: setting the size rounds the centre to float32.
    roi.SetSize(*size)
    roi.SetAndObserveObjectToNodeMatrix(matrix_from_array(object_to_node))


def box_inside_roi(roi: Any, geometry: VolumeGeometry) -> Box:
    """Return the box of voxels that lie wholly inside an ROI, as CropVolume counts them.

    For an ROI that is rotated against the volume: the voxels within its bounding box along the
    volume's axes, again as CropVolume does.

    Raises:
        RequestError: no voxel of the volume lies inside.
    """
    half = np.array(roi.GetSize()) / 2
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    object_to_world = array_from_matrix(roi.GetObjectToWorldMatrix())
    corners = (signs * half) @ object_to_world[:3, :3].T + object_to_world[:3, 3]
    ijk = geometry.ijk(corners)
    start = np.ceil(ijk.min(axis=0) + 0.5 - EDGE_TOLERANCE).astype(int)
    stop = np.floor(ijk.max(axis=0) - 0.5 + EDGE_TOLERANCE).astype(int) + 1
    box = Box(tuple(start.tolist()), tuple(stop.tolist())).intersection(geometry.box)
    if box.is_empty:
        raise RequestError(
            f"The ROI '{roi.GetName()}' holds no voxel of the volume: it spans "
            f"{_span(corners)} mm in RAS, the volume {_span(geometry.corners_ras())} mm."
        )
    return box


def read_roi_box(runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> Box:
    """Return the box of voxels inside the ROI of a markups file (.mrk.json).

    Raises:
        InputError: the file is missing, or holds no ROI that Slicer can read.
        RequestError: no voxel of the volume lies inside.
    """
    if not path.is_file():
        raise InputError(f"The ROI file {path} does not exist.")
    _require_json(path)
    return in_scene(lambda: _load_box(runtime, path, geometry))


def _load_box(runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> Box:
    with temporary_nodes(runtime.scene) as nodes:
        storage = runtime.classes.vtkMRMLMarkupsROIJsonStorageNode()
        storage.SetFileName(str(path))
        roi = runtime.classes.vtkMRMLMarkupsROINode()
        roi.SetName(path.name)
        nodes.append(runtime.scene.AddNode(roi))
        nodes.append(runtime.scene.AddNode(storage))
        with native_messages_hidden():
            was_read = storage.ReadData(roi)
        if not was_read or min(roi.GetSize()) <= 0:
            raise InputError(f"{path} holds no ROI; save one from Slicer's Markups module as .mrk.json.")
        return box_inside_roi(roi, geometry)


def _require_json(path: Path) -> None:
    """Refuse what Slicer's own parser may not survive: it follows nested lists without a limit.

    Raises:
        InputError: the file is large, nested deeply, or no JSON.
    """
    with reading(path):
        size = path.stat().st_size
        if size > _LARGEST_ROI_FILE:
            raise InputError(f"{path} holds no ROI: it has {size / 1e6:.0f} MB, and an ROI takes a few thousand bytes.")
        try:
            fault = "" if isinstance(json.loads(path.read_bytes()), dict) else "it holds no object"
        except RecursionError:
            fault = "its lists are nested too deeply"
        except ValueError as error:
            fault = str(error)
    if fault:
        raise InputError(
            f"{path} holds no ROI: it is no JSON of a markup ({fault}); save one from Slicer's Markups module."
        )


def _span(points: np.ndarray) -> str:
    low, high = points.min(axis=0), points.max(axis=0)
    return " x ".join(f"{a:.1f}..{b:.1f}" for a, b in zip(low, high, strict=True))
