"""FreeSurfer's MGH and MGZ volumes, which Slicer reads but the slicer-core wheel does not.

Layout: FreeSurfer's description of the MGH format (big-endian header of 284 bytes, then voxels;
an affine for the patient's RAS in mm if the flag goodRASFlag is set).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.geometry import FloatArray, VolumeGeometry
from ..core.values import native
from ..core.volume import SourceVolume, VolumePeek
from .gzip_codec import DamagedGzipError, first_bytes
from .machine import require_memory
from .stored import read_stretch

EXTENSIONS = (".mgz", ".mgh")

_HEADER = np.dtype(
    [
        ("version", ">i4"),
        ("shape", ">i4", (3,)),
        ("frames", ">i4"),
        ("type", ">i4"),
        ("dof", ">i4"),
        ("good_ras", ">i2"),
        ("spacing", ">f4", (3,)),
        ("directions", ">f4", (3, 3)),
        ("centre_ras", ">f4", (3,)),
    ]
)
_DATA_OFFSET = 284
_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2"}


def peek_mgh(path: Path) -> VolumePeek:
    """Return what the header of a file of one volume tells; the voxels are not read.

    Raises:
        InputError: damaged, or 4D.
    """
    header = _read_header(path)
    return VolumePeek("MGH", _geometry(header), _dtype(header).newbyteorder("="), warnings=_warnings(header))


def read_mgh(path: Path) -> SourceVolume:
    """Read a file of one volume.

    Raises:
        InputError: damaged, shorter than promised, larger than memory, or 4D.
    """
    header = _read_header(path)
    dtype, geometry = _dtype(header), _geometry(header)
    shape = geometry.shape_ijk
    count = shape[0] * shape[1] * shape[2]
    end = _DATA_OFFSET + count * dtype.itemsize
    require_memory(path, end)
    try:
        found = read_stretch(path, _DATA_OFFSET, end - _DATA_OFFSET, _HEADER.itemsize, end)
    except DamagedGzipError as error:
        raise InputError(error.sentence(path)) from error
    if found.length < end:
        raise InputError(
            f"{path} is truncated or its header is wrong: it holds {found.length} of the "
            f"{end} bytes that its header promises."
        )
    if found.head != header.tobytes():
        raise InputError(f"{path} was changed while it was being read; run again when it is whole.")
    voxels = native(found.content.view(dtype).reshape(shape[::-1]))
    return SourceVolume(str(path), str(path), found.sha256, geometry, voxels, warnings=_warnings(header))


def _read_header(path: Path) -> np.ndarray:
    try:
        raw = first_bytes(path, _DATA_OFFSET)
    except DamagedGzipError as error:
        raise InputError(error.sentence(path)) from error
    if len(raw) < _DATA_OFFSET:
        raise InputError(f"{path} is not an MGH file: it is shorter than a header.")
    header = np.frombuffer(raw, _HEADER, 1)[0]
    if int(header["version"]) != 1 or int(header["type"]) not in _TYPES:
        raise InputError(f"{path} is not an MGH file of a known type: its header is damaged.")
    shape, frames = header["shape"].tolist(), int(header["frames"])
    if min(*shape, frames) < 1:
        raise InputError(f"{path}: the header's sizes make no sense: {shape}, {frames} frames.")
    if frames > 1:
        raise InputError(f"{path} is 4D: it holds {frames} volumes. Split it into 3D volumes first.")
    return header


def _dtype(header: np.ndarray) -> np.dtype:
    return np.dtype(_TYPES[int(header["type"])])


def _geometry(header: np.ndarray) -> VolumeGeometry:
    i, j, k = (int(n) for n in header["shape"])
    return VolumeGeometry((i, j, k), _affine(header))


def _affine(header: np.ndarray) -> FloatArray:
    """IJK -> RAS mm; the header states the centre, and each direction as a row."""
    affine = np.eye(4)
    if int(header["good_ras"]) != 1:
        # FreeSurfer's default: a coronal volume with 1 mm voxels (i to L, j to I, k to A)
        affine[:3, :3] = [[-1, 0, 0], [0, 0, 1], [0, -1, 0]]
        centre = np.zeros(3)
    else:
        affine[:3, :3] = header["directions"].T.astype(np.float64) * header["spacing"].astype(np.float64)
        centre = header["centre_ras"].astype(np.float64)
    affine[:3, 3] = centre - affine[:3, :3] @ (header["shape"] / 2)
    return affine


def _warnings(header: np.ndarray) -> tuple[str, ...]:
    if int(header["good_ras"]) == 1:
        return ()
    return ("The header states no orientation (goodRASFlag is not set): FreeSurfer's default is assumed.",)
