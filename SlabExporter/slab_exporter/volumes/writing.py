"""Write whole volumes: Slicer's header, the voxels piece by piece, all read back, then renamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OutputError, VerificationError, writing
from ..core.geometry import VolumeGeometry
from ..core.text import Option
from ..core.volume import SourceVolume
from ..files.atomic import scratch_beside
from ..files.encodings.encoding import VolumeEncoding
from ..files.encodings.table import encoding_of
from ..files.gzip_codec import CHUNK, compress_stream, decompress_stream
from ..files.machine import THREADS
from ..files.packing import Piece, require_same, write_followed
from ..files.readback import array_view_kji, image_geometry, open_reader, planes_at_a_time, verify_place
from ..mrml.nodes import add_volume_node, temporary_nodes
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import write_uncompressed


def require_writable(path: Path, overwrite: bool) -> None:
    """Refuse an output file that is in use or of another format.

    Raises:
        RequestError: the extension is none of ``WRITABLE``.
        OutputError: the file exists.
    """
    encoding_of(path)
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already; choose another name, or add ", Option.on("overwrite"), " to replace it."
        )


def write_volume(
    runtime: SlicerRuntime, volume: SourceVolume, final: Path, channels: npt.NDArray | None = None
) -> None:
    """Write a volume; ``final`` appears complete and verified, or not at all.

    Args:
        runtime: Slicer's classes.
        volume: voxels, geometry, and the header whose descriptive fields are kept.
        final: its extension, one of ``WRITABLE``, says the encoding; its folder is made if missing.
        channels: (channels, k, j, i) to be written instead of ``volume.voxels_kji``, as 4D NIfTI.

    Raises:
        OutputError: it could not be written.
        VerificationError: what was written is not what should have been.
    """
    voxels = np.ascontiguousarray(volume.voxels_kji[np.newaxis] if channels is None else channels)
    encoding = encoding_of(final)
    encoding.require_possible(final, volume.geometry.shape_ijk, len(voxels))
    with scratch_beside(final) as scratch, writing(final):
        plain, head = encoding.parts(_slicers_header(runtime, volume, voxels, encoding, scratch))
        ready = scratch / f"volume{encoding.extension}"
        content = _Content(plain, head, voxels.reshape(-1).view(np.uint8).data, encoding.compressed)
        _write(ready, content, final.name)
        _ask_simpleitk(ready, voxels, volume.geometry, encoding.reads_part, final.name)
        os.replace(ready, final)


@dataclass(frozen=True)
class _Content:
    """Content of a file: a plain header, then a header and voxels that may be compressed."""

    plain: bytes
    head: bytes
    voxels: memoryview
    compressed: bool

    @property
    def size(self) -> int:
        """Bytes that follow the plain header, before compression."""
        return len(self.head) + len(self.voxels)

    def pieces(self) -> Iterator[Piece]:
        """Yield those bytes, in pieces."""
        if self.head:
            yield self.head
        for start in range(0, len(self.voxels), CHUNK):
            yield self.voxels[start : start + CHUNK]

    def same(self, offset: int, found: bytes) -> bool:
        """Return whether these are the bytes from that offset on."""
        of_head = self.head[offset : offset + len(found)]
        start = offset + len(of_head) - len(self.head)
        stop = start + len(found) - len(of_head)
        return found == of_head + bytes(self.voxels[start:stop])


def _slicers_header(
    runtime: SlicerRuntime, volume: SourceVolume, voxels_ckji: npt.NDArray, encoding: VolumeEncoding, scratch: Path
) -> bytes:
    """Return the header that Slicer writes for a corner of the volume, with the sizes of the whole."""
    shape, path = volume.geometry.shape_ijk, scratch / f"corner{encoding.raw_extension}"
    corner = np.zeros([min(2, n) for n in shape[::-1]], voxels_ckji.dtype)
    with temporary_nodes(runtime.scene) as nodes:
        geometry = VolumeGeometry(corner.shape[::-1], volume.geometry.affine_ras)
        nodes.append(add_volume_node(runtime, corner, geometry, "volume"))
        write_uncompressed(runtime, nodes[-1], path)
    described = encoding.described(encoding.header(path), volume, volume.geometry.box)
    return encoding.resized(described, shape, len(voxels_ckji))


def _write(path: Path, content: _Content, name: str) -> None:
    """Write the file; every byte of it is read back and compared while the next ones are written."""

    def write(put: Callable[[Piece], None]) -> None:
        if content.plain:
            put(content.plain)
        if content.compressed:
            compress_stream(content.pieces(), "fast", put, THREADS)
            return
        for piece in content.pieces():
            put(piece)

    def compare(found: Iterator[bytes]) -> None:
        if content.plain and next(found, b"") != content.plain:
            raise VerificationError(f"{name}: its header was not written as it should be.")
        rest = decompress_stream(found) if content.compressed else found
        require_same(rest, name, content.same, content.size)

    write_followed(path, write, compare)


def _ask_simpleitk(path: Path, voxels_ckji: npt.NDArray, geometry: VolumeGeometry, reads_part: bool, name: str) -> None:
    """Compare what SimpleITK reads: type, shape, place, values of the first planes (all where ITK reads whole files).

    Raises:
        VerificationError: SimpleITK finds something other than what was to be written.
    """
    channels, size = len(voxels_ckji), geometry.shape_ijk
    reader = open_reader(path)
    expected = size if channels == 1 else (*size, channels)
    if tuple(reader.GetSize()) != expected:
        raise VerificationError(f"{name}: it has {tuple(reader.GetSize())} voxels instead of {expected}.")
    planes = min(planes_at_a_time(size), size[2]) if reads_part else size[2]
    # a size of 0 along the fourth axis gives a three-dimensional image
    reader.SetExtractSize([*size[:2], planes, 0][: len(expected)])
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise VerificationError(f"{name}: SimpleITK cannot read it back.") from error
    verify_place(path, name, VolumeGeometry(size, image_geometry(image).affine_ras), geometry)
    found, written = array_view_kji(image), voxels_ckji[0, :planes]
    if found.dtype != written.dtype:
        raise VerificationError(f"{name}: voxels are {found.dtype.name} instead of {written.dtype.name}.")
    # ITK's NIfTI library reads NaN and infinities as 0
    if not np.array_equal(found, written) and not np.array_equal(
        found[np.isfinite(written)], written[np.isfinite(written)]
    ):
        raise VerificationError(f"{name}: voxels differ from what was to be written.")
