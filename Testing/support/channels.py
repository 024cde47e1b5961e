"""Patients with several images on one grid, each voxel of which tells its index and its channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (9, 8, 11)
PLACE = affine((2, 0, 1), (-1, 1, -1), oblique=9.0)
BRATS = ("t1", "t1ce", "t2", "flair")


def channel_phantom(number: int, patient: int = 0, dtype: str = "int16", shape=SHAPE) -> np.ndarray:
    """Values that say index, channel and patient."""
    return (index_phantom(shape).astype(np.int64) + 3000 * number + 1000 * patient).astype(dtype)


def brats(folder: Path, patients: int = 2, names=BRATS, labels: bool = True) -> Path:
    """P0_t1.nii.gz and so on, all in one folder, with P0_seg.nii.gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for patient in range(patients):
        for number, name in enumerate(names):
            save_nifti(folder / f"P{patient}_{name}.nii.gz", channel_phantom(number, patient), PLACE)
        if labels:
            organs = (index_phantom(SHAPE) % 3).astype(np.uint8)
            save_nifti(folder / f"P{patient}_seg.nii.gz", organs, PLACE)
    return folder
