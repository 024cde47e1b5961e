"""The few NIfTI-1 header fields the benchmark needs, without any imaging library.

Affines are voxel index (i, j, k) -> RAS in millimetres. Headers are little-endian and 352 bytes
long, so that the voxels follow at once.
"""

from __future__ import annotations

import struct

HEADER_BYTES = 352
INT16_BYTES = 2

_DIM, _DATATYPE, _PIXDIM, _VOX_OFFSET = 40, 70, 76, 108
_SCALING, _UNITS, _CODES, _QUATERNION = 112, 123, 252, 256
_QOFFSET, _SROW, _MAGIC = 268, 280, 344
_DATATYPE_INT16, _MILLIMETRES, _SCANNER = 4, 2, 1


def make_las_header(shape_ijk, spacing_mm, origin_ras_mm) -> bytes:
    """Return the header of an int16 volume in LAS order, sform and qform alike."""
    header = bytearray(HEADER_BYTES)
    dx, dy, dz = spacing_mm
    x, y, z = origin_ras_mm
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, _DIM, 3, *shape_ijk, 1, 1, 1, 1)
    struct.pack_into("<2h", header, _DATATYPE, _DATATYPE_INT16, 8 * INT16_BYTES)
    # qfac -1 and half a turn about A: i to the left, j to the front, k upwards.
    struct.pack_into("<8f", header, _PIXDIM, -1, dx, dy, dz, 0, 0, 0, 0)
    struct.pack_into("<f", header, _VOX_OFFSET, HEADER_BYTES)
    struct.pack_into("<2f", header, _SCALING, 1, 0)
    struct.pack_into("<B", header, _UNITS, _MILLIMETRES)
    struct.pack_into("<2h", header, _CODES, _SCANNER, _SCANNER)
    struct.pack_into("<6f", header, _QUATERNION, 0, 1, 0, x, y, z)
    struct.pack_into("<12f", header, _SROW, -dx, 0, 0, x, 0, dy, 0, y, 0, 0, dz, z)
    struct.pack_into("<4s", header, _MAGIC, b"n+1\0")
    return bytes(header)


def read_shape(header: bytes) -> tuple[int, int, int]:
    """Return the number of voxels along i, j and k."""
    return struct.unpack_from("<3h", header, _DIM + 2)


def slab_header(header: bytes, k_start: int, k_stop: int) -> bytes:
    """Return the header of slices k_start..k_stop (half open), its origin moved along k."""
    slab = bytearray(header)
    struct.pack_into("<h", slab, _DIM + 6, k_stop - k_start)
    for axis in range(3):
        row = _SROW + 16 * axis
        step_k, origin = struct.unpack_from("<2f", header, row + 8)
        moved = origin + step_k * k_start
        struct.pack_into("<f", slab, row + 12, moved)
        struct.pack_into("<f", slab, _QOFFSET + 4 * axis, moved)
    return bytes(slab)
