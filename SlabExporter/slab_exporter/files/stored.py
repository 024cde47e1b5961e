"""What reading stored voxels gives: a stretch of a file's content, or a volume with the header that places it.

A stretch comes with the file's check sum, from one reading of one open file. What comes before and after
it is never held in memory, whether the file is gzip or not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..interrupts import end_if_abandoned
from .disk import iter_file, iter_open_file, open_plain, summed
from .gzip_codec import LARGE_CHUNK, inflated, is_gzip
from .nifti import NiftiHeader

# Bytes of a file beside the wanted volume that are read, for its check sum; of gzip after it, inflated.
MOST_BESIDE = 4 << 30


@dataclass(frozen=True)
class StoredVolume:
    """The voxels of one volume of a NIfTI file.

    Attributes:
        path: of the file.
        voxels_kji: scaled values in native byte order, C-contiguous.
        sha256: of the file's bytes, or where ``frame_only`` of header and frame.
        header: of the file, which states the affine.
        frame: which frame of a 4D file; None for 3D files.
        frame_only: whether of a huge file nothing else was read.
        warnings: sentences about what is unusual in the file.
    """

    path: Path
    voxels_kji: npt.NDArray
    sha256: str
    header: NiftiHeader
    frame: int | None = None
    frame_only: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stretch:
    """What was read.

    Attributes:
        head: the first bytes of the content.
        content: of the stretch, as uint8; shorter where the file ends before it.
        sha256: of the file's bytes.
        length: bytes of the whole content; of gzip that was not inflated to its end, as it states them,
            modulo 2**32.
        to_its_end: whether the content was read to its end; of gzip, check sums are tested there.
    """

    head: bytes
    content: npt.NDArray[np.uint8]
    sha256: str
    length: int
    to_its_end: bool = True


def read_stretch(path: Path, start: int, size: int, head: int, promised: int) -> Stretch:
    """Read bytes ``start`` to ``start + size`` of a file's content.

    Args:
        path: of the file.
        start: first byte of the stretch.
        size: bytes; the caller has seen that they fit into memory.
        head: how many of the first bytes are wanted, too.
        promised: bytes of the whole content. Gzip is inflated to its end if that is not far.

    Raises:
        DamagedGzipError: truncated or corrupted.
        OSError: the file cannot be read.
    """
    with closing(iter_file(path, size=LARGE_CHUNK)) as file:
        pieces = _Pieces(file)
        packed = is_gzip(pieces.first)
        parts = _Parts(start, size, head)
        until = start + size if packed and promised - start - size > MOST_BESIDE else None
        with closing(inflated(pieces) if packed else _same(pieces)) as content:
            reached = parts.take(content, until)
        pieces.finish()
    length = parts.length if reached else int.from_bytes(pieces.last[-4:], "little")
    return Stretch(parts.head, parts.content[: parts.found], pieces.sha256, length, reached)


def read_stretch_alone(path: Path, start: int, size: int, head: int, head_size: int) -> Stretch:
    """Read bytes ``start`` to ``start + size`` of a file that is not packed, and nothing of it but what comes first.

    Args:
        path: of the file.
        start: first byte of the stretch.
        size: bytes; the caller has seen that they fit into memory.
        head: how many of the first bytes are wanted.
        head_size: how many of the first bytes are summed.

    Returns:
        With the check sum of the first ``head_size`` bytes and of the stretch, and the length of the whole file.

    Raises:
        OSError: the file cannot be read.
    """
    with open_plain(path) as file:
        digest = hashlib.sha256()
        parts = _Parts(head_size, size, head)  # what is between is left out
        first = iter_open_file(file, 0, head_size, LARGE_CHUNK)
        parts.take(summed(chain(first, iter_open_file(file, start, start + size, LARGE_CHUNK)), digest), None)
        length = os.fstat(file.fileno()).st_size
    return Stretch(parts.head, parts.content[: parts.found], digest.hexdigest(), length)


def sha256_of_parts(path: Path, spans: Sequence[tuple[int, int]]) -> str:
    """Return the check sum of parts of a file, from one offset to another each, as if they were all of it.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with open_plain(path) as file:
        for start, stop in spans:
            for _ in summed(iter_open_file(file, start, stop, LARGE_CHUNK), digest):
                pass
    return digest.hexdigest()


def _same(pieces: Iterable[bytes]) -> Generator[bytes]:
    yield from pieces


class _Pieces:
    """Pieces of a file, which are added to a check sum as they are handed on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.first = next(pieces, b"")
        self.last = self.first
        self._waiting = bool(self.first)

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        piece = self.first if self._waiting else next(self._pieces)
        self._waiting = False
        self._digest.update(piece)
        self.last = (self.last + piece)[-4:] if len(piece) < 4 else piece
        return piece

    def finish(self) -> None:
        """Add what nobody has asked for."""
        for _ in self:
            pass

    @property
    def sha256(self) -> str:
        """Of all pieces that were handed on, hexadecimal."""
        return self._digest.hexdigest()


class _Parts:
    """The wanted parts of a content that passes by."""

    def __init__(self, start: int, size: int, head: int) -> None:
        self.content = np.empty(size, np.uint8)
        self.head = b""
        self.length = 0
        self._start, self._size, self._head = start, size, head

    @property
    def found(self) -> int:
        """Bytes of the stretch that have passed by."""
        return max(0, min(self.length - self._start, self._size))

    def take(self, pieces: Iterable[bytes], until: int | None) -> bool:
        """Keep what is wanted; returns whether the content came to its end and not to ``until``."""
        for piece in pieces:
            end_if_abandoned()  # a piece of gzip may hold a thousand of these
            if len(self.head) < self._head:
                self.head += piece[: self._head - len(self.head)]
            first = max(self._start, self.length) - self.length
            last = min(self._start + self._size, self.length + len(piece)) - self.length
            if first < last:
                at = self.length + first - self._start
                self.content[at : at + last - first] = np.frombuffer(piece, np.uint8, last - first, first)
            self.length += len(piece)
            if until is not None and self.length >= until:
                return False
        return True
