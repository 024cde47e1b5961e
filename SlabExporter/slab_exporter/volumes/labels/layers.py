"""Slicer segmentations whose segments overlap (.seg.nrrd with a list of layers)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.geometry import VolumeGeometry
from ...core.segments.segmented import Segmented, Stated, told_apart
from ...files.detached import voxel_files
from ...files.itk.reader import read_itk_image
from ...files.machine import native_messages_hidden, require_memory
from ...files.readback import array_view_kji, image_geometry
from ...files.stacks.itk_frames import read_itk_header
from ...files.statements.segments import nrrd_segments
from ...files.statements.table import read_statement


def layers_geometry(path: Path, allow_outside: bool = False) -> tuple[VolumeGeometry, int]:
    """Return the grid of the layers, and the bytes of all voxels.

    Raises:
        InputError: the header is damaged.
    """
    voxel_files(path, allow_outside)
    try:
        reader = read_itk_header(path)
        geometry = read_statement(path).placed(image_geometry(reader))
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path} cannot be read: its header is damaged or of a kind that ITK refuses.") from error
    return geometry, math.prod(geometry.shape_ijk) * reader.GetNumberOfComponents()


def read_layers(path: Path, allow_outside: bool = False) -> Segmented:
    """Read all layers of a segmentation.

    Raises:
        InputError: it cannot be read, or a segment lies in a layer that is not there.
    """
    geometry, size = layers_geometry(path, allow_outside)
    require_memory(path, 2 * size)
    try:
        with native_messages_hidden():
            image = read_itk_image(path)
    except RuntimeError as error:
        raise InputError(f"{path} is damaged: its voxels cannot be read.") from error
    voxels: npt.NDArray = np.array(array_view_kji(image))
    voxels = voxels.reshape(*geometry.shape_ijk[::-1], -1)
    segments = nrrd_segments(path)
    for segment in segments:
        if not 0 <= segment.layer < voxels.shape[-1]:
            raise InputError(
                f"{path} is damaged: '{segment.name}' is said to be in layer {segment.layer} of {voxels.shape[-1]}."
            )

    def masks() -> Iterator[npt.NDArray[np.bool_]]:
        for segment in segments:
            yield voxels[..., segment.layer] == segment.value

    names = told_apart([segment.name for segment in segments])
    stated = tuple(Stated(name, one.value, one.rgb) for name, one in zip(names, segments, strict=True))
    return Segmented(geometry, stated, masks, read_statement(path).warnings)
