"""NRRD, header and voxels in one file: a text header, a blank line, voxels that may be a gzip stream."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import numpy as np

from ...core.errors import VerificationError
from ...core.geometry import Box
from ...core.several.index import FrameIndex
from ...core.volume import SourceVolume
from .encoding import Shape, VolumeEncoding

_RAW, _GZIP = b"encoding: raw", b"encoding: gzip"
_LONGEST_HEADER = 1 << 16


class Nrrd(VolumeEncoding):
    """A ``.nrrd`` file; the header stays readable, the voxels are compressed."""

    extension = ".nrrd"
    raw_extension = ".nrrd"
    compressed = True
    holds_channels = True

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
        """The field "sizes"; channels become a fourth axis of kind "list", as in Slicer's sequences."""
        if channels == 1:
            return re.sub(rb"(?m)^sizes: .*$", b"sizes: %d %d %d" % shape_ijk, header, count=1)
        for field, value in (
            (b"dimension", b"4"),
            (b"sizes", b"%d %d %d %d" % (*shape_ijk, channels)),
            (b"space directions", rb"\g<1> none"),
            (b"kinds", b"domain domain domain list"),
        ):
            header = re.sub(rb"(?m)^" + field + rb": (.*)$", field + b": " + value, header, count=1)
        return header

    def described(self, header: bytes, source: SourceVolume, box: Box) -> bytes:
        """Return the header with the step between frames along their axis, and their index, where these are known."""
        frames = source.frames
        if frames is None:
            return header
        index, step = frames.index, frames.spacing
        unit = frames.unit if index is None else index.unit
        stated = [_KINDS]
        stated += [f"spacings: nan nan nan {step!r}"] if step > 0 else []
        stated += [] if index is None or not index.name else [_along("labels", index.name)]
        stated += [_along("units", unit)] if unit and (step > 0 or index is not None) else []
        header = header.replace(_KINDS.encode(), "\n".join(stated).encode())
        return header if index is None else header[:-1] + "".join(_pairs(index)).encode() + b"\n"


_KINDS = "kinds: domain domain domain list"


def _along(field: str, text: str) -> str:
    """Return a field that says something of the axis of frames alone."""
    word = " ".join(text.replace('"', "'").split())
    return f'{field}: "" "" "" "{word}"'


def _pairs(index: FrameIndex) -> tuple[str, ...]:
    """Return the lines in which Slicer's sequences keep their index."""
    kind = "text" if index.numbers is None else "numeric"
    values = " ".join(quote(value, safe="+-.:/,") for value in index.values)
    return f"axis 3 index type:={kind}\n", f"axis 3 index values:={values}\n"
