"""The independent opinion on files with several frames: SimpleITK reads each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import VerificationError
from ...core.geometry import Box, VolumeGeometry
from ...core.naming import volume_extension
from ...core.several.frames import FrameStack
from ..nifti import read_header
from ..nifti_voxels import read_frames
from ..readback import (
    array_view_kji,
    first_difference,
    image_geometry,
    open_reader,
    verify_place,
    with_non_finite,
)


def verify_frames(
    path: Path, stack: FrameStack, geometry: VolumeGeometry, box: Box, fill: float, name: str = "", whole: bool = True
) -> None:
    """Compare a file of several frames with their box in the source: number, type, place, every voxel of each.

    Args:
        path: the slab.
        stack: frames of the source.
        geometry: of the source, in the same index order.
        box: the slab's box in IJK of the source; may reach outside.
        fill: value of the voxels outside.
        name: of the slab, for messages; the file's own name if empty.
        whole: compare voxels, too, not only what the header says.

    Raises:
        VerificationError: with the first difference found.
    """
    name = name or path.name
    reader = open_reader(path)
    verify_place(path, name, image_geometry(reader), geometry.cropped(box))
    if (count := _count(reader)) != len(stack):
        raise VerificationError(f"{name}: it has {count} frames instead of {len(stack)}.")
    _verify_step(path, stack, name)
    if not whole:
        return
    found = _frames(reader, name)
    first = stack.voxels_fkji[0]
    if found.dtype != first.dtype:
        raise VerificationError(f"{name}: voxels are {found.dtype.name}, the source's are {first.dtype.name}.")
    stored = _stored_floats(path) if found.dtype.kind == "f" else None
    for n, number in enumerate(stack.numbers):
        voxels = found[n] if stored is None else with_non_finite(found[n], stored[n], name)
        difference = first_difference(voxels, stack.voxels_fkji[n], geometry.box, box, fill)
        if difference is not None:
            raise VerificationError(f"{name}: of frame {number}, {difference}.")


def read_frames_at(path: Path, planned: VolumeGeometry) -> npt.NDArray:
    """Return the voxels (frames, k, j, i) of a slab on disk that must lie on a grid.

    Raises:
        VerificationError: it cannot be read, or lies elsewhere.
    """
    reader = open_reader(path)
    verify_place(path, path.name, image_geometry(reader), planned)
    found = _frames(reader, path.name)
    stored = _stored_floats(path) if found.dtype.kind == "f" else None
    return np.array(found if stored is None else with_non_finite(found, stored, path.name))


def _count(reader: Any) -> int:
    sizes = reader.GetSize()
    return int(sizes[3]) if len(sizes) > 3 else int(reader.GetNumberOfComponents())


def _frames(reader: Any, name: str) -> npt.NDArray:
    """All voxels (frames, k, j, i); ITK hands on a list axis of NRRD as numbers per voxel."""
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise VerificationError(f"{name}: SimpleITK cannot read it back.") from error
    voxels = np.array(array_view_kji(image))
    return np.moveaxis(voxels, -1, 0) if image.GetDimension() == 3 and voxels.ndim == 4 else voxels


def _stored_floats(path: Path) -> npt.NDArray | None:
    return read_frames(read_header(path)) if volume_extension(path) in (".nii", ".nii.gz") else None


def _verify_step(path: Path, stack: FrameStack, name: str) -> None:
    """Compare what a NIfTI header says of the fourth axis; ITK makes 1 of a step of 0."""
    if volume_extension(path) not in (".nii", ".nii.gz"):
        return
    found = float(read_header(path).fields["pixdim"][4])
    if found != float(np.float32(stack.spacing)):
        raise VerificationError(f"{name}: its frames are {found:g} apart instead of {stack.spacing:g}.")
