"""How two grids differ; worked out as far as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .text import millimetres

if TYPE_CHECKING:
    from .geometry import VolumeGeometry

# Another program's file may be off by this part of a voxel: what a chain of float32 headers amounts to.
SAME_GRID_VOXELS = 0.01


@dataclass(frozen=True)
class GeometryDifference:
    """Difference of two grids, as ``VolumeGeometry.difference`` finds it.

    Attributes:
        one: the first volume.
        other: the volume that is compared with it.
    """

    one: VolumeGeometry
    other: VolumeGeometry

    @cached_property
    def mm(self) -> float:
        """Largest distance between the same corners."""
        return self.one.corner_distance(self.other)

    @cached_property
    def voxels(self) -> float:
        """Largest difference of the corners' indices in the first volume."""
        indices = self.one.ijk(self.other.corners_ras()) - self.one.ijk(self.one.corners_ras())
        return float(np.max(np.abs(indices)))

    @property
    def spacing_mm(self) -> float:
        """Largest difference of the voxel sizes along an index axis."""
        return float(np.max(np.abs(self.one.spacing - self.other.spacing)))

    @property
    def degrees(self) -> float:
        """Largest angle between the same index axes."""
        # |u x v| keeps angles that a cosine rounds away
        sines = np.linalg.norm(np.cross(self.one.directions, self.other.directions, axis=0), axis=0)
        cosines = np.sum(self.one.directions * self.other.directions, axis=0)
        return float(np.max(np.degrees(np.arctan2(sines, cosines))))

    @property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Voxels along i, j, k of both."""
        return self.one.shape_ijk, self.other.shape_ijk

    @property
    def orientations(self) -> tuple[str, str]:
        """Orientation of both, as in "LAS"."""
        return self.one.orientation, self.other.orientation

    @property
    def is_mirrored(self) -> bool:
        """True if one is right-handed, the other left-handed."""
        return self.one.is_right_handed != self.other.is_right_handed

    @property
    def same_shape(self) -> bool:
        """True if both have as many voxels along each axis."""
        return self.shapes[0] == self.shapes[1]

    def is_within(self, mm: float) -> bool:
        """Return whether both have one shape and handedness, and no corner lies further away than this."""
        return self.same_shape and not self.is_mirrored and self.mm <= mm

    def is_same_grid(self) -> bool:
        """Return whether voxels lie on voxels, for a label map or a prediction that another program wrote."""
        return self.same_shape and not self.is_mirrored and self.voxels <= SAME_GRID_VOXELS

    def __str__(self) -> str:
        return f"{millimetres(self.mm)} mm ({self.voxels:.2f} voxels)"
