"""The voxels of a NIfTI-1 file, in the file's order, as whole numbers wherever they are whole.

Slicer's own reader is not used for the voxels: it turns every scaled file into float (a CT stored
with slope 1 and intercept -1024 too), refuses 4D, and inflates several times slower. Geometry
stays Slicer's business (``mrml.volume_files``).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, reading
from ..core.records import SourceRecord
from ..core.text import Option, sizes
from ..core.values import native, scaled
from . import stored
from .detached import source_sha256
from .disk import open_plain
from .gzip_codec import LARGEST_RATIO, DamagedGzipError, is_gzip
from .machine import require_memory
from .nifti import HEADER_SIZE, NiftiHeader, read_header
from .stored import StoredVolume, Stretch, read_stretch, read_stretch_alone, sha256_of_parts


def read_nifti(header: NiftiHeader, frame: int | None = None) -> StoredVolume:
    """Read one volume of a .nii or .nii.gz file.

    Args:
        header: of the file, as ``read_header`` returns it.
        frame: which volume of a 4D file, from 0.

    Raises:
        InputError: damaged, shorter than promised, larger than memory, 4D without a frame.
    """
    path = header.path
    chosen = choose_frame(header, frame)
    found, frame_only, warnings = _stretch(header, chosen, 1)
    voxels = _values(header, found.content, header.shape_ijk[::-1])
    return StoredVolume(
        path=path,
        voxels_kji=voxels,
        sha256=found.sha256,
        header=header,
        frame=chosen if header.frames > 1 else None,
        frame_only=frame_only,
        warnings=warnings,
    )


def is_as_recorded(path: Path, record: SourceRecord) -> bool:
    """Return whether a source file, of whatever format, has the check sum that a manifest states.

    Of one frame of a huge file that was only of header and frame, and so it is again.

    Raises:
        InputError: the file cannot be read.
    """
    with reading(path):
        if record.frame_sha256 is None:
            return source_sha256(path, bool(record.outside_data)) == record.sha256
        return _frame_sha256(read_header(path), record.frame or 0) == record.frame_sha256


def _frame_sha256(header: NiftiHeader, frame: int) -> str:
    """Check sum of what comes before the voxels, and of one frame."""
    return sha256_of_parts(header.path, ((0, header.data_offset), _frame_span(header, frame, 1)))


def _frame_span(header: NiftiHeader, frame: int, frames: int) -> tuple[int, int]:
    """First byte of frames, and the byte after them."""
    size = header.data_size // header.frames
    start = header.data_offset + size * frame
    return start, start + size * frames


def read_frames(header: NiftiHeader) -> npt.NDArray:
    """All volumes of a NIfTI file, 3D or 4D, as (frames, k, j, i).

    Raises:
        InputError: damaged, shorter than promised, or larger than memory.
    """
    found, _, _ = _stretch(header, 0, header.frames)
    return _values(header, found.content, (header.frames, *header.shape_ijk[::-1]))


def _values(header: NiftiHeader, content: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> npt.NDArray:
    return scaled(native(content.view(header.dtype).reshape(shape)), *header.scaling)


def choose_frame(header: NiftiHeader, frame: int | None) -> int:
    """Which volume of a file to read.

    Raises:
        InputError: a 4D file without a choice, or a frame that does not exist.
    """
    if header.frames == 1:
        if frame not in (None, 0):
            raise InputError(
                f"{header.path} holds one volume; ",
                Option.to("frame", frame),
                " does not exist (use 0 or leave it out).",
            )
        return 0
    if frame is None:
        raise InputError(
            f"{header.path} is 4D: it holds {header.frames} volumes of {sizes(header.shape_ijk)} voxels. "
            "Choose one with ",
            Option.to("frame", 0),
            f" to {header.frames - 1}.",
        )
    if not 0 <= frame < header.frames:
        raise InputError(
            f"{header.path} holds {header.frames} volumes, counted from 0; ",
            Option.to("frame", frame),
            " does not exist.",
        )
    return frame


def _stretch(header: NiftiHeader, frame: int, frames: int) -> tuple[Stretch, bool, tuple[str, ...]]:
    """(bytes of frames, whether only they were read, sentences), read only if the header's promises can be true."""
    path = header.path
    start, stop = _frame_span(header, frame, frames)
    require_memory(path, stop - start + _scaled_bytes(header, (stop - start) // header.dtype.itemsize))
    promised = header.data_offset + header.data_size
    with open_plain(path) as file:
        packed, there = is_gzip(file.read(2)), os.fstat(file.fileno()).st_size
    if packed and promised > there * LARGEST_RATIO:
        raise InputError(_short(header, f"{there} compressed bytes cannot hold"))
    if not packed and there < promised:
        raise InputError(_short(header, f"it holds {max(0, there - header.data_offset)} bytes of"))
    alone = not packed and header.data_size - (stop - start) > stored.MOST_BESIDE
    try:
        if alone:
            found = read_stretch_alone(path, start, stop - start, HEADER_SIZE, header.data_offset)
        else:
            found = read_stretch(path, start, stop - start, HEADER_SIZE, promised)
    except DamagedGzipError as error:
        raise InputError(error.sentence(path)) from error
    if found.head != header.fields.tobytes():
        raise InputError(f"{path} was changed while it was being read; run again when it is whole.")
    return found, alone, _judged(header, found, stop - start, promised)


def _scaled_bytes(header: NiftiHeader, count: int) -> int:
    """Bytes of scaled values, which stand beside the stored ones for a while."""
    if header.scaling == (1.0, 0.0):
        return 0
    return count * (4 if header.dtype.itemsize <= 2 else 8)


def _judged(header: NiftiHeader, found: Stretch, size: int, promised: int) -> tuple[str, ...]:
    """Sentences about the length of the content.

    Raises:
        InputError: it is shorter than promised.
    """
    if not found.to_its_end:
        if len(found.content) < size or found.length != promised % (1 << 32):
            raise InputError(_short(header, "its gzip data does not hold"))
        return (
            "Only what comes before the end of the chosen volume was inflated: the check sum of the gzip data, which "
            "stands at the end of the file, was not tested.",
        )
    if found.length < promised:
        raise InputError(_short(header, f"it holds {max(0, found.length - header.data_offset)} bytes of"))
    if found.length > promised:
        return (
            f"The file goes on after the {header.data_size} bytes of voxels that its header promises; "
            "the rest is ignored.",
        )
    return ()


def _short(header: NiftiHeader, holds: str) -> str:
    return (
        f"{header.path} is truncated or its header is wrong: {holds} the {header.data_size} bytes of voxels "
        f"that its header promises ({sizes(header.shape)} voxels of {header.dtype.name}). "
        "Copy or download the file again."
    )
