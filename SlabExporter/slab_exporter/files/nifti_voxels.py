"""The voxels of a NIfTI-1 file, in the file's order, as whole numbers wherever they are whole.

Slicer's own reader is not used for the voxels: it turns every scaled file into float (a CT stored
with slope 1 and intercept -1024 too), refuses 4D, and inflates several times slower. Geometry
stays Slicer's business (``mrml.volume_files``).
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.text import Option, sizes
from ..core.values import native, scaled
from .disk import open_plain
from .gzip_codec import LARGEST_RATIO, DamagedGzipError, is_gzip
from .machine import require_memory
from .nifti import HEADER_SIZE, NiftiHeader
from .stored import StoredVolume, Stretch, read_stretch


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
    found, warnings = _stretch(header, chosen, 1)
    voxels = _values(header, found.content, header.shape_ijk[::-1])
    return StoredVolume(
        path=path,
        voxels_kji=voxels,
        sha256=found.sha256,
        header=header,
        frame=chosen if header.frames > 1 else None,
        warnings=warnings,
    )


def read_frames(header: NiftiHeader) -> npt.NDArray:
    """All volumes of a NIfTI file, 3D or 4D, as (frames, k, j, i).

    Raises:
        InputError: damaged, shorter than promised, or larger than memory.
    """
    found, _ = _stretch(header, 0, header.frames)
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


def _stretch(header: NiftiHeader, frame: int, frames: int) -> tuple[Stretch, tuple[str, ...]]:
    """(the bytes of frames, sentences about the file), read only if the header's promises can be true."""
    path = header.path
    size = header.data_size // header.frames * frames
    require_memory(path, size + _scaled_bytes(header, size // header.dtype.itemsize))
    promised = header.data_offset + header.data_size
    with open_plain(path) as file:
        packed, there = is_gzip(file.read(2)), os.fstat(file.fileno()).st_size
    if packed and promised > there * LARGEST_RATIO:
        raise InputError(_short(header, f"{there} compressed bytes cannot hold"))
    if not packed and there < promised:
        raise InputError(_short(header, f"it holds {max(0, there - header.data_offset)} bytes of"))
    start = header.data_offset + header.data_size // header.frames * frame
    try:
        found = read_stretch(path, start, size, HEADER_SIZE, promised)
    except DamagedGzipError as error:
        raise InputError(error.sentence(path)) from error
    if found.head != header.fields.tobytes():
        raise InputError(f"{path} was changed while it was being read; run again when it is whole.")
    return found, _judged(header, found, size, promised)


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
