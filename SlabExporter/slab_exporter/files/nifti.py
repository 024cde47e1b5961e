"""NIfTI-1 headers: what the file says, and whether it can be believed.

Layout and meaning of the fields: nifti1.h (R. Cox et al., NIfTI-1.1 standard).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.geometry import FloatArray, VolumeGeometry
from .gzip_codec import DamagedGzipError, first_bytes

HEADER_SIZE = 348
SINGLE_FILE_OFFSET = 352
LARGEST_SIZE = 32767  # voxels along an axis: dim is int16

HEADER_DTYPE = np.dtype(
    [
        ("sizeof_hdr", "i4"),
        ("data_type", "S10"),
        ("db_name", "S18"),
        ("extents", "i4"),
        ("session_error", "i2"),
        ("regular", "S1"),
        ("dim_info", "u1"),
        ("dim", "i2", (8,)),
        ("intent_p", "f4", (3,)),
        ("intent_code", "i2"),
        ("datatype", "i2"),
        ("bitpix", "i2"),
        ("slice_start", "i2"),
        ("pixdim", "f4", (8,)),
        ("vox_offset", "f4"),
        ("scl_slope", "f4"),
        ("scl_inter", "f4"),
        ("slice_end", "i2"),
        ("slice_code", "u1"),
        ("xyzt_units", "u1"),
        ("cal_max", "f4"),
        ("cal_min", "f4"),
        ("slice_duration", "f4"),
        ("toffset", "f4"),
        ("glmax", "i4"),
        ("glmin", "i4"),
        ("descrip", "S80"),
        ("aux_file", "S24"),
        ("qform_code", "i2"),
        ("sform_code", "i2"),
        ("quatern", "f4", (3,)),
        ("qoffset", "f4", (3,)),
        ("srow", "f4", (3, 4)),
        ("intent_name", "S16"),
        ("magic", "S4"),
    ]
)

# nifti1.h DT_* codes of the scalar types that Slicer and ITK hold.
SCALAR_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
OTHER_TYPES = {
    1: "single bits",
    32: "complex numbers",
    128: "RGB colours",
    1536: "128-bit floats",
    1792: "complex numbers",
    2048: "complex numbers",
    2304: "RGBA colours",
}
_UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


@dataclass(frozen=True)
class NiftiHeader:
    """A NIfTI-1 header whose sizes and types have been found plausible.

    Attributes:
        path: the file, for messages.
        fields: one record of ``HEADER_DTYPE``, in the file's byte order.
    """

    path: Path
    fields: np.ndarray

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Voxels along i, j, k and, where there are more than one, frames and components."""
        count = int(self.fields["dim"][0])
        sizes = [int(n) for n in self.fields["dim"][1 : count + 1]]
        sizes += [1] * (3 - len(sizes))
        while len(sizes) > 3 and sizes[-1] == 1:
            sizes.pop()
        return tuple(sizes)

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        return self.shape[:3]  # type: ignore[return-value]

    @property
    def frames(self) -> int:
        """Volumes in the file, along the fourth axis."""
        if self.holds_vectors:
            return self.shape[4]
        return self.shape[3] if len(self.shape) > 3 else 1

    @property
    def holds_vectors(self) -> bool:
        """Whether there is a vector per voxel, along the fifth axis as ITK and TorchIO write it."""
        return len(self.shape) == 5 and self.shape[3] == 1

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored voxels, in the file's byte order."""
        base = np.dtype(SCALAR_TYPES[int(self.fields["datatype"])])
        return base.newbyteorder(self.fields.dtype["sizeof_hdr"].byteorder)

    @property
    def data_offset(self) -> int:
        """First byte of the voxels."""
        return max(int(self.fields["vox_offset"]), SINGLE_FILE_OFFSET)

    @property
    def data_size(self) -> int:
        """Bytes of all voxels that the header promises, all frames."""
        count = 1
        for n in self.shape:
            count *= n
        return count * self.dtype.itemsize

    @property
    def scaling(self) -> tuple[float, float]:
        """(slope, intercept) to be applied to the stored values; (1, 0) for none."""
        slope, inter = float(self.fields["scl_slope"]), float(self.fields["scl_inter"])
        if slope == 0 or np.isnan(slope):
            return 1.0, 0.0
        if not (np.isfinite(slope) and np.isfinite(inter)):
            raise InputError(
                f"{self.path}: the value scaling in the header is not finite (slope {slope}, inter {inter})."
            )
        return slope, inter

    @property
    def unit_mm(self) -> float:
        """Millimetres in the header's spatial unit (ITK converts, nibabel does not)."""
        return _UNIT_MM.get(int(self.fields["xyzt_units"]) & 7, 1.0)

    @property
    def sform(self) -> FloatArray | None:
        """4x4 affine of the sform, IJK -> RAS mm; None where its code is 0."""
        if int(self.fields["sform_code"]) <= 0:
            return None
        affine = np.eye(4)
        affine[:3, :] = self.fields["srow"].astype(np.float64) * self.unit_mm
        return affine

    @property
    def qform(self) -> FloatArray | None:
        """4x4 affine of the qform (quaternion, offsets, pixdim), IJK -> RAS mm; None where its code is 0."""
        if int(self.fields["qform_code"]) <= 0:
            return None
        rotation = rotation_of(self.fields["quatern"].astype(np.float64))
        # No voxel has a negative size; nibabel and the reference code take the same.
        zooms = np.abs(self.fields["pixdim"][1:4].astype(np.float64))
        if float(self.fields["pixdim"][0]) < 0:
            zooms[2] *= -1
        affine = np.eye(4)
        affine[:3, :3] = rotation * zooms * self.unit_mm
        affine[:3, 3] = self.fields["qoffset"].astype(np.float64) * self.unit_mm
        return affine

    def geometry(self, form: str) -> VolumeGeometry | None:
        """Geometry by "sform" or "qform"; None where the header has none or it is degenerate."""
        affine = self.sform if form == "sform" else self.qform
        if affine is None:
            return None
        try:
            return VolumeGeometry(self.shape_ijk, affine)
        except InputError:
            return None


