"""Several volumes in one NRRD or MetaImage file: how many a header states, and all of them.

A NRRD keeps them along an axis of kind "list" (Slicer's sequences, .seq.nrrd), which ITK hands on as several numbers
per voxel wherever it stands; a MetaImage along a fourth axis. Other kinds of numbers per voxel (colours, vectors)
are no volumes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.several.frames import FrameStack
from ..itk.reader import itk_reader
from ..machine import native_messages_hidden
from ..statements.nrrd import nrrd_frames, nrrd_index

_LISTS = ("list", "time")


def frames_in(reader: Any) -> int:
    """Return how many volumes a SimpleITK reader has found that has read a header; 1 for a single one."""
    sizes, numbers = reader.GetSize(), reader.GetNumberOfComponents()
    if len(sizes) == 4 and numbers == 1:
        return int(sizes[3])
    key = "NRRD_kinds[pixel]"
    is_list = reader.HasMetaDataKey(key) and reader.GetMetaData(key) in _LISTS
    return int(numbers) if len(sizes) == 3 and is_list else 1


def read_itk_frames(path: Path, numbers: tuple[int, ...]) -> FrameStack:
    """Read volumes of a file.

    Args:
        path: one that ``judge_before_loading`` has accepted.
        numbers: which of them, from 0.

    Raises:
        InputError: ITK cannot read it, or it does not fit into memory.
    """
    import SimpleITK as sitk

    reader = header_reader(path)
    count = frames_in(reader)
    try:
        with native_messages_hidden():
            image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read by ITK: its voxels are damaged or missing.") from error
    found: npt.NDArray = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 3 and count > 1:  # numbers per voxel
        found = np.moveaxis(found, -1, 0)
    found = found.reshape(count, *found.shape[-3:])
    taken = found if numbers == tuple(range(count)) else found[list(numbers)]
    step = float(image.GetSpacing()[3]) if image.GetDimension() == 4 else 0.0
    start = float(image.GetOrigin()[3]) if image.GetDimension() == 4 else 0.0
    is_nrrd = path.name.lower().endswith((".nrrd", ".nhdr"))
    step, unit, start = (nrrd_frames(path) if is_nrrd else None) or (step, "", start)
    index = nrrd_index(path) if is_nrrd else None
    if index is not None:
        index = index.chosen(numbers) if len(index.values) == count else None
    return FrameStack(np.ascontiguousarray(taken), numbers, count, step, unit, start, index=index)


def header_reader(path: Path) -> Any:
    """Return a SimpleITK reader that has read a file's header.

    Raises:
        InputError: its header is damaged.
    """
    try:
        return read_itk_header(path)
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read: its header is damaged or of a kind that ITK refuses.") from error


def read_itk_header(path: Path) -> Any:
    """Return the same without a sentence for the user, and without ITK's messages on the terminal.

    Raises:
        RuntimeError: ITK refuses the header.
    """
    reader = itk_reader(path)
    with native_messages_hidden():
        reader.ReadImageInformation()
    return reader
