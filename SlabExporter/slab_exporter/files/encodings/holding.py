"""What a kind of file can hold, judged before anything is cut."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.errors import RequestError
from ...core.geometry import VolumeGeometry
from ...core.text import Option, degrees
from ..nifti import LARGEST_SIZE
from .encoding import Shape

# Rows and Columns of DICOM are unsigned numbers of 16 bits.
_LARGEST_AXIS = {"nii": ("NIfTI-1", LARGEST_SIZE), "nii.gz": ("NIfTI-1", LARGEST_SIZE), "dicom": ("DICOM", 65535)}


def require_holdable(name: str, geometry: VolumeGeometry, slabs: Iterable[Shape], format_name: str) -> None:
    """Refuse a volume whose slabs a format cannot hold.

    Args:
        name: of the volume, for the message.
        geometry: of the volume.
        slabs: voxels along i, j, k of each slab.
        format_name: the word of the request.

    Raises:
        RequestError: with the number that is too large, and another choice.
    """
    if format_name not in _LARGEST_AXIS:
        return
    kind, most = _LARGEST_AXIS[format_name]
    longest = max(max(shape) for shape in slabs)
    instead = Option.to("format", "nrrd")
    if longest > most:
        raise RequestError(
            f"{kind} holds at most {most} voxels along an axis, and slabs of {name} have {longest}: use ",
            instead,
            ", or cut along that axis.",
            option="format",
        )
    if geometry.is_sheared:
        raise RequestError(
            f"{name} is sheared: its axes are {degrees(geometry.shear_degrees)} degrees off a right angle, which "
            f"{kind} slabs cannot hold. Resample it to a regular grid first, or use ",
            instead,
            ".",
            option="format",
        )
