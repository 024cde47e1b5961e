"""From the uncompressed file that Slicer wrote to the finished slab: describe, verify, compress, compare, rename."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.errors import writing
from ..core.geometry import Box
from ..core.volume import SourceVolume
from .disk import file_sha256, iter_file
from .gzip_codec import compress_stream, decompress_stream
from .nifti import HEADER_DTYPE, HEADER_SIZE, NiftiHeader
from .nifti_transforms import SAME_MM
from .packing import gzipped_nrrd, require_same, split_nrrd
from .readback import verify_file

# Fields that describe a NIfTI image whatever part of it is looked at; nibabel's slicing keeps them too.
DESCRIPTIVE_FIELDS = (
    "data_type",
    "db_name",
    "dim_info",
    "intent_p",
    "intent_code",
    "slice_code",
    "cal_max",
    "cal_min",
    "slice_duration",
    "toffset",
    "descrip",
    "aux_file",
    "intent_name",
)
_MILLIMETRES = 2
_ALIGNED = 2


@dataclass(frozen=True)
class FinishedFile:
    """What is recorded of a file that has got its final name."""

    sha256: str
    verified: bool


def finish_slab(
    raw: Path,
    final: Path,
    source: SourceVolume,
    box: Box,
    fill: float,
    compression: str,
    verify: bool,
) -> FinishedFile:
    """Turn ``raw`` into ``final``; ``final`` appears complete or not at all, and ``raw`` is removed.

    Args:
        raw: uncompressed .nii or .nrrd as Slicer wrote it, in a scratch folder.
        final: where the slab goes; its extension says the format.
        source: the volume that the slab was cut from.
        box: the slab in IJK of the source.
        fill: value of voxels outside the source.
        compression: "fast" or "small".
        verify: read back and compare with the source.

    Raises:
        VerificationError: what was written is not the source's box.
        OutputError: it could not be written.
    """
    with writing(final):
        if raw.suffix == ".nii" and source.header is not None:
            _describe(raw, source)
        if verify:
            verify_file(raw, source.voxels_kji, source.geometry, box, fill, final.name)
        ready = raw
        if final.suffix != ".nii":
            ready = raw.with_name(raw.name + ".packed")
            _pack(raw, ready, compression, verify, final.name)
            raw.unlink()
        checksum = file_sha256(ready)
        os.replace(ready, final)
        return FinishedFile(checksum, verify)


def _describe(raw: Path, source: SourceVolume) -> None:
    with raw.open("r+b") as file:
        header = described(file.read(HEADER_SIZE), source)
        file.seek(0)
        file.write(header)


def described(header: bytes, source: SourceVolume) -> bytes:
    """A NIfTI header with the source's descriptive fields; geometry stays as Slicer wrote it."""
    fields = np.frombuffer(header, HEADER_DTYPE)[0].copy()
    for name in DESCRIPTIVE_FIELDS:
        fields[name] = source.header[name]
    temporal = int(source.header["xyzt_units"]) & ~7 & 0xFF
    fields["xyzt_units"] = _MILLIMETRES | temporal
    fields["qform_code"], fields["sform_code"] = _transform_codes(source)
    # Slicer leaves NaN here, which means the same; 1 and 0 are what every reader understands.
    fields["scl_slope"], fields["scl_inter"] = 1, 0
    return fields.tobytes()


def _transform_codes(source: SourceVolume) -> tuple[int, int]:
    """(qform_code, sform_code): the source's, where its transform is the one that was used.

    A transform that said something else is dropped (code 0). Without any, the slab's position
    would be lost, so it gets the code for "aligned".
    """
    header = NiftiHeader(Path(source.name), source.header)
    codes = {}
    for form in ("qform", "sform"):
        stated = header.geometry(form)
        agrees = stated is not None and (
            form == source.nifti_transform or stated.corner_distance(source.geometry) <= SAME_MM
        )
        codes[form] = int(source.header[f"{form}_code"]) if agrees else 0
    if not any(codes.values()):
        return 0, _ALIGNED
    return codes["qform"], codes["sform"]


def _pack(raw: Path, packed: Path, compression: str, verify: bool, name: str) -> None:
    """Compress ``raw``; inflate that again from the disk, and compare it with the verified file."""
    header, start = (b"", 0) if raw.suffix == ".nii" else split_nrrd(raw)
    header = gzipped_nrrd(header)
    with packed.open("wb") as out, closing(iter_file(raw, start)) as pieces:
        out.write(header)
        compress_stream(pieces, compression, out.write)
    if verify:
        with raw.open("rb") as file, closing(iter_file(packed, len(header))) as pieces:
            file.seek(start)
            size = raw.stat().st_size - start
            require_same(decompress_stream(pieces), name, lambda _, piece: file.read(len(piece)) == piece, size)
