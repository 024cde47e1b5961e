"""NRRD files without holding up the thread of Slicer's scene: Slicer loads a small twin, the voxels are read here.

Slicer's reader takes seconds for a large compressed file, during which no other thread runs and no window is
repainted. What it makes of a header does not depend on how many voxels follow; and what NRRD calls raw or gzip are
the voxels as they are.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..attended import in_scene
from ..core.geometry import VolumeGeometry
from ..files.disk import iter_file
from ..files.encodings.encoding import Shape
from ..files.encodings.nrrd import Nrrd
from ..files.gzip_codec import LARGE_CHUNK, DamagedGzipError, inflated
from ..interrupts import end_if_abandoned

# Types that Slicer loads as they are, by the words that Slicer and ITK write; nrrd.h lists further ones.
_TYPES = {
    "char": np.int8, "signed char": np.int8, "int8": np.int8,
    "unsigned char": np.uint8, "uchar": np.uint8, "uint8": np.uint8,
    "short": np.int16, "int16": np.int16, "unsigned short": np.uint16, "ushort": np.uint16, "uint16": np.uint16,
    "int": np.int32, "int32": np.int32, "unsigned int": np.uint32, "uint": np.uint32, "uint32": np.uint32,
    "float": np.float32, "double": np.float64,
}  # fmt: skip
_LARGEST_HEADER = 1 << 16

# Voxels (KJI) and geometry of a file, as Slicer's node has them.
Loaded = tuple[npt.NDArray, VolumeGeometry]


def read_nrrd_beside(path: Path, load: Callable[[Path], Loaded]) -> Loaded | None:
    """Return voxels and geometry of a plain NRRD file; None for one that is to be left to Slicer.

    Args:
        path: of the file.
        load: lets Slicer load a small file, in its scene.

    Raises:
        InputError: Slicer cannot read the header.
        Cancelled: nobody wants it any more.
    """
    with path.open("rb") as file:
        head = file.read(_LARGEST_HEADER)
    end = head.find(b"\n\n") + 2
    fields = dict(re.findall(r"(?m)^([a-z ]+):(?!=) *(.*?) *$", head[:end].decode("latin-1")))
    dtype, encoding = _TYPES.get(fields.get("type", "")), fields.get("encoding")
    sizes = tuple(int(word) for word in re.findall(r"\d+", fields.get("sizes", "")))
    known = end > 1 and head.startswith(b"NRRD000") and b"\r" not in head[:end] and encoding in ("raw", "gzip", "gz")
    elsewhere = {"data file", "datafile", "line skip", "lineskip", "byte skip", "byteskip"} & fields.keys()
    if not known or elsewhere or dtype is None or fields.get("endian", "little") != "little":
        return None
    if len(sizes) != 3:
        return None
    voxels = _voxels(path, end, prod(sizes) * np.dtype(dtype).itemsize, encoding != "raw")
    if voxels is None:
        return None
    i, j, k = (min(2, size) for size in sizes)
    twin, geometry = _twin(head[:end], (i, j, k), np.dtype(dtype), load)
    if twin.dtype != dtype:
        return None
    return voxels.view(twin.dtype).reshape(sizes[::-1]), VolumeGeometry(sizes, geometry.affine_ras)


def _voxels(path: Path, start: int, size: int, packed: bool) -> npt.NDArray[np.uint8] | None:
    """Return the bytes of the voxels; None where there are others than promised."""
    content, at = np.empty(size, np.uint8), 0
    pieces = iter_file(path, start, LARGE_CHUNK)
    try:
        for piece in inflated(pieces) if packed else pieces:
            end_if_abandoned()
            if at + len(piece) > size:
                return None
            content[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    except DamagedGzipError:
        return None
    finally:
        pieces.close()
    return content if at == size else None


def _twin(head: bytes, shape: Shape, dtype: np.dtype, load: Callable[[Path], Loaded]) -> Loaded:
    head = re.sub(rb"(?m)^encoding: .*$", b"encoding: raw", Nrrd().resized(head, shape, 1), count=1)
    with tempfile.TemporaryDirectory() as folder:
        twin = Path(folder) / "twin.nrrd"
        twin.write_bytes(head + bytes(prod(shape) * dtype.itemsize))
        return in_scene(lambda: load(twin))
