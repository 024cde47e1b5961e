"""Judge .nrrd, .mha and the like by their headers, before Slicer loads them."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.naming import volume_extension
from ...interrupts import end_if_abandoned, ended_by_signals
from ..detached import require_whole_files, voxel_files
from ..gzip_codec import CHUNK
from ..machine import native_messages_hidden, require_memory
from ..stacks.itk_frames import frames_in, read_itk_header
from .reader import read_itk_image


def judge_before_loading(path: Path, whole: bool = True, allow_outside: bool = False) -> int:
    """Refuse vectors, more than four dimensions, and more voxels than memory holds.

    Args:
        path: of the file.
        whole: inflate compressed voxels, too, to see whether they are all there.
        allow_outside: the files of its voxels may lie outside its folder.

    Returns:
        How many volumes it holds.

    Raises:
        InputError: with the number that is wrong.
    """
    files = voxel_files(path, allow_outside)
    packed = judge_metaimage_header(path) if volume_extension(path) in (".mha", ".mhd") else None
    try:
        reader = read_itk_header(path)
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read: its header is damaged or of a kind that ITK refuses ({_reason(error)})."
        ) from error
    sizes = reader.GetSize()
    components = reader.GetNumberOfComponents()
    frames = frames_in(reader)
    if components > 1 and frames == 1:
        raise InputError(
            f"{path} holds {components} numbers a voxel (colours or vectors). Convert it to a scalar volume first."
        )
    if len(sizes) > 4 or (len(sizes) == 4 and components > 1):
        raise InputError(
            f"{path} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}). Split it into 3D volumes first."
        )
    count = 1
    for n in sizes:
        count *= n
    size = count * components * _bytes_of(reader.GetPixelID())
    require_memory(path, size if frames == 1 else 2 * size)  # ITK reads all volumes, which are then put in order
    if packed is not None:
        if whole:
            require_whole(path, packed, size)
    elif files and volume_extension(path) not in (".nhdr", ".nrrd"):  # of those ITK counts the bytes itself
        # a pair may be opened by either of its files, and the header holds no voxels
        require_whole_files(path, (path,) if volume_extension(path) in (".img", ".img.gz") else files, size)
    return frames


def lost_integers(path: Path, loaded: npt.NDArray) -> npt.NDArray | None:
    """The whole numbers of a file (KJI) that was loaded as floats, which round large ones; None for any other file.

    Slicer's reader does that to integers of 64 bits.
    """
    import SimpleITK as sitk

    if loaded.dtype.kind != "f" or stored_type(path).kind not in "iu":
        return None
    with native_messages_hidden(), ended_by_signals():
        return sitk.GetArrayFromImage(read_itk_image(path)).reshape(loaded.shape)


def stored_type(path: Path) -> np.dtype:
    """Return the type of a file's voxels, by its header, which ``judge_before_loading`` has accepted."""
    import SimpleITK as sitk

    return sitk.GetArrayViewFromImage(sitk.Image([1, 1], read_itk_header(path).GetPixelID())).dtype


def _bytes_of(pixel_id: int) -> int:
    import SimpleITK as sitk

    return sitk.Image([1, 1], pixel_id).GetSizeOfPixelComponent()


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[-200:] if lines else "no reason given"


_HEADER_LIMIT = 1 << 16
_AUTOMATIC_HEADER = zlib.MAX_WBITS | 32  # zlib's or gzip's
_LARGEST_DIMENSIONS = 4


@dataclass(frozen=True)
class PackedVoxels:
    """Where the compressed voxels of a MetaImage lie.

    Attributes:
        path: of the file that holds them.
        offset: first byte.
        size: bytes that the header states.
    """

    path: Path
    offset: int
    size: int


def judge_metaimage_header(path: Path) -> PackedVoxels | None:
    """Refuse a header that ITK might trip over; say where compressed voxels lie, if they are compressed.

    Raises:
        InputError: the header is damaged.
    """
    fields, end = _judged_fields(path)
    dimensions = fields.get("ndims", "")
    if not dimensions.isdigit() or not 1 <= int(dimensions) <= _LARGEST_DIMENSIONS:
        raise InputError(f"{path} is damaged: its header says NDims = {dimensions or 'nothing'}.")
    # MetaIO looks at the first letter only.
    if fields.get("compresseddata", "F")[:1] not in ("T", "t", "1"):
        return None
    return _packed(path, fields, end)


def metaimage_fields(path: Path) -> dict[str, str]:
    """Return the fields of a MetaImage header by their names in small letters.

    Raises:
        InputError: the header is damaged.
    """
    return _judged_fields(path)[0]


def _judged_fields(path: Path) -> tuple[dict[str, str], int]:
    """(fields, where the header ends)."""
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    last = re.search(rb"(?m)^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)(\r?\n|$)", head)
    if last is None or re.search(rb"[^\x09\x0a\x0d\x20-\x7e\x80-\xff]", head[: last.end()]):
        raise InputError(f"{path} is damaged: its header is not text that ends with ElementDataFile.")
    return _fields(head[: last.end()]), last.end()


def _fields(header: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in header.decode("latin-1").splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _packed(path: Path, fields: dict[str, str], end: int) -> PackedVoxels:
    name = fields["elementdatafile"]
    local = name.upper() == "LOCAL"
    data, offset = (path, end) if local else (path.parent / name, 0)
    size = fields.get("compresseddatasize", "")
    if not size.isdigit() or not 0 < int(size) <= data.stat().st_size - offset:
        raise InputError(f"{path} is damaged: its header says CompressedDataSize = {size or 'nothing'}.")
    return PackedVoxels(data, offset, int(size))


def require_whole(path: Path, packed: PackedVoxels, size: int) -> None:
    """Inflate the voxels and count them.

    Args:
        path: of the .mha or .mhd file, for the message.
        packed: where the compressed voxels lie.
        size: bytes of voxels that the header promises.

    Raises:
        InputError: the data is damaged or too short.
    """
    if _inflated_size(packed) < size:
        raise InputError(f"{path} is damaged: its compressed voxels do not inflate to the {size} bytes promised.")


def _inflated_size(packed: PackedVoxels) -> int:
    """Bytes that the compressed voxels inflate to; 0 if they do not inflate to an end."""
    inflate = zlib.decompressobj(_AUTOMATIC_HEADER)
    count, left = 0, packed.size
    with packed.path.open("rb") as file:
        file.seek(packed.offset)
        try:
            while not inflate.eof and (piece := file.read(min(left, CHUNK))):
                end_if_abandoned()
                left -= len(piece)
                count += len(inflate.decompress(piece))
        except zlib.error:
            return 0
    return count if inflate.eof else 0
