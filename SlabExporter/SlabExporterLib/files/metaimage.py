"""Whether the compressed voxels of a MetaImage (.mha, .mhd) are whole.

ITK's MetaImage library prints "Uncompress failed" about damaged data and then returns whatever was
in memory as the voxels. So the data is inflated once more, to see that it is all there.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from ..pure.errors import InputError
from .gzip_codec import CHUNK

_HEADER_LIMIT = 1 << 16
_AUTOMATIC_HEADER = zlib.MAX_WBITS | 32  # zlib's or gzip's


def require_whole_metaimage(path: Path, size: int) -> None:
    """Inflate the voxels of a compressed MetaImage and count them; others are ITK's to judge.

    Args:
        path: of the .mha or .mhd file.
        size: bytes of voxels that its header promises.

    Raises:
        InputError: the data is damaged or too short.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    if not re.search(rb"(?mi)^\s*CompressedData\s*=\s*True", head):
        return
    match = re.search(rb"(?m)^\s*ElementDataFile\s*=\s*([^\r\n]*)\r?\n?", head)
    packed = re.search(rb"(?m)^\s*CompressedDataSize\s*=\s*(\d+)\s*$", head)
    if match is None or packed is None:
        raise InputError(f"{path} is damaged: its header lacks ElementDataFile or CompressedDataSize.")
    name = match[1].decode("utf-8", "replace").strip()
    local = name.upper() == "LOCAL"
    data = path if local else path.parent / name
    if not local and (name.upper().startswith("LIST") or "%" in name or not data.is_file()):
        return
    if _inflated_size(data, match.end() if local else 0, int(packed[1])) < size:
        raise InputError(f"{path} is damaged: its compressed voxels do not inflate to the {size} bytes promised.")


def _inflated_size(path: Path, offset: int, packed: int) -> int:
    """Bytes that ``packed`` bytes from ``offset`` inflate to; 0 if they do not inflate to an end."""
    inflate = zlib.decompressobj(_AUTOMATIC_HEADER)
    count = 0
    with path.open("rb") as file:
        file.seek(offset)
        try:
            while not inflate.eof and (piece := file.read(min(packed, CHUNK))):
                packed -= len(piece)
                count += len(inflate.decompress(piece))
        except zlib.error:
            return 0
    return count if inflate.eof else 0
