"""Judge .nrrd, .mha, .mgz and the like by their headers, before Slicer loads them."""

from __future__ import annotations

import struct
from pathlib import Path

from ..pure.errors import InputError
from ..pure.naming import volume_extension
from .gzip_codec import DamagedGzipError, first_bytes
from .memory import require_memory

# FreeSurfer's MGH types: bytes a voxel (mghFormat in FreeSurfer's file format description).
_MGH_BYTES = {0: 1, 1: 4, 3: 4, 4: 2}


def judge_before_loading(path: Path) -> None:
    """Refuse vectors, more than three dimensions, and more voxels than memory holds.

    Raises:
        InputError: with the number that is wrong.
    """
    if volume_extension(path) in (".mgz", ".mgh"):
        _judge_mgh(path)
        return
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read: its header is damaged or of a kind that ITK refuses ({_reason(error)})."
        ) from error
    sizes = reader.GetSize()
    components = reader.GetNumberOfComponents()
    if components > 1:
        raise InputError(
            f"{path} holds {components} numbers a voxel (colours or vectors). Convert it to a scalar volume first."
        )
    if len([n for n in sizes if n > 1]) > 3 or len(sizes) > 4:
        raise InputError(
            f"{path} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}). Split it into 3D volumes first."
        )
    count = 1
    for n in sizes:
        count *= n
    require_memory(path, count * _bytes_of(reader.GetPixelID()))


def _bytes_of(pixel_id: int) -> int:
    import SimpleITK as sitk

    return sitk.Image([1, 1], pixel_id).GetSizeOfPixelComponent()


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[-200:] if lines else "no reason given"


def _judge_mgh(path: Path) -> None:
    try:
        head = first_bytes(path, 284)
    except DamagedGzipError as error:
        raise InputError(f"{path} is damaged: its gzip data is {error}. Copy or download the file again.") from error
    if len(head) < 284 or struct.unpack(">i", head[:4])[0] != 1:
        raise InputError(f"{path} is not an MGH file: its header is missing or damaged.")
    width, height, depth, frames, kind = struct.unpack(">5i", head[4:24])
    if min(width, height, depth, frames) < 1 or kind not in _MGH_BYTES:
        raise InputError(f"{path}: the header's sizes make no sense: {width} x {height} x {depth}, {frames} frames.")
    if frames > 1:
        raise InputError(f"{path} is 4D: it holds {frames} volumes. Split it into 3D volumes first.")
    require_memory(path, width * height * depth * _MGH_BYTES[kind])
