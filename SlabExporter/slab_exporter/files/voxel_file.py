"""A volume file of a header and voxels in memory: written, read back from the disk meanwhile, compared, summed."""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import VerificationError
from ..interrupts import end_if_abandoned, stretches
from .disk import summed
from .encodings.encoding import VolumeEncoding
from .gzip_codec import CHUNK, DamagedGzipError, compress_stream, decompress_stream
from .machine import helpers

Piece = bytes | memoryview
# Smaller files are written and read back sooner than a thread is started.
_WORTH_A_THREAD = 4 * CHUNK


@dataclass(frozen=True)
class VoxelFile:
    """What a volume file is to hold.

    Attributes:
        encoding: how header and voxels stand in the file.
        header: as it stands before the voxels of an uncompressed file.
        voxels: C-contiguous, the fastest axis last.
    """

    encoding: VolumeEncoding
    header: bytes
    voxels: npt.NDArray

    @cached_property
    def plain(self) -> bytes:
        """What stands at the beginning of the file and is never compressed."""
        return self.encoding.parts(self.header)[0]

    @cached_property
    def head(self) -> bytes:
        """What stands before the voxels and is compressed with them."""
        return self.encoding.parts(self.header)[1]

    @cached_property
    def bytes(self) -> memoryview:
        """Of the voxels."""
        return self.voxels.reshape(-1).view(np.uint8).data

    @property
    def size(self) -> int:
        """Bytes that follow the plain part, before compression."""
        return len(self.head) + len(self.bytes)

    def pieces(self) -> Iterator[Piece]:
        """Yield those bytes, a chunk at a time."""
        first = max(0, CHUNK - len(self.head))
        yield self.head + self.bytes[:first]
        rest = self.bytes[first:]
        for part in stretches(len(rest), CHUNK):
            yield rest[part]

    def holds(self, offset: int, found: Piece) -> bool:
        """Return whether these are the bytes from that offset on."""
        of_head = self.head[offset : offset + len(found)]
        start = offset + len(of_head) - len(self.head)
        stop = start + len(found) - len(of_head)
        return found == of_head + self.bytes[start:stop]


def write_voxel_file(path: Path, file: VoxelFile, compression: str, name: str, verify: bool, threads: int = 0) -> str:
    """Write a file; every byte of it is read back from the disk and compared while the next ones are written.

    Args:
        path: of the file.
        file: what it is to hold.
        compression: "fast" or "small", where the encoding compresses.
        name: of the file, for messages.
        verify: read back and compare.
        threads: helpers that compress.

    Returns:
        SHA-256 of the file: of what was read back from the disk, where it was.

    Raises:
        OSError: it could not be written or read.
        VerificationError: something other than what was written stands on the disk.
    """
    digest = hashlib.sha256()

    def write(put: Callable[[Piece], Any]) -> None:
        if file.plain:
            put(file.plain)
        if file.encoding.compressed:
            compress_stream(file.pieces(), compression, put, threads)
            return
        for piece in file.pieces():
            put(piece)

    if verify:
        _write_followed(
            path, write, lambda found: _compare(summed(found, digest), file, name), file.size > _WORTH_A_THREAD
        )
        return digest.hexdigest()
    with path.open("wb") as out:

        def put(piece: Piece) -> None:
            digest.update(piece)
            out.write(piece)

        write(put)
    return digest.hexdigest()


def _compare(found: Iterator[bytes], file: VoxelFile, name: str) -> None:
    """Compare what is read back, of which the plain part is the first piece."""
    if file.plain and next(found, b"") != file.plain:
        raise VerificationError(f"{name}: its header was not written as it should be.")
    rest = decompress_stream(found) if file.encoding.compressed else found
    _require_same(rest, name, file.holds, file.size)


def _require_same(found: Iterable[bytes], name: str, same: Callable[[int, bytes], bool], size: int) -> None:
    """Compare what is read back with what should be there, byte by byte.

    Args:
        found: the content, inflated if need be, in pieces.
        name: of the file, for messages.
        same: told an offset and the bytes found there, says whether they are right.
        size: of the content.

    Raises:
        VerificationError: it differs, is damaged, too long or too short.
    """
    offset = 0
    try:
        for piece in found:
            end_if_abandoned()
            if not same(offset, piece):
                raise VerificationError(f"{name}: the file does not hold what was to be written.")
            offset += len(piece)
    except DamagedGzipError as error:
        raise VerificationError(f"{name}: the compressed file is {error}.") from error
    if offset != size:
        raise VerificationError(f"{name}: the file is shorter than what was to be written.")


def _write_followed(
    path: Path,
    write: Callable[[Callable[[Piece], None]], None],
    follow: Callable[[Iterator[bytes]], None],
    beside: bool,
) -> None:
    """Write a file, and read back from the disk what has been written.

    Args:
        path: the file.
        write: is given a function that takes the next bytes.
        follow: is given the bytes as they are read back; it must consume all of them.
        beside: read back on another thread while the rest is being written, not at the end.

    Raises:
        OSError: the file could not be written or read.
        Exception: whatever ``follow`` raised.
    """
    written: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def read_back() -> Generator[bytes]:
        with path.open("rb") as file:
            while (size := written.get()) is not None:
                yield file.read(size)
            if rest := file.read():
                yield rest

    def follow_to_the_end() -> None:
        with closing(read_back()) as found:
            follow(found)

    with path.open("wb") as file, ExitStack() as stack:

        def append(piece: Piece) -> None:
            file.write(piece)
            file.flush()
            written.put(len(piece))

        followed = stack.enter_context(helpers(1)).submit(follow_to_the_end) if beside else None
        try:
            write(append)
        finally:
            written.put(None)
        if followed is None:
            follow_to_the_end()
        else:
            followed.result()
