"""Gzip through Intel's ISA-L where the package ``isal`` is present, through zlib otherwise.

Both write standard gzip that any reader reads; ISA-L is several times faster. The header carries
no name and no time, so that the same voxels give the same bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from .machine import helpers

try:
    from isal import isal_zlib
except ImportError:  # the optional package is absent: everything works, slower
    isal_zlib = None  # type: ignore[assignment]


GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20
DRAINED_PIECE = 1 << 14  # compressed bytes, which may inflate to a thousand times as many


# Deflate cannot shrink more than this; a header that promises more is lying.
LARGEST_RATIO = 1032
_WBITS = 31  # gzip container


# Deflate, no flags, no time, "fastest" (what zlib writes at level 1), any file system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LAST_BLOCK = b"\x03\x00"  # an empty block of deflate that says that none follows
_ERRORS: tuple[Any, ...] = (zlib.error, isal_zlib.error) if isal_zlib else (zlib.error,)


class DamagedGzipError(ValueError):
    """The gzip data is truncated or corrupted; the caller knows the file's name and says so."""

    def sentence(self, path: Path) -> str:
        """What a user reads about the file."""
        return f"{path} is damaged: its gzip data is {self}. Copy or download the file again."


def has_isal() -> bool:
    """Whether the fast codec is in use."""
    return isal_zlib is not None


def _decompressor() -> Any:
    return (isal_zlib or zlib).decompressobj(wbits=_WBITS)


def _deflate(piece: bytes | memoryview, compression: str) -> bytes:
    """Deflate blocks for one piece that need nothing of the pieces before, up to a byte boundary.

    "fast" is ISA-L, or level 1 of zlib; "small" is level 6 of zlib.
    """
    deflate: Any
    if compression == "fast" and isal_zlib is not None:
        deflate = isal_zlib.compressobj(level=isal_zlib.ISAL_BEST_COMPRESSION, wbits=-zlib.MAX_WBITS)
    else:
        deflate = zlib.compressobj(1 if compression == "fast" else 6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)


def decompress(data: bytes | memoryview, size: int) -> tuple[bytes, bool]:
    """The first ``size`` bytes of the content, and whether the content goes on after them.

    Reads all members of a multi-member file to their ends, so that every check sum is tested.

    Raises:
        DamagedGzipError: truncated or corrupted data.
    """
    parts: list[bytes] = []
    missing = size
    goes_on = False
    rest = data
    try:
        while True:
            inflate = _decompressor()
            # One byte more than asked: reaching the end of the stream tests its check sum.
            part = inflate.decompress(rest, missing + 1)
            goes_on = goes_on or len(part) > missing
            parts.append(part if len(part) <= missing else part[:missing])
            missing -= min(len(part), missing)
            rest = inflate.unused_data if inflate.eof else _drain(inflate)
            if rest[:2] != GZIP_MAGIC:
                return _joined(parts), goes_on
    except _ERRORS as error:
        raise DamagedGzipError("corrupted") from error


def _drain(inflate: Any) -> memoryview:
    """Go on to the end of a member, content thrown away: damage may decode to more bytes than there were.

    Returns:
        What follows the member.
    """
    rest = memoryview(inflate.unconsumed_tail)
    for start in range(0, len(rest), DRAINED_PIECE):
        piece = rest[start : start + DRAINED_PIECE]
        inflate.decompress(piece)
        if inflate.eof:
            return rest[start + len(piece) - len(inflate.unused_data) :]
    raise DamagedGzipError("truncated")


def _joined(parts: list[bytes]) -> bytes:
    return parts[0] if len(parts) == 1 else b"".join(parts)


def first_bytes(path: Path, size: int) -> bytes:
    """Up to ``size`` bytes of the content of a file, decompressed if it is gzip.

    Raises:
        DamagedGzipError: the gzip data is damaged right there.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(max(size, 1 << 16))
    if not is_gzip(head):
        return head[:size]
    inflate = _decompressor()
    try:
        content = bytes(inflate.decompress(head, size))
    except _ERRORS as error:
        raise DamagedGzipError("corrupted") from error
    if len(content) < size and not inflate.eof:
        raise DamagedGzipError("truncated")
    return content


def is_gzip(head: bytes) -> bool:
    """Whether these first bytes are those of a gzip file."""
    return head[:2] == GZIP_MAGIC


def compress_stream(
    pieces: Iterable[bytes | memoryview], compression: str, write: Callable[[bytes], Any], threads: int = 0
) -> None:
    """Compress pieces as one gzip member (RFC 1952), handing the output to ``write``.

    The output depends on the pieces, not on the number of threads.

    Args:
        pieces: of the content, some megabytes each.
        compression: "fast" or "small".
        write: takes the next bytes of the file.
        threads: helpers that compress.
    """
    crc32 = (isal_zlib or zlib).crc32
    checksum, size = 0, 0
    write(_GZIP_HEADER)
    with helpers(threads) as pool:
        under_way: deque[Future[bytes]] = deque()
        for piece in pieces:
            under_way.append(pool.submit(_deflate, piece, compression))
            checksum, size = crc32(piece, checksum), size + len(piece)
            if len(under_way) > threads:
                write(under_way.popleft().result())
        for packed in under_way:
            write(packed.result())
    write(_LAST_BLOCK + struct.pack("<II", checksum, size & 0xFFFFFFFF))


def decompress_stream(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of one gzip member in pieces; its check sum is tested.

    Raises:
        DamagedGzipError: truncated, corrupted, or followed by other bytes.
    """
    inflate = _decompressor()
    try:
        for piece in pieces:
            if inflate.eof:
                raise DamagedGzipError("followed by other bytes")
            yield inflate.decompress(piece)
    except _ERRORS as error:
        raise DamagedGzipError("corrupted") from error
    if not inflate.eof or inflate.unused_data:
        raise DamagedGzipError("truncated or followed by other bytes")