# Below this 1 - b^2 - c^2 - d^2 is rounding, and the rotation a half turn (nifti_quatern_to_mat44 of nifti1_io.c).
HALF_TURN = 1e-7


def rotation_of(bcd: FloatArray) -> FloatArray:
    """Return the 3x3 rotation of a unit quaternion (a, b, c, d) of which a >= 0 is not stored.

    Half turns (a = 0) are what every tilted head in LPS has, and a is the square root of a
    difference: rounding of b, c, d alone would make it up to 0.0003, and a rotation by 0.04 degrees.

    >>> rotation_of(np.float32([0.70710677, 0.70710677, 0]).astype(float)).round(6).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    """
    squares = float(bcd @ bcd)
    if 1.0 - squares < HALF_TURN:
        a, (b, c, d) = 0.0, bcd / np.sqrt(squares)
    else:
        a, (b, c, d) = np.sqrt(1.0 - squares), bcd
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def read_header(path: Path, vectors: bool = False) -> NiftiHeader:
    """Read and judge the header of a .nii or .nii.gz file.

    Args:
        path: of the file.
        vectors: accept one vector per voxel (i, j, k, 1, channels), whose channels count as frames.

    Raises:
        InputError: not NIfTI-1, damaged, or of a voxel type or shape that cannot be cut.
    """
    try:
        raw = first_bytes(path, SINGLE_FILE_OFFSET)
    except DamagedGzipError as error:
        raise InputError(error.sentence(path)) from error
    if len(raw) < HEADER_SIZE:
        raise InputError(
            f"{path} is not a NIfTI file: it holds {len(raw)} bytes, fewer than a header. "
            "Copy or download the file again."
        )
    header = NiftiHeader(path, _fields(path, raw[:HEADER_SIZE]))
    judge_fields(header, vectors)
    if header.fields["magic"] == b"ni1":
        raise InputError(f"{path} is only the header of a .hdr/.img pair. Open the .hdr file with its .img beside it.")
    return header


def _fields(path: Path, raw: bytes) -> np.ndarray:
    for dtype in (HEADER_DTYPE.newbyteorder("<"), HEADER_DTYPE.newbyteorder(">")):
        fields = np.frombuffer(raw, dtype)[0]
        size = int(fields["sizeof_hdr"])
        if size == 540:
            raise InputError(
                f"{path} is NIfTI-2, which ITK and therefore Slicer cannot read. Save it as NIfTI-1 first, "
                "for example with nibabel: nib.save(nib.Nifti1Image.from_image(nib.load(old)), new)."
            )
        if size == HEADER_SIZE:
            if fields["magic"] not in (b"n+1", b"ni1"):
                raise InputError(f"{path} is not NIfTI-1: its header lacks the mark 'n+1' (it is {fields['magic']!r}).")
            return fields
    raise InputError(f"{path} is not a NIfTI file: its header does not start with the size 348.")


def judge_fields(header: NiftiHeader, vectors: bool = False) -> None:
    """Refuse sizes and types that contradict each other, or that cannot be cut.

    Raises:
        InputError: saying which.
    """
    path, fields = header.path, header.fields
    count = int(fields["dim"][0])
    if not 1 <= count <= 7 or min(int(n) for n in fields["dim"][1 : count + 1]) < 1:
        raise InputError(f"{path}: the header's dimensions make no sense: {[int(n) for n in fields['dim']]}.")
    code = int(fields["datatype"])
    if code not in SCALAR_TYPES:
        kind = OTHER_TYPES.get(code, f"values of the unknown type {code}")
        raise InputError(f"{path} holds {kind}, not one number a voxel. Split or convert it to a scalar volume first.")
    if int(fields["bitpix"]) not in (0, header.dtype.itemsize * 8):
        raise InputError(
            f"{path}: the header contradicts itself: type {header.dtype.name} but {int(fields['bitpix'])} bits a voxel."
        )
    if len(header.shape) > 4 and not (vectors and header.holds_vectors):
        raise InputError(
            f"{path} holds vectors or more than four dimensions (shape {header.shape}). "
            "Split it into scalar volumes first."
        )
    offset = float(fields["vox_offset"])
    if not 0 <= offset < 2**31:
        raise InputError(f"{path}: the header says that voxels start at byte {offset:g}, which cannot be.")
