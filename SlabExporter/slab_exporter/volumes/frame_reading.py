"""Several volumes of a file or series as one: the first of them, with the stack of all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.several.choice import chosen_frames
from ..core.several.frames import FrameStack
from ..core.text import Option
from ..core.volume import SourceVolume
from ..dicom.reading.load import load_series, peek_series
from ..files.detached import source_sha256
from ..files.itk.headers import judge_before_loading
from ..files.machine import require_memory
from ..files.nifti import NiftiHeader
from ..files.nifti_transforms import form_used, header_geometry, transform_warnings
from ..files.readback import image_geometry, open_reader
from ..files.stacks.itk_frames import read_itk_frames
from ..files.stacks.nifti_frames import nifti_frames
from ..files.statements.table import read_statement
from .choice import FileVolume, SeriesVolume


def only_frame(frames: str | None, frame: int | None, count: int, name: str) -> int | None:
    """Return the frame that is to be read alone; None where several are.

    Args:
        frames: which volumes are asked for together; None: one.
        frame: which one is asked for; None: there is but one.
        count: volumes that there are.
        name: of the file or series.

    Raises:
        InputError: there is no such frame.
    """
    if frames is None:
        return frame
    numbers = chosen_frames(frames, count, name)
    if len(numbers) > 1:
        return None
    return numbers[0] if count > 1 else 0


def read_nifti_stack(header: NiftiHeader, volume: FileVolume) -> SourceVolume:
    """Return the frames of a NIfTI file that are asked for.

    Raises:
        InputError: there is no such frame, or the file is damaged.
    """
    numbers = chosen_frames(str(volume.frames), header.frames, str(header.path))
    stack, sha256 = nifti_frames(header, numbers)
    return SourceVolume(
        name=str(header.path),
        path=str(header.path),
        sha256=sha256,
        geometry=header_geometry(header, volume.transform),
        voxels_kji=stack.voxels_fkji[0],
        header=header.fields,
        nifti_transform=form_used(header, volume.transform),
        frame=numbers[0],
        frames=stack,
        warnings=tuple(transform_warnings(header, volume.transform)),
    )


def read_itk_stack(volume: FileVolume) -> SourceVolume | None:
    """Return the frames of a NRRD or MetaImage file that are asked for; None where it holds one volume.

    Raises:
        InputError: there is no such frame, or the file is damaged.
    """
    path = volume.path
    stated = read_statement(path, volume.transform)
    count = judge_before_loading(path, allow_outside=volume.allow_outside)
    if count == 1:
        if volume.frames is not None:
            chosen_frames(volume.frames, 1, str(path))
        return None
    numbers = numbers_in(volume, count)
    stack = read_itk_frames(path, numbers)
    geometry = stated.placed(image_geometry(open_reader(path)), volume.transform)
    return SourceVolume(
        name=str(path),
        path=str(path),
        sha256=source_sha256(path, allow_outside=True),
        geometry=geometry,
        voxels_kji=np.ascontiguousarray(stack.voxels_fkji[0]),
        frame=numbers[0],
        frames=stack if len(numbers) > 1 else None,
        warnings=stated.warnings,
    )


def numbers_in(volume: FileVolume, count: int) -> tuple[int, ...]:
    """Return which volumes of a file of several are to be read.

    Raises:
        InputError: there is no such frame, or none was chosen.
    """
    if volume.frames is not None:
        return chosen_frames(volume.frames, count, str(volume.path))
    if volume.frame is None:
        raise InputError(
            f"{volume.path} is 4D: it holds {count} volumes. Choose one with ",
            Option.to("frame", 0),
            f" to {count - 1}, or several with ",
            Option.to("frames", "all"),
            ".",
        )
    return chosen_frames(str(volume.frame), count, str(volume.path))


def read_series_stack(volume: SeriesVolume) -> SourceVolume:
    """Return the volumes of a DICOM series that are asked for, all in memory.

    Raises:
        InputError: there is no such volume, they lie on several grids, or they do not fit into memory.
    """
    peek = peek_series(volume.series, volume.accepted, 0 if volume.holds_several else None)
    numbers = chosen_frames(str(volume.frames), peek.frames, volume.series.shown)
    require_memory(Path(volume.series.folder), peek.voxel_bytes * (len(numbers) + 1))
    first = load_series(volume.series, volume.accepted, numbers[0] if peek.frames > 1 else None)
    if len(numbers) == 1:
        return first
    voxels = np.empty((len(numbers), *first.voxels_kji.shape), first.voxels_kji.dtype)
    voxels[0], planes = first.voxels_kji, [first.dicom]
    for place, number in enumerate(numbers[1:], start=1):
        frame = load_series(volume.series, volume.accepted, number)
        if not first.geometry.difference(frame.geometry).is_same_grid() or frame.voxels_kji.dtype != voxels.dtype:
            raise InputError(
                f"Volumes {numbers[0]} and {number} of {volume.series.shown} differ in place or type and cannot be "
                "frames of one; take them apart with ",
                Option.on("split_series"),
                ".",
            )
        voxels[place] = frame.voxels_kji
        planes.append(frame.dicom)
    stack = FrameStack(voxels, numbers, peek.frames, planes=tuple(planes))
    return replace(first, voxels_kji=voxels[0], frames=stack)
