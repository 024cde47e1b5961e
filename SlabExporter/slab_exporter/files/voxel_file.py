"""A volume file of a header and voxels in memory: written, read back from the disk meanwhile, compared, summed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import VerificationError
from .encodings.encoding import VolumeEncoding
from .gzip_codec import CHUNK, compress_stream, decompress_stream
from .packing import Piece, require_same, write_followed


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
        for start in range(first, len(self.bytes), CHUNK):
            yield self.bytes[start : start + CHUNK]

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

    def summed(pieces: Iterator[bytes]) -> Generator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield piece

    if verify:
        write_followed(path, write, lambda found: _compare(summed(found), file, name))
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
    require_same(rest, name, file.holds, file.size)
