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
    size = np.array(values.shape)
    # index of part -> index of whole, exactly and rounded to the lattice
    exact = np.linalg.inv(all_affine) @ affine
    axes, offset = np.rint(exact[:3, :3]).astype(int), np.rint(exact[:3, 3]).astype(int)
    assert sorted(np.abs(axes).sum(axis=0)) == [1, 1, 1] == sorted(np.abs(axes).sum(axis=1)), "not the same lattice"
    corners = np.array([[i, j, k] for i in (0, size[0] - 1) for j in (0, size[1] - 1) for k in (0, size[2] - 1)])
    found = (corners @ axes.T + offset) @ all_affine[:3, :3].T
    distance = np.linalg.norm(found + all_affine[:3, 3] - corners @ affine[:3, :3].T - affine[:3, 3], axis=1)
    assert distance.max() < within_mm, f"a voxel lies {distance.max():.4f} mm away"
    start, stop = offset, offset + axes @ (size - 1)
    assert np.all(np.minimum(start, stop) >= 0)
    assert np.all(np.maximum(start, stop) < all_values.shape)
    box = tuple(
        slice(a, b + 1) if a <= b else slice(a, b - 1 if b > 0 else None, -1) for a, b in zip(start, stop, strict=True)
    )
    order = [int(np.argmax(np.abs(axes[:, n]))) for n in range(3)]
    np.testing.assert_array_equal(values, all_values[box].transpose(order))
