"""Gzip through Intel's ISA-L where the package ``isal`` is present, through zlib otherwise.

Both write standard gzip that any reader reads; ISA-L is several times faster. The header carries
no name and no time, so that the same voxels give the same bytes.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
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
# Bytes of a file that are read and inflated at a time. Large, since a volume is read while another thread
# imports libraries: after every call that lets other threads run, this one waits for its turn again.
LARGE_CHUNK = 1 << 23
# Bytes of a gzip member that are inflated at a time at least, and of content that come of it at most.
_LEAST_CHUNK, _MOST_CONTENT = 1 << 9, 1 << 24


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


def take_up_isal() -> bool:
    """Use the fast codec from now on, which has been installed meanwhile; returns whether it could be imported."""
    global isal_zlib, _ERRORS
    importlib.invalidate_caches()
    try:
        isal_zlib = importlib.import_module("isal.isal_zlib")
    except ImportError:
        return False
    _ERRORS = (zlib.error, isal_zlib.error)
    return True


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


def inflated(pieces: Iterable[bytes]) -> Generator[bytes]:
    """Yield the content of all members (RFC 1952) in pieces of bounded size; every check sum is tested.

    The time is linear in compressed and inflated bytes, however many members there are. What follows
    the last member and is not another one is ignored, as ``gzip`` does.

    Args:
        pieces: of the file. Where other bytes follow the members, they are not all asked for.

    Raises:
        DamagedGzipError: truncated or corrupted.
    """
    member: _Member | None = None
    step, held = LARGE_CHUNK, b""
    for fresh in pieces:
        view = memoryview(held + fresh)
        held, at = b"", 0
        while at < len(view):
            if member is None:
                if len(view) - at < len(GZIP_MAGIC):
                    held = bytes(view[at:])
                    break
                if view[at : at + len(GZIP_MAGIC)] != GZIP_MAGIC:
                    return
                member = _Member()
            chunk = view[at : at + step]
            yield from member.parts(chunk)
            at += len(chunk) - member.unused
            step = min(2 * step, LARGE_CHUNK)
            if member.ended:
                # What a member leaves over is copied: the next one is not handed much more than this one took.
                step = min(max(2 * member.taken, _LEAST_CHUNK), LARGE_CHUNK)
                member = None
    if member is not None:
        yield from member.parts(b"")
        if not member.ended:
            raise DamagedGzipError("truncated")


class _Member:
    """One member that is being inflated.

    Attributes:
        taken: its compressed bytes so far.
        unused: bytes at the end of the last chunk that follow it.
    """

    def __init__(self) -> None:
        self._inflate = _decompressor()
        self.taken = 0
        self.unused = 0

    @property
    def ended(self) -> bool:
        """Whether its end has been met, and its check sum tested."""
        return bool(self._inflate.eof)

    def parts(self, chunk: bytes | memoryview) -> Generator[bytes]:
        """Yield what a chunk inflates to, a thousand times as much perhaps."""
        self.taken += len(chunk)
        try:
            while True:
                part = self._inflate.decompress(chunk, _MOST_CONTENT)
                if part:
                    yield part
                chunk = self._inflate.unconsumed_tail
                if self.ended or (not chunk and len(part) < _MOST_CONTENT):
                    break
        except _ERRORS as error:
            raise DamagedGzipError("corrupted") from error
        self.unused = len(self._inflate.unused_data)
        self.taken -= self.unused


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
