"""The sform and the qform of a box of a volume, as nibabel's slicing has them: each by its own matrix.

A reader of either form finds every voxel where that form of the source has it, whatever part of
the volume the file holds. Nothing is straightened: a NIfTI header can say what the source's says.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray, VolumeGeometry
from ...core.volume import PREPARED, SourceVolume
from ..nifti import NiftiHeader, rotation_of
from ..nifti_transforms import READABLE_LENGTH, quaternion_length, same_form_mm

_SCANNER, ALIGNED = 1, 2
# ITK refuses an sform whose axes are further off a right angle (seen: refused at 2e-4, taken at 1e-4).
_ITK_TAKES = 5e-5


def write_forms(fields: npt.NDArray, source: SourceVolume, box: Box) -> None:
    """Give a header the place of ``box``.

    Args:
        fields: of the file to be written, in mm; changed.
        source: the volume; its header's forms are kept if they place voxels where ``source`` has them.
        box: in IJK of the source; may reach outside.
    """
    header = source.header
    kept = _kept_forms(source.geometry, *(() if header is None else (header.tobytes(), header.dtype)))
    if PREPARED in source.record:  # the header's numbers are this geometry's, rounded: boxes are to be rounded once
        kept = {form: (source.geometry, code) for form, (_, code) in kept.items()}
    sform, code = kept.get("sform", (source.geometry, 0))
    fields["sform_code"] = code
    fields["srow"] = sform.cropped(box).affine_ras[:3]
    if "qform" not in kept or source.header is None:
        needs_qform = source.header is None or sform.shear > _ITK_TAKES
        fields["qform_code"] = code if needs_qform else 0
        write_squared(fields, sform.squared(), box, same_form_mm(sform))
        return
    qform, fields["qform_code"] = kept["qform"]
    fields["quatern"], fields["pixdim"][0] = source.header["quatern"], source.header["pixdim"][0]
    fields["pixdim"][1:4] = qform.spacing
    if (length := quaternion_length(source.header)) > READABLE_LENGTH:
        bcd = source.header["quatern"].astype(np.float64) / length
        fields["quatern"] = min(_roundings(bcd), key=lambda rounded: _off(fields, rounded, qform))
    fields["qoffset"] = qform.cropped(box).affine_ras[:3, 3]


@lru_cache(maxsize=16)  # the same for all slabs of a volume
def _kept_forms(
    geometry: VolumeGeometry, stored: bytes = b"", dtype: np.dtype | None = None
) -> Mapping[str, tuple[VolumeGeometry, int]]:
    """Geometry and code by form: the source's, where that form places voxels where the source has them.

    A form that says something else is dropped. Without any, the position would be lost, so the
    sform gets the code for "aligned", or for the scanner's coordinates where there is no header to ask.

    Args:
        geometry: of the source.
        stored: bytes of its header, if it has one.
        dtype: of the header's fields.
    """
    if dtype is None:
        return {"sform": (geometry, _SCANNER)}
    header = NiftiHeader(Path(), np.frombuffer(stored, dtype)[0])
    kept = {}
    allowed = same_form_mm(header.geometry("sform") or geometry)
    for form in ("sform", "qform"):
        stated = header.geometry(form)
        if stated is not None and stated.difference(geometry).is_within(allowed):
            kept[form] = stated, int(header.fields[f"{form}_code"])
    return kept or {"sform": (geometry, ALIGNED)}


def write_squared(fields: npt.NDArray, geometry: VolumeGeometry, box: Box, allowed: float) -> None:
    """Write a qform, and voxel sizes; it gets no code where its four numbers cannot hold the rotation."""
    rotation = geometry.directions.copy()
    fields["pixdim"][0] = 1 if geometry.is_right_handed else -1
    if not geometry.is_right_handed:
        rotation[:, 2] *= -1
    fields["pixdim"][1:4] = geometry.spacing
    fields["qoffset"] = geometry.cropped(box).affine_ras[:3, 3]
    fields["quatern"], distance = min(
        ((bcd, _off(fields, bcd, geometry)) for bcd in _roundings(_quaternion(rotation)[1:])), key=lambda one: one[1]
    )
    if distance > allowed:
        fields["qform_code"] = 0


def _off(fields: npt.NDArray, bcd: npt.NDArray, geometry: VolumeGeometry) -> float:
    """Return how far in mm such a quaternion places a corner from where the axes of ``geometry`` have it."""
    steps = rotation_of(bcd.astype(np.float64)) * geometry.spacing * (1, 1, fields["pixdim"][0])
    last = np.array(geometry.shape_ijk) - 1
    return float(np.linalg.norm(np.abs(steps - geometry.affine_ras[:3, :3]) @ last))


def _roundings(bcd: FloatArray) -> list[npt.NDArray]:
    """Return (b, c, d) in float32, and with the largest of them one step larger or smaller.

    Near half turns the first element follows from the last digits of the others.
    """
    nearest = bcd.astype(np.float32)
    result = [nearest]
    for end in (0, 2):
        other, n = nearest.copy(), int(np.argmax(np.abs(nearest)))
        other[n] = np.nextafter(nearest[n], np.float32(end) * np.sign(nearest[n]))
        result.append(other)
    return result


def _quaternion(rotation: FloatArray) -> FloatArray:
    """Return (a, b, c, d) with a >= 0 of a 3x3 rotation.

    The eigenvector of the largest eigenvalue of Bar-Itzhack's matrix (Journal of Guidance 23,
    2000), which is exact to rounding for every rotation, half turns included.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    lower = np.array(
        [
            [xx + yy + zz, 0, 0, 0],
            [zy - yz, xx - yy - zz, 0, 0],
            [xz - zx, yx + xy, yy - xx - zz, 0],
            [yx - xy, zx + xz, zy + yz, zz - xx - yy],
        ]
    )
    values, vectors = np.linalg.eigh(lower)
    quaternion = vectors[:, int(np.argmax(values))]
    return quaternion if quaternion[0] >= 0 else -quaternion
