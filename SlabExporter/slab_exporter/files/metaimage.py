"""Whether a MetaImage (.mha, .mhd) is whole, before ITK reads it.

ITK's MetaImage library crashes on some senseless headers, and about damaged compressed data it
prints "Uncompress failed" and returns whatever was in memory as the voxels. So the header is
looked at first, and compressed data is inflated once more to see that it is all there.

Fields of the header: MetaIO's documentation of MetaImage.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from .gzip_codec import CHUNK

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
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    last = re.search(rb"(?m)^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)(\r?\n|$)", head)
    if last is None or re.search(rb"[^\x09\x0a\x0d\x20-\x7e\x80-\xff]", head[: last.end()]):
        raise InputError(f"{path} is damaged: its header is not text that ends with ElementDataFile.")
    fields = _fields(head[: last.end()])
    dimensions = fields.get("ndims", "")
    if not dimensions.isdigit() or not 1 <= int(dimensions) <= _LARGEST_DIMENSIONS:
        raise InputError(f"{path} is damaged: its header says NDims = {dimensions or 'nothing'}.")
    # MetaIO looks at the first letter only.
    if fields.get("compresseddata", "F")[:1] not in ("T", "t", "1"):
        return None
    return _packed(path, fields, last.end())


def _fields(header: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in header.decode("latin-1").splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _packed(path: Path, fields: dict[str, str], end: int) -> PackedVoxels:
    name = fields["elementdatafile"]
    local = name.upper() == "LOCAL"
    data, offset = (path, end) if local else (path.parent / name, 0)
    if not data.is_file():
        raise InputError(f"{path} keeps its voxels in {name}, which does not lie beside it.")
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
                left -= len(piece)
                count += len(inflate.decompress(piece))
        except zlib.error:
            return 0
    return count if inflate.eof else 0
