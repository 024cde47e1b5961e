"""A volume in memory, ready to be cut: voxels, geometry and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .geometry import FloatArray, VolumeGeometry


@dataclass(frozen=True)
class SourceVolume:
    """What the pipeline cuts.

    Attributes:
        name: for messages: a file's path, or a node's name.
        path: of the file; None for a volume that exists only in a scene.
        sha256: of the file's bytes, or of the node's voxels.
        geometry: shape and affine (RAS) in the order of ``voxels_kji``.
        voxels_kji: the values, C-contiguous, in native byte order.
        header: NIfTI header record whose descriptive fields the slabs keep; None for other files.
        nifti_transform: "sform" or "qform", whichever gave the affine; None for other files.
        frame: which frame of a 4D file this is; None for 3D files.
        loaded_affine_ras: the affine that Slicer holds, where its index order is another one.
        warnings: what a user should know about this file.
        record: what the manifest says of it besides: of a DICOM series its UID and how it was made
            regular, of a reordered label map its own geometry.
        dicom: the planes' headers (``dicom.load.DicomSource``); None for other files.
        segments: (value, name) of each segment, for a label map made of a segmentation.
    """

    name: str
    path: str | None
    sha256: str
    geometry: VolumeGeometry
    voxels_kji: npt.NDArray
    header: Any = None
    nifti_transform: str | None = None
    frame: int | None = None
    loaded_affine_ras: FloatArray | None = None
    warnings: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    dicom: Any = None
    segments: tuple[tuple[int, str], ...] = ()


def require_same_grid(image: SourceVolume, label: SourceVolume, name: str) -> None:
    """Refuse a label map that does not lie voxel on voxel on the image.

    Raises:
        InputError: with the difference in mm and in voxels.
    """
    found = image.geometry.difference(label.geometry)
    if found.is_same_grid():
        return
    what = f"The label map {label.name} ({name}) does not lie on the grid of {image.name}"
    remedy = "Resample it onto the image first (Slicer: module Resample Image (BRAINS), reference = the image)."
    ours, theirs = found.shapes
    if not found.same_shape:
        raise InputError(f"{what}: it has {theirs} voxels where the image has {ours}. {remedy}")
    ours_run, theirs_run = found.orientations
    axes = "" if ours_run == theirs_run else f"; its axes run {theirs_run}, the image's {ours_run}"
    raise InputError(f"{what}: its corners are up to {found} away{axes}. {remedy}")


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


def geometry_facts(geometry: VolumeGeometry) -> dict[str, Any]:
    """What there is to say about a geometry."""
    return {
        "shape": list(geometry.shape_ijk),
        "spacing": [round(float(s), 6) for s in geometry.spacing],
        "orientation": geometry.orientation,
        "handedness": "right-handed" if geometry.is_right_handed else "left-handed",
        "obliquity": round(geometry.obliquity_degrees, 2),
        "shear": round(geometry.shear, 6),
    }
