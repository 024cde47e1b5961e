"""The same voxels in another index order: axes exchanged and reversed, no value touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .geometry import VolumeGeometry
from .volume import SourceVolume


def reindexed_onto(volume: SourceVolume, grid: VolumeGeometry) -> SourceVolume:
    """``volume`` with its index axes in the order and direction of ``grid``'s, where that is all that differs.

    Programs that make a NIfTI from a DICOM series reverse rows or slices; a label map drawn on such
    a NIfTI lies on the series' voxels but counts them differently. The manifest's record keeps the
    file's own shape and affine.

    Returns:
        ``volume`` itself where the axes agree already, or are not parallel to the grid's.
    """
    own = volume.geometry
    steps = np.linalg.inv(grid.affine_ras[:3, :3]) @ own.affine_ras[:3, :3]
    whole = np.rint(steps)
    is_permutation = np.all(np.abs(whole).sum(axis=0) == 1) and np.all(np.abs(whole).sum(axis=1) == 1)
    if not is_permutation or np.max(np.abs(steps - whole)) > 0.01 or np.array_equal(whole, np.eye(3)):
        return volume
    # Which own axis becomes grid axis n, and whether it runs backwards
    axes = [int(np.argmax(np.abs(whole[n]))) for n in range(3)]
    signs = [int(whole[n, axes[n]]) for n in range(3)]
    array_ijk = volume.voxels_kji.transpose(2, 1, 0).transpose(axes)
    array_ijk = array_ijk[tuple(slice(None, None, sign) for sign in signs)]
    affine = own.affine_ras.copy()
    for n, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, n] = own.affine_ras[:3, axis] * sign
        if sign < 0:
            affine[:3, 3] += own.affine_ras[:3, axis] * (own.shape_ijk[axis] - 1)
    geometry = VolumeGeometry(tuple(own.shape_ijk[axis] for axis in axes), affine)  # type: ignore[arg-type]
    record = {"file_shape_ijk": list(own.shape_ijk), "file_affine_ras": own.affine_ras.tolist()}
    return replace(
        volume,
        voxels_kji=np.ascontiguousarray(array_ijk.transpose(2, 1, 0)),
        geometry=geometry,
        header=None,
        record={**volume.record, **record},
    )
