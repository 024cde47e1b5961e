"""A writer of small PNG pictures with a palette; the standard library has none (PNG specification, ISO 15948)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt


def png_bytes(indices: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file.

    Args:
        indices: (rows, columns), the first row at the top.
        palette: (up to 256, 3), red, green, blue of each index.
    """
    rows, columns = indices.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    # Each row is preceded by its filter type, 0: none, which suits a palette.
    lines = np.zeros((rows, columns + 1), np.uint8)
    lines[:, 1:] = indices
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", np.ascontiguousarray(palette, np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
