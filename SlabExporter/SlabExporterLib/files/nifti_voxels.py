"""The voxels of a NIfTI-1 file, in the file's order, as whole numbers wherever they are whole.

Slicer's own reader is not used for the voxels: it turns every scaled file into float (a CT stored
with slope 1 and intercept -1024 too), refuses 4D, and inflates several times slower. Geometry
stays Slicer's business (``mrml.volume_files``).
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from ..pure.errors import InputError
from .gzip_codec import LARGEST_RATIO, DamagedGzipError, decompress, is_gzip
from .memory import require_memory
from .nifti import NiftiHeader
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
            raise InputError(f"{header.path} holds one volume; --frame {frame} does not exist (use 0 or leave it out).")
        return 0
    if frame is None:
        raise InputError(
            f"{header.path} is 4D: it holds {header.frames} volumes of {_sizes(header.shape_ijk)} voxels. "
            f"Choose one with --frame 0 to {header.frames - 1}."
        )
    if frame >= header.frames:
        raise InputError(
            f"{header.path} holds {header.frames} volumes, counted from 0; --frame {frame} does not exist."
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
            raise InputError(
                f"{path} is damaged: its gzip data is {error}. Copy or download the file again."
            ) from error
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
        f"that its header promises ({_sizes(header.shape)} voxels of {header.dtype.name}). "
        "Copy or download the file again."
    )


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)


def native(stored: npt.NDArray) -> npt.NDArray:
    """The same values, aligned and in this machine's byte order; a copy only where needed."""
    return np.require(stored, stored.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED"])


def scaled(stored: npt.NDArray, slope: float, inter: float) -> npt.NDArray:
    """``stored * slope + inter``, in an integer type where slope and intercept are whole.

    Integers stay in their own type if the values fit, otherwise in the smallest of int16, int32
    and int64 that holds them. Fractions are computed in float64 and kept as float32 for integers
    of up to 16 bits, as float64 for wider ones.
    """
    if (slope, inter) == (1.0, 0.0):
        return stored
    if stored.dtype.kind in "iu" and slope.is_integer() and inter.is_integer():
        ends = [int(stored.min()) * int(slope) + int(inter), int(stored.max()) * int(slope) + int(inter)]
        for dtype in (stored.dtype, np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)):
            limits = np.iinfo(dtype)
            if limits.min <= min(ends) and max(ends) <= limits.max:
                return _scaled_whole(stored, int(slope), int(inter), dtype)
    wide = stored.dtype.itemsize > 2 and stored.dtype != np.float32
    result = np.empty(stored.shape, np.float64 if wide else np.float32)
    for k, plane in enumerate(stored):
        result[k] = plane.astype(np.float64) * slope + inter
    return result


def _scaled_whole(stored: npt.NDArray, slope: int, inter: int, dtype: np.dtype) -> npt.NDArray:
    result = np.empty(stored.shape, dtype)
    for k, plane in enumerate(stored):
        # int64 in between, so that a step outside the narrow type does no harm
        result[k] = plane.astype(np.int64) * slope + inter
    return result
