"""From the uncompressed file that Slicer wrote to the finished slab: describe, verify, compress, compare, rename."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import writing
from ..core.geometry import Box
from ..core.volume import SourceVolume
from .disk import file_sha256, iter_file
from .encodings.encoding import VolumeEncoding, replace_header
from .gzip_codec import compress_stream, decompress_stream
from .packing import require_same
from .readback import verify_file

# Planes whose voxels are read from a finished file; that all its bytes are right is known by then.
_PLANES_REOPENED = 4


@dataclass(frozen=True)
class FinishedFile:
    """What is recorded of a file that has got its final name."""

    sha256: str
    verified: bool


@dataclass(frozen=True)
class UnfinishedSlab:
    """What a slab should become.

    Attributes:
        index: its number.
        box: in IJK of the source; may reach outside.
        source: the volume that it was cut from.
        fill: value of voxels outside the source.
        final: where it goes.
        scratch: a folder on the same disk for unfinished files.
        verify: read back and compare with the source.
        reopen: let SimpleITK open the finished file, too, where it is not the one that it has verified.
    """

    index: int
    box: Box
    source: SourceVolume
    fill: float
    final: Path
    scratch: Path
    verify: bool
    reopen: bool


def finish_slab(raw: Path, encoding: VolumeEncoding, compression: str, slab: UnfinishedSlab) -> FinishedFile:
    """Turn ``raw`` into ``slab.final``, which appears complete or not at all; ``raw`` is removed.

    Args:
        raw: uncompressed file as Slicer wrote it, in the scratch folder.
        encoding: of the finished file.
        compression: "fast" or "small".
        slab: what it should be.

    Raises:
        VerificationError: what was written is not the source's box.
        OutputError: it could not be written.
    """
    name, source = slab.final.name, slab.source
    with writing(slab.final):
        header = encoding.header(raw)
        described = encoding.described(header, source, slab.box)
        if described != header:
            replace_header(raw, header, described)
        if slab.verify:
            verify_file(raw, source.voxels_kji, source.geometry, slab.box, slab.fill, name)
        # by its extension ITK knows what it is, and nothing gets the final name before it has looked
        ready = raw.with_name(f"{raw.name}.ready{encoding.extension}")
        if encoding.compressed:
            _pack(raw, ready, described, encoding, compression, slab)
            raw.unlink()
        else:
            os.replace(raw, ready)
        if slab.verify and slab.reopen:
            planes = _PLANES_REOPENED if encoding.reads_part else None
            verify_file(ready, source.voxels_kji, source.geometry, slab.box, slab.fill, name, planes)
        checksum = file_sha256(ready)
        os.replace(ready, slab.final)
        return FinishedFile(checksum, slab.verify)


def _pack(
    raw: Path, packed: Path, header: bytes, encoding: VolumeEncoding, compression: str, slab: UnfinishedSlab
) -> None:
    """Compress ``raw``; inflate that again from the disk, and compare it with the verified file."""
    plain, head = encoding.parts(header)
    start = len(header) - len(head)
    with packed.open("wb") as out, closing(iter_file(raw, start)) as pieces:
        out.write(plain)
        compress_stream(pieces, compression, out.write)
    if slab.verify:
        with raw.open("rb") as file, closing(iter_file(packed, len(plain))) as pieces:
            file.seek(start)
            size = raw.stat().st_size - start
            same = decompress_stream(pieces)
            require_same(same, slab.final.name, lambda _, piece: file.read(len(piece)) == piece, size)
