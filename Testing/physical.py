"""Compare volumes where they lie in the patient, whatever their index order is."""

from __future__ import annotations

import nibabel as nib
import numpy as np


def nifti(path) -> tuple[np.ndarray, np.ndarray]:
    """(values in IJK order, affine IJK -> RAS)."""
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def assert_lies_in(part, whole, within_mm: float = 1e-3) -> None:
    """Every voxel of ``part`` has the value of the voxel of ``whole`` at the same place.

    Args:
        part: (values in IJK order, affine IJK -> RAS).
        whole: the same, on the same lattice of points, in any index order.
        within_mm: how far apart the two places may be.
    """
    values, affine = part
    all_values, all_affine = whole
    ijk = np.stack(np.indices(values.shape), -1).reshape(-1, 3)
    ras = ijk @ affine[:3, :3].T + affine[:3, 3]
    inverse = np.linalg.inv(all_affine)
    index = ras @ inverse[:3, :3].T + inverse[:3, 3]
    nearest = np.rint(index).astype(int)
    places = nearest @ all_affine[:3, :3].T + all_affine[:3, 3]
    distance = np.linalg.norm(places - ras, axis=1)
    assert distance.max() < within_mm, f"a voxel lies {distance.max():.4f} mm away"
    assert np.all(nearest >= 0)
    assert np.all(nearest < all_values.shape)
    np.testing.assert_array_equal(values.reshape(-1), all_values[tuple(nearest.T)])
