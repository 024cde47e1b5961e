"""NRRD, header and voxels in one file: a text header, a blank line, voxels that may be a gzip stream."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...core.errors import VerificationError
from .encoding import Shape, VolumeEncoding

_RAW, _GZIP = b"encoding: raw", b"encoding: gzip"
_LONGEST_HEADER = 1 << 16


class Nrrd(VolumeEncoding):
    """A ``.nrrd`` file; the header stays readable, the voxels are compressed."""

    extension = ".nrrd"
    raw_extension = ".nrrd"
    compressed = True

    def header(self, raw: Path) -> bytes:
        """Return the text up to its closing blank line."""
        with raw.open("rb") as file:
            head = file.read(_LONGEST_HEADER)
        end = head.find(b"\n\n")
        if not head.startswith(b"NRRD") or end < 0:
            raise VerificationError(f"{raw.name}: Slicer did not write an NRRD file with header and voxels in one.")
        return head[: end + 2]

    def parts(self, header: bytes) -> tuple[bytes, bytes]:
        """The header says that the voxels are compressed, and is not."""
        return header.replace(_RAW, _GZIP), b""

    def retyped(self, header: bytes, dtype: np.dtype) -> bytes:
        """The field "type"."""
        return re.sub(rb"(?m)^type: .*$", f"type: {dtype.name}".encode(), header, count=1)

    def resized(self, header: bytes, shape_ijk: Shape, channels: int) -> bytes:
        """The field "sizes"."""
        return re.sub(rb"(?m)^sizes: .*$", b"sizes: %d %d %d" % shape_ijk, header, count=1)
