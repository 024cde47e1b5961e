"""The phantom after a conversion by hand that went wrong, and predictions on its slabs: what the documents talk about.

Arrays here are IJK, as nibabel indexes them and as the code of the story does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import writing
from ..core.geometry import VolumeGeometry
from ..core.options import SlabOptions
from ..core.planning import plan_slabs
from ..mrml.nodes import add_volume_node, temporary_nodes
from ..mrml.runtime import open_runtime
from ..mrml.volume_files import write_uncompressed
from .phantom import demo_geometry, paint_torso

# The second batch of 64 slices of the story.
BATCH = slice(64, 128)
_AIR_BELOW = -500


@dataclass(frozen=True)
class _Volume:
    """A file of the story: its path in the folder, voxels (IJK) and affine (RAS, mm)."""

    path: str
    voxels: npt.NDArray
    affine: npt.NDArray


def make_story(folder: Path) -> list[Path]:
    """Write the volumes of the story and predictions on slabs of 64 slices that overlap by 16.

    Returns:
        The paths, in order.

    Raises:
        OutputError: the folder cannot be written.
    """
    geometry = demo_geometry()
    whole = paint_torso(geometry)[0].transpose(2, 1, 0)
    volumes = [*_conversions(whole, geometry.affine_ras), *_predictions(whole, geometry)]
    with writing(f"The folder {folder}"):
        for volume in volumes:
            (folder / volume.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / volume.path).unlink(missing_ok=True)
    with open_runtime() as runtime:
        for volume in volumes:
            kji = np.ascontiguousarray(volume.voxels.transpose(2, 1, 0))
            placed = VolumeGeometry(volume.voxels.shape, volume.affine)
            with temporary_nodes(runtime.scene) as nodes:
                nodes.append(add_volume_node(runtime, kji, placed, Path(volume.path).stem))
                write_uncompressed(runtime, nodes[-1], folder / volume.path)
    return [folder / volume.path for volume in volumes]


def _conversions(whole: npt.NDArray, affine: npt.NDArray) -> list[_Volume]:
    """Return what came back from DICOM, and what the repairs made of it."""
    batch, place = back_from_dicom(whole, affine)
    rotated = np.rot90(batch)
    symmetric = (whole + whole[::-1]) // 2
    return [
        _Volume("batch1.nii", batch, place),
        _Volume("rotated.nii", rotated, place),
        _Volume("flipped.nii", np.flip(rotated, 0), place),
        _Volume("copied.nii", np.flip(rotated, 0), affine),
        _Volume("symmetric.nii", symmetric, affine),
    ]


def back_from_dicom(whole: npt.NDArray, affine: npt.NDArray) -> tuple[npt.NDArray[np.float64], npt.NDArray]:
    """Return the batch, and its affine, that the naive route by way of DICOM gives of a volume stored LAS.

    The route writes ``volume[:, :, k]`` as rows and columns, which swaps the two; takes the origin, in RAS, for
    DICOM's LPS; and states that rows run to the left and columns to the back. dicom2nifti then reverses the
    rows, so that the file is stored LAS (``reorient_nifti``), and returns float64. A test compares the two.
    """
    spacing, origin = np.abs(np.diag(affine)[:3]), affine[:3, 3]
    batch = whole[:, :, BATCH].transpose(1, 0, 2)[:, ::-1, :].astype(np.float64)
    place = np.diag([-spacing[0], spacing[1], spacing[2], 1.0])
    last_row = -origin[1] - spacing[1] * (batch.shape[1] - 1)
    place[:3, 3] = -origin[0], last_row, origin[2] + BATCH.start * spacing[2]
    return batch, place


def _predictions(whole: npt.NDArray, geometry: VolumeGeometry) -> list[_Volume]:
    """Return what a model that finds air says of each slab: as it should be, and saved without geometry."""
    air = (whole < _AIR_BELOW).astype(np.uint8)
    made = []
    for slab in plan_slabs(geometry, SlabOptions(thickness=64, overlap=16)).slabs:
        part = air[tuple(map(slice, slab.box.start, slab.box.stop))]
        name = f"torso_slab-{slab.index:03d}.nii"
        made.append(_Volume(f"predictions/{name}", part, geometry.cropped(slab.box).affine_ras))
        made.append(_Volume(f"lost/{name}", part, np.eye(4)))
    return made
