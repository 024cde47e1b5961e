"""Voxel files in pieces: read back from the disk and compared, where need be while they are being written."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from ..core.errors import VerificationError
from .gzip_codec import DamagedGzipError

Piece = bytes | memoryview


def require_same(found: Iterable[bytes], name: str, same: Callable[[int, bytes], bool], size: int) -> None:
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
            if not same(offset, piece):
                raise VerificationError(f"{name}: the file does not hold what was to be written.")
            offset += len(piece)
    except DamagedGzipError as error:
        raise VerificationError(f"{name}: the compressed file is {error}.") from error
    if offset != size:
        raise VerificationError(f"{name}: the file is shorter than what was to be written.")


def write_followed(
    path: Path, write: Callable[[Callable[[Piece], None]], None], follow: Callable[[Iterator[bytes]], None]
) -> None:
    """Write a file, and on another thread read back from the disk what has been written so far.

    Args:
        path: the file.
        write: is given a function that takes the next bytes.
        follow: is given the bytes as they are read back; it must consume all of them.

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

    with path.open("wb") as file, ThreadPoolExecutor(1) as reader:

        def append(piece: Piece) -> None:
            file.write(piece)
            file.flush()
            written.put(len(piece))

        followed = reader.submit(follow_to_the_end)
        try:
            write(append)
        finally:
            written.put(None)
        followed.result()
