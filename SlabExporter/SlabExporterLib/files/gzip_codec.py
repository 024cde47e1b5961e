"""Gzip through Intel's ISA-L where the package ``isal`` is present, through zlib otherwise.

Both write standard gzip that any reader reads; ISA-L is several times faster. The header carries
no name and no time, so that the same voxels give the same bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

try:
    from isal import isal_zlib
except ImportError:  # the optional package is absent: everything works, slower
    isal_zlib = None  # type: ignore[assignment]

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 4 << 20

# Deflate cannot shrink more than this; a header that promises more is lying.
LARGEST_RATIO = 1032

_WBITS = 31  # gzip container
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


def compressor(compression: str) -> Any:
    """A compressobj for "fast" (ISA-L or zlib level 1) or "small" (zlib level 6)."""
    if compression == "fast" and isal_zlib is not None:
        return isal_zlib.compressobj(level=isal_zlib.ISAL_BEST_COMPRESSION, wbits=_WBITS)
    return zlib.compressobj(1 if compression == "fast" else 6, zlib.DEFLATED, _WBITS)


def decompress(data: bytes | memoryview, size: int) -> tuple[bytes, bool]:
    """The first ``size`` bytes of the content, and whether the content goes on after them.

    Reads all members of a multi-member file; where the content ends, its check sum has been tested.

    Raises:
        DamagedGzipError: truncated or corrupted data.
    """
    parts: list[bytes] = []
    missing = size
    rest = data
    try:
        while True:
            inflate = _decompressor()
            # One byte more than asked: reaching the end of the stream tests its check sum.
            part = inflate.decompress(rest, missing + 1)
            parts.append(part if len(part) <= missing else part[:missing])
            missing -= min(len(part), missing)
            if not inflate.eof:
                if missing or not inflate.unconsumed_tail:
                    raise DamagedGzipError("truncated")
                return _joined(parts), True
            rest = inflate.unused_data
            if rest[:2] != GZIP_MAGIC:
                return _joined(parts), False
    except _ERRORS as error:
        raise DamagedGzipError("corrupted") from error


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


def iter_file(path: Path, chunk: int = CHUNK) -> Iterator[bytes]:
    """The bytes of a file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(chunk):
            yield piece


def compress_stream(pieces: Iterable[bytes], compression: str, write: Callable[[bytes], Any]) -> None:
    """Compress pieces as one gzip member, handing the output to ``write``."""
    deflate = compressor(compression)
    for piece in pieces:
        write(deflate.compress(piece))
    write(deflate.flush())


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
