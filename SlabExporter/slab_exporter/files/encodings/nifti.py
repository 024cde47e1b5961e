"""NIfTI-1, plain and gzipped: a header of 348 bytes and extensions, then the voxels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import RequestError, VerificationError
from ...core.geometry import Box
from ...core.several.frames import TIME_UNITS
from ...core.volume import SourceVolume
from ..nifti import HEADER_DTYPE, HEADER_SIZE, LARGEST_SIZE, SCALAR_TYPES
from .encoding import Shape, VolumeEncoding
from .nifti_forms import write_forms

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
# NIFTI_INTENT_GENMATRIX to QUATERNION promise a fifth axis, for which ITK looks in volumes of one number per voxel.
_SEVERAL_NUMBERS = range(1004, 1011)


class Nifti(VolumeEncoding):
    """A ``.nii`` file."""

    extension = ".nii"
    raw_extension = ".nii"
    compressed = False
    holds_channels = True
    places_itself = True
    reads_part = True

    def header(self, raw: Path) -> bytes:
        """Return everything before the voxels, extensions of the header included."""
        with raw.open("rb") as file:
            head = file.read(HEADER_SIZE)
            if len(head) < HEADER_SIZE:
                raise VerificationError(f"{raw.name}: Slicer did not write a NIfTI file.")
            return head + file.read(int(_fields(head)["vox_offset"]) - HEADER_SIZE)

    def parts(self, header: bytes) -> tuple[bytes, bytes]:
        """The header stands plainly in front."""
        return header, b""

    def retyped(self, header: bytes, dtype: np.dtype) -> bytes:
        """The field "datatype"."""
        fields = _fields(header)
        fields["datatype"] = next(code for code, name in SCALAR_TYPES.items() if np.dtype(name) == dtype)
        return _with_fields(header, fields)

    def resized(self, header: bytes, shape_ijk: Shape, channels: int) -> bytes:
        """The field "dim"; channels become the fourth axis."""
        fields = _fields(header)
        fields["dim"][1:4] = shape_ijk
        if channels > 1:
            fields["dim"][0], fields["dim"][4], fields["pixdim"][4] = 4, channels, 1
        return _with_fields(header, fields)

    def described(self, header: bytes, source: SourceVolume, box: Box) -> bytes:
        """Return the header with the forms of the box, and the descriptive fields of a NIfTI source."""
        fields = _fields(header)
        write_forms(fields, source, box)
        if source.header is not None:
            for name in DESCRIPTIVE_FIELDS:
                fields[name] = source.header[name]
            if int(fields["intent_code"]) in _SEVERAL_NUMBERS:
                fields["intent_code"], fields["intent_p"] = 0, 0
            temporal = int(source.header["xyzt_units"]) & ~7 & 0xFF
            fields["xyzt_units"] = _MILLIMETRES | temporal
            # Slicer leaves NaN here, which means the same; 1 and 0 are what every reader understands.
            fields["scl_slope"], fields["scl_inter"] = 1, 0
        if source.frames is not None:
            unit = next((code for code, name in TIME_UNITS.items() if name == source.frames.unit), 0)
            fields["xyzt_units"] = _MILLIMETRES | unit
            fields["pixdim"][4], fields["toffset"] = source.frames.spacing, source.frames.first
        return _with_fields(header, fields)

    def require_possible(self, final: Path, shape_ijk: Shape, channels: int) -> None:
        """Refuse an axis that is longer than "dim" can say."""
        if max(*shape_ijk, channels) > LARGEST_SIZE:
            raise RequestError(
                f"{final}: {shape_ijk} voxels are more along one axis than NIfTI-1 can hold "
                f"({LARGEST_SIZE}); choose .nrrd."
            )


class GzippedNifti(Nifti):
    """A ``.nii.gz`` file: a ``.nii`` file as one gzip stream."""

    extension = ".nii.gz"
    compressed = True

    def parts(self, header: bytes) -> tuple[bytes, bytes]:
        """The header is compressed like the voxels."""
        return b"", header


def _fields(header: bytes) -> Any:
    return np.frombuffer(header[:HEADER_SIZE], HEADER_DTYPE)[0].copy()


def _with_fields(header: bytes, fields: npt.NDArray) -> bytes:
    return fields.tobytes() + header[HEADER_SIZE:]
