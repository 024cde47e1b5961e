"""The voxels of a NIfTI-1 file, in the file's order, as whole numbers wherever they are whole.

Slicer's own reader is not used for the voxels: it turns every scaled file into float (a CT stored
with slope 1 and intercept -1024 too), refuses 4D, and inflates several times slower. Geometry
stays Slicer's business (``mrml.volume_files``).
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.text import Option, sizes
from ..core.values import native, scaled
from .gzip_codec import LARGEST_RATIO, DamagedGzipError, decompress, is_gzip
from .machine import require_memory
from .nifti import HEADER_SIZE, NiftiHeader
from .stored import StoredVolume


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
    end = header.data_offset + (header.data_size // header.frames) * (chosen + 1)
    require_memory(path, end)
    raw = path.read_bytes()
    checksum = hashlib.sha256(raw).hexdigest()
    content, warnings = _content(header, raw, end)
    del raw
    if bytes(content[:HEADER_SIZE]) != header.fields.tobytes():
        raise InputError(f"{path} was changed while it was being read; run again when it is whole.")
    count = int(np.prod(header.shape_ijk))
    start = header.data_offset + count * header.dtype.itemsize * chosen
    stored = np.frombuffer(content, header.dtype, count, start).reshape(header.shape_ijk[::-1])
    voxels = scaled(native(stored), *header.scaling)
    return StoredVolume(
        path=path,
        voxels_kji=voxels,
        sha256=checksum,
        header=header,
        frame=chosen if header.frames > 1 else None,
        warnings=warnings,
    )


def read_frames(header: NiftiHeader) -> npt.NDArray:
    """All volumes of a NIfTI file, 3D or 4D, as (frames, k, j, i).

    Raises:
        InputError: damaged, shorter than promised, or larger than memory.
    """
    require_memory(header.path, header.data_offset + header.data_size)
    content, _ = _content(header, header.path.read_bytes(), header.data_offset + header.data_size)
    count = header.frames * int(np.prod(header.shape_ijk))
    stored = np.frombuffer(content, header.dtype, count, header.data_offset)
    return scaled(native(stored.reshape(header.frames, *header.shape_ijk[::-1])), *header.scaling)


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


def _content(header: NiftiHeader, raw: bytes, end: int) -> tuple[bytes, tuple[str, ...]]:
    """The file's content, decompressed, at least up to ``end``."""
    path = header.path
    promised = header.data_offset + header.data_size
    warnings: tuple[str, ...] = ()
    if is_gzip(raw):
        if promised > len(raw) * LARGEST_RATIO:
            raise InputError(_short(header, f"{len(raw)} compressed bytes cannot hold"))
        try:
            # To the end of all frames, so that the check sum of the whole file is tested.
            content, more = decompress(raw, promised)
        except DamagedGzipError as error:
            raise InputError(error.sentence(path)) from error
    else:
        content, more = raw, len(raw) > promised
    if len(content) < max(end, promised):
        raise InputError(_short(header, f"it holds {max(0, len(content) - header.data_offset)} bytes of"))
    if more:
        warnings = (
            f"The file goes on after the {header.data_size} bytes of voxels that its header promises; "
            "the rest is ignored.",
        )
    return content, warnings


def _short(header: NiftiHeader, holds: str) -> str:
    return (
        f"{header.path} is truncated or its header is wrong: {holds} the {header.data_size} bytes of voxels "
        f"that its header promises ({sizes(header.shape)} voxels of {header.dtype.name}). "
        "Copy or download the file again."
    )
