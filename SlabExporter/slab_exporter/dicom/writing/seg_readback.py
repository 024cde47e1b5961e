"""Read a DICOM Segmentation back frame by frame, by its own words, and compare it with the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import VerificationError
from ...core.geometry import VolumeGeometry
from ..reading.headers import parsing, read_dataset
from .readback import POSITION_TOLERANCE_MM

# SegmentDescription keeps the label map's value: segment numbers must be 1, 2, 3 without gaps.
DESCRIPTION = "Label value "


def verify_segmentation(path: Path, labels_kji: npt.NDArray, geometry: VolumeGeometry, name: str) -> None:
    """Compare a segmentation with the label slab that it was made of: every frame's place, every voxel.

    Args:
        path: the file.
        labels_kji: the slab's label values.
        geometry: of the slab.
        name: for messages.

    Raises:
        VerificationError: with the first difference found.
    """
    found = read_segmentation(path, geometry, name)
    different = int(np.count_nonzero(found != labels_kji))
    if different:
        raise VerificationError(f"{name}: {different} of {found.size} label voxels differ from the source.")


def read_segmentation(path: Path, geometry: VolumeGeometry, name: str) -> npt.NDArray:
    """The label values (KJI, int64) of a segmentation on the grid of its slab.

    Raises:
        VerificationError: its frames do not lie there.
    """
    with parsing(path):
        return _labels(read_dataset(path.read_bytes()), geometry, name)


def _labels(dataset: Any, geometry: VolumeGeometry, name: str) -> npt.NDArray:
    """Label values (KJI) on the slab's grid."""
    values = {int(s.SegmentNumber): int(str(s.SegmentDescription)[len(DESCRIPTION) :]) for s in dataset.SegmentSequence}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    affine = geometry.affine_lps
    cosines = [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    rows_mm, columns_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = np.asarray(dataset.pixel_array).reshape(-1, int(dataset.Rows), int(dataset.Columns))
    if frames.shape[1:] != geometry.shape_ijk[1::-1]:
        raise VerificationError(f"{name}: its frames have {frames.shape[2]} x {frames.shape[1]} pixels.")
    result = np.zeros(geometry.shape_ijk[::-1], np.int64)
    for frame, groups in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        corner = np.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
        k = round(float(np.linalg.solve(affine[:3, :3], corner - affine[:3, 3])[2]))
        far = corner + np.array(cosines[:3]) * columns_mm * (geometry.shape_ijk[0] - 1)
        far = far + np.array(cosines[3:]) * rows_mm * (geometry.shape_ijk[1] - 1)
        expected = affine @ [geometry.shape_ijk[0] - 1, geometry.shape_ijk[1] - 1, k, 1]
        first = affine @ [0, 0, k, 1]
        distance = max(float(np.linalg.norm(far - expected[:3])), float(np.linalg.norm(corner - first[:3])))
        if distance > POSITION_TOLERANCE_MM or not 0 <= k < geometry.shape_ijk[2]:
            raise VerificationError(f"{name}: a frame lies {distance:.6f} mm from where it should.")
        segment = groups.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        if frame.any():
            result[k][frame != 0] = values[int(segment[0].ReferencedSegmentNumber)]
    return result
