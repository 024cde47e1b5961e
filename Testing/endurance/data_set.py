"""A synthetic data set with the slice counts of LiTS (75 to 987, 58,000 in all), reduced in plane."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

FEWEST, MOST, CASES = 75, 987, 130
# Chosen so that 130 cases have 58,000 slices, as LiTS has.
_EXPONENT = 1.46
_TORSO_MM = 380.0


def slice_counts(cases: int = CASES) -> list[int]:
    """Slice counts in a fixed, mixed order; the extremes are among them."""
    quantiles = np.linspace(0, 1, cases)
    counts = np.round(FEWEST + (MOST - FEWEST) * quantiles**_EXPONENT).astype(int)
    return np.random.default_rng(0).permutation(counts).tolist()


def make(folder: Path, cases: int = CASES, size: int = 96) -> list[int]:
    """Write volume-N.nii.gz and segmentation-N.nii.gz; returns the slice counts. An earlier data set is reused."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = slice_counts(cases)
    for n, count in enumerate(counts):
        if not (folder / f"segmentation-{n}.nii.gz").exists():
            _make_case(folder, n, count, size)
    return counts


def _make_case(folder: Path, n: int, slices: int, size: int) -> None:
    spacing = _TORSO_MM / size
    affine = np.diag([-spacing, spacing, 600.0 / slices, 1.0])
    affine[:3, 3] = (_TORSO_MM / 2, -_TORSO_MM / 2, -300.0)
    x, y = (np.mgrid[:size, :size] - size / 2) / (size / 2)
    body = (x / 0.85) ** 2 + (y / 0.62) ** 2 < 1
    noise = np.random.default_rng(n).integers(-12, 13, (size, size, 64), dtype=np.int16)
    voxels = np.where(body, 40, -1000)[..., None].astype(np.int16) + noise[..., np.arange(slices) % 64]
    height = np.linspace(-1, 1, slices)
    # The liver: on the patient's right, which is low i in LAS, below the middle.
    liver = (((x + 0.4) / 0.35) ** 2 + (y / 0.4) ** 2)[..., None] + (height / 0.3) ** 2 < 1
    spine = ((x / 0.1) ** 2 + ((y + 0.42) / 0.1) ** 2 < 1)[..., None] & np.ones(slices, bool)
    voxels[liver] += 60
    voxels[spine] += 500
    labels = (liver + 2 * spine).astype(np.uint8)
    for name, array in (("volume", voxels), ("segmentation", labels)):
        image = nib.Nifti1Image(array, affine)
        image.set_qform(affine, 1)
        image.set_sform(affine, 1)
        nib.save(image, folder / f"{name}-{n}.nii.gz")
