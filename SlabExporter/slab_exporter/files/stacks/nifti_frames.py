"""Several volumes of a NIfTI file: in memory, or read from the file one by one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.several.frames import TIME_UNITS, FrameStack
from ..disk import file_sha256, open_plain
from ..gzip_codec import is_gzip
from ..nifti import NiftiHeader
from ..nifti_voxels import read_frames

Index = int | tuple[int | slice, ...]


class FrameFile:
    """The voxels (frames, k, j, i) of a NIfTI file that is neither packed nor scaled, read when they are asked for.

    It is indexed as an array is, by a frame first, and gives arrays.

    Args:
        header: of the file.
        numbers: which of its frames these are.
    """

    def __init__(self, header: NiftiHeader, numbers: tuple[int, ...]) -> None:
        self._path, self._offset = header.path, header.data_offset
        self._numbers = numbers
        self._state = _state(header.path)
        self.dtype = header.dtype
        self.shape = (len(numbers), *header.shape_ijk[::-1])

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Index) -> npt.NDArray:
        frame, *inside = index if isinstance(index, tuple) else (index,)
        assert isinstance(frame, int)
        planes = inside[0] if inside else slice(None)
        assert isinstance(planes, slice)
        first, stop, _ = planes.indices(self.shape[1])
        plane = self.shape[2] * self.shape[3]
        start = (self._numbers[frame] * self.shape[1] + first) * plane * self.dtype.itemsize + self._offset
        count = max(0, stop - first)
        with open_plain(self._path) as file:
            found = np.fromfile(file, self.dtype, count * plane, offset=start)
        if _state(self._path) != self._state or found.size < count * plane:
            raise InputError(f"{self._path} was changed while it was being read; run again when it is whole.")
        voxels = found.reshape(count, *self.shape[2:])
        rows, columns = (*inside[1:], slice(None), slice(None))[:2]
        return voxels[:, rows, columns]


def _state(path: Path) -> tuple[int, int, int]:
    stat = os.stat(path)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def nifti_frames(header: NiftiHeader, numbers: tuple[int, ...]) -> tuple[FrameStack, str]:
    """Return (frames, check sum of the file).

    Of a file that is neither packed nor scaled, frames are read one by one when they are needed. Of any other one
    all are read, since their values need one type and a packed file can only be read from its beginning.

    Args:
        header: of the file.
        numbers: which frames, from 0.

    Raises:
        InputError: damaged, shorter than promised, or larger than memory.
    """
    fields = header.fields
    unit = TIME_UNITS.get(int(fields["xyzt_units"]) & 0x38, "")
    step, start = (float(value) if np.isfinite(value) else 0.0 for value in (fields["pixdim"][4], fields["toffset"]))
    sha256 = file_sha256(header.path)
    voxels: npt.NDArray | FrameFile
    if _is_plain(header):
        voxels = FrameFile(header, numbers)
    else:
        found = read_frames(header)
        voxels = found if numbers == tuple(range(header.frames)) else found[list(numbers)]
    return FrameStack(voxels, numbers, header.frames, step, unit, start), sha256


def _is_plain(header: NiftiHeader) -> bool:
    """Return whether voxels stand in the file as they are wanted, all of them."""
    with open_plain(header.path) as file:
        packed, there = is_gzip(file.read(2)), os.fstat(file.fileno()).st_size
    whole = there >= header.data_offset + header.data_size
    return not packed and whole and header.scaling == (1.0, 0.0) and header.dtype.isnative
