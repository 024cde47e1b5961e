"""What becomes of the patient: the displacement between where voxels should lie and where they do.

Both affines map OTHER's voxel index to RAS mm: the true one follows from REFERENCE and from how the
voxels relate, the stated one is in OTHER's file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.geometry import AXIS_LETTERS, FloatArray, VolumeGeometry
from ..core.text import millimetres

# Directions and sizes that differ by less count as equal: float32 headers are no better.
_SAME_DEGREES = 0.05
_SAME_RATIO = 1e-3
# A part of a voxel's size: below the first the place is the same, below the second nearly so.
_SAME_VOXELS = 0.01
_NEARLY_VOXELS = 0.5
_MIRRORS = ("left-right", "front-back", "head-feet")


@dataclass(frozen=True)
class Displacement:
    """Displacement of the patient: where OTHER's file places voxels, against where REFERENCE has them.

    Attributes:
        distance: largest displacement of a corner, in mm.
        smallest_voxel: in mm, to judge the distance by.
        shift: of the image's centre, RAS in mm.
        mirrored: "left-right", "front-back" or "head-feet"; None if it is not the mirror image.
        degrees: angle of rotation (after the reflection, where there is one).
        axis: unit vector of the rotation's axis in RAS.
        spacing: stated voxel sizes along OTHER's i, j, k, in mm.
        true_spacing: what they should be.
    """

    distance: float
    smallest_voxel: float
    shift: FloatArray
    mirrored: str | None
    degrees: float
    axis: FloatArray
    spacing: FloatArray
    true_spacing: FloatArray

    @property
    def is_same(self) -> bool:
        """Return whether every voxel lies where it should."""
        return self.distance <= _SAME_VOXELS * self.smallest_voxel

    @property
    def is_nearly_same(self) -> bool:
        """Return whether every voxel lies within half a voxel of where it should."""
        return self.distance <= _NEARLY_VOXELS * self.smallest_voxel

    @property
    def is_within_voxels(self) -> bool:
        """Return whether every voxel lies within two of its largest sizes from where it should: for estimates."""
        return self.distance <= 2 * float(max(*self.spacing, *self.true_spacing))

    @property
    def is_rotated(self) -> bool:
        """Return whether directions are rotated, apart from a reflection."""
        return self.degrees > _SAME_DEGREES

    @property
    def is_scaled(self) -> bool:
        """Return whether a voxel size is wrong."""
        return bool(np.max(np.abs(self.spacing / self.true_spacing - 1)) > _SAME_RATIO)

    @property
    def is_shifted(self) -> bool:
        """Return whether the image's centre is displaced by more than half a voxel."""
        return bool(np.linalg.norm(self.shift) > _NEARLY_VOXELS * self.smallest_voxel)

    def sentence(self) -> str:
        """Describe what a viewer shows: "the patient appears rotated by ..., not mirrored, and shifted by ... mm"."""
        parts = []
        if self.is_rotated:
            parts.append(f"rotated by {_degrees(self.degrees)} degrees about {axis_name(self.axis)}")
        if self.mirrored is not None:
            parts.insert(0, f"MIRRORED {self.mirrored}: {_exchanged(self.mirrored)} are exchanged")
        elif parts or self.is_scaled:
            parts.append("not mirrored")
        if self.is_scaled:
            parts.append(f"distorted (voxels of {_sizes(self.spacing)} mm instead of {_sizes(self.true_spacing)} mm)")
        if self.is_shifted:
            # a tenth of a millimetre is many voxels of a micro-CT
            decimals = max(1, int(np.ceil(-np.log10(self.smallest_voxel))))
            r, a, s = (round(float(v), decimals) + 0.0 for v in self.shift)
            parts.append(f"shifted by ({r:g}, {a:g}, {s:g}) mm (to R, A, S)")
        if not parts or parts == ["not mirrored"]:
            parts = [f"up to {millimetres(self.distance)} mm from where REFERENCE has it"]
        joined = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"
        return f"the patient appears {joined}"


def judge_displacement(true: VolumeGeometry, stated: VolumeGeometry) -> Displacement:
    """Compare the affine that OTHER should have with the one that it has."""
    turn = stated.directions @ np.linalg.inv(true.directions)
    mirrored = None
    if np.linalg.det(turn) < 0:
        options = []
        for n, name in enumerate(_MIRRORS):
            reflection = np.eye(3)
            reflection[n, n] = -1
            options.append((round(_rotation(turn @ reflection)[0], 2), n, name, turn @ reflection))
        _, _, mirrored, turn = min(options, key=lambda option: option[:2])
    degrees, axis = _rotation(turn)
    centre = (np.array(true.shape_ijk) - 1) / 2
    return Displacement(
        distance=stated.corner_distance(true),
        smallest_voxel=float(min(true.spacing)),
        shift=stated.ras(centre) - true.ras(centre),
        mirrored=mirrored,
        degrees=degrees,
        axis=axis,
        spacing=stated.spacing,
        true_spacing=true.spacing,
    )


def _rotation(matrix: FloatArray) -> tuple[float, FloatArray]:
    """(degrees, unit axis) of a rotation matrix; the axis of the largest eigenvalue near 1."""
    degrees = float(np.degrees(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1))))
    skew = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    if degrees > 179.9 or np.linalg.norm(skew) < 1e-9:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        axis = vectors[:, int(np.argmax(values))]
        axis = axis * np.sign(axis[int(np.argmax(np.abs(axis)))])
    else:
        axis = skew / np.linalg.norm(skew)
    return degrees, axis


def axis_name(axis: FloatArray) -> str:
    """Return the letter that an axis points to, or its direction in RAS where it points between."""
    nearest = int(np.argmax(np.abs(axis)))
    if abs(axis[nearest]) > np.cos(np.radians(1)):
        return AXIS_LETTERS[nearest][int(axis[nearest] < 0)]
    return "the axis (" + ", ".join(f"{value + 0.0:.2f}" for value in axis) + ") in RAS"


def _exchanged(mirror: str) -> str:
    return {"left-right": "right and left", "front-back": "front and back", "head-feet": "head and feet"}[mirror]


def _degrees(value: float) -> str:
    return f"{round(value, 1):g}"


def _sizes(values: FloatArray) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
