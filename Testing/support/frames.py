"""4D volumes whose voxels tell index and frame."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from support.phantoms import affine

SHAPE = (9, 8, 11)
PLACE = affine((2, 0, 1), (-1, 1, -1), oblique=9.0)


def frames_phantom(count: int = 5, dtype: str = "int16", shape=SHAPE) -> np.ndarray:
    """(i, j, k, frame), values all different as far as the type allows."""
    values = np.arange(np.prod(shape)).reshape(shape)[..., np.newaxis] + 900 * np.arange(count)
    return (values / 7 if np.dtype(dtype).kind == "f" else values).astype(dtype)


def save_frames(path: Path, array: np.ndarray, place: np.ndarray = PLACE, step: float = 2.5, unit: str = "sec") -> Path:
    """Write a 4D NIfTI with a time step."""
    image = nib.Nifti1Image(array, place, dtype=array.dtype)
    image.set_sform(place, 1)
    image.set_qform(place, 1)
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = step
    image.header["toffset"] = 0.75
    nib.save(image, path)
    return path
