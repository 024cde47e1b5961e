"""What there is to know about a kind of volume file in order to write it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...core.errors import RequestError
from ...core.geometry import Box
from ...core.volume import SourceVolume

Shape = tuple[int, int, int]


class VolumeEncoding(ABC):
    """How header and voxels stand in one file.

    Slicer writes the header, and for slabs the voxels, uncompressed; compressing is done here. A
    header is always the whole leading part of such an uncompressed file, as bytes.

    Attributes:
        extension: of a finished file, by which ITK and everybody else knows what it is.
        raw_extension: of the uncompressed file that Slicer is asked for.
        compressed: whether the voxels are deflated.
        holds_channels: whether there can be several numbers per voxel.
        places_itself: whether ``described`` states where the box lies, whatever the header said before.
        reads_part: whether ITK reads the first planes of a finished file without reading all of it.
    """

    extension: ClassVar[str]
    raw_extension: ClassVar[str]
    compressed: ClassVar[bool]
    holds_channels: ClassVar[bool] = False
    places_itself: ClassVar[bool] = False
    reads_part: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The word of the request: the extension without its dot."""
        return self.extension[1:]

    @abstractmethod
    def header(self, raw: Path) -> bytes:
        """Return the header of an uncompressed file.

        Raises:
            VerificationError: Slicer wrote something else than it was asked for.
        """

    @abstractmethod
    def parts(self, header: bytes) -> tuple[bytes, bytes]:
        """Return (what stands plainly at the beginning of a finished file, what comes before the voxels).

        The second part is compressed with the voxels, where these are.
        """

    @abstractmethod
    def retyped(self, header: bytes, dtype: np.dtype) -> bytes:
        """Return the header with another type of the voxels, of the same size."""

    @abstractmethod
    def resized(self, header: bytes, shape_ijk: Shape, channels: int) -> bytes:
        """Return the header of a corner of a volume with the size of the whole."""

    def described(self, header: bytes, source: SourceVolume, box: Box) -> bytes:
        """Return the header with what the source's says of ``box``, where this encoding has a place for it."""
        return header

    def require_possible(self, final: Path, shape_ijk: Shape, channels: int) -> None:
        """Refuse a volume that such a file cannot hold.

        Raises:
            RequestError: with another choice.
        """
        if channels > 1 and not self.holds_channels:
            raise RequestError(f"{final}: several channels a voxel are written as 4D NIfTI (.nii.gz or .nii) only.")


def replace_header(path: Path, old: bytes, new: bytes) -> None:
    """Give an uncompressed file another header; the voxels stay.

    Raises:
        OSError: the file could not be written.
    """
    if len(old) == len(new):
        with path.open("r+b") as file:
            file.write(new)
        return
    longer = path.with_name(f"{path.name}.new")
    longer.write_bytes(new + path.read_bytes()[len(old) :])
    os.replace(longer, path)
