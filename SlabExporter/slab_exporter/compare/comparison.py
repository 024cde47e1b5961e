"""REFERENCE and OTHER side by side: voxels, intensities, affine, and what follows for the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..core.errors import RequestError
from ..core.geometry import FloatArray, VolumeGeometry
from ..core.index_map import IndexMap, Three, map_between
from .cross_correlation import moderate
from .displacement import Displacement, judge_displacement
from .matching import AMBIGUOUS, CERTAIN, NONE, UNCERTAIN, VoxelMatch, match_voxels
from .regression import overlap_correlation
from .resampled import find_resampled

# Voxels: a grid that is off by less is the same.
_ON_GRID = 0.3
# By how much more of the spread may be left unexplained at a place that fits as well.
_AS_WELL = 2.0
_FITS_AS_STATED = (
    "OTHER also fits where its affine puts it, in part beyond REFERENCE's edges: the content repeats itself."
)


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Attributes:
        reference: geometry of REFERENCE.
        other: geometry of OTHER, as its file states it.
        match: how the voxels relate.
        placements: for each of ``match.maps``: where OTHER's affine puts the patient. For a
            resampled OTHER, which has no map, one placement, good to about a voxel.
        resampled: correlation of the pictures, for a resampled OTHER; None for any other.
    """

    reference: VolumeGeometry
    other: VolumeGeometry
    match: VoxelMatch
    placements: tuple[Displacement, ...]
    resampled: float | None = None

    @property
    def is_certain(self) -> bool:
        """Return whether there is one answer, down to the voxel."""
        return self.match.status == CERTAIN and not (self.match.intensity and self.match.intensity.structured)

    @property
    def is_same_place(self) -> bool:
        """Return whether OTHER certainly lies where REFERENCE has it, to within half a voxel."""
        return self.is_certain and self.placements[0].is_nearly_same

    @property
    def verdict(self) -> str:
        """One word for programs: same-place, displaced, rotated, mirrored, ambiguous or unrelated."""
        if self.match.status == AMBIGUOUS or (self.match.status == UNCERTAIN and self.match.is_by_chance):
            return "ambiguous"
        if not self.placements:
            return "unrelated"
        place = self.placements[0]
        if place.is_nearly_same and self.moved_mm is not None:
            return "displaced"
        if place.is_nearly_same or (self.resampled is not None and place.is_within_voxels):
            return "same-place"
        return "mirrored" if place.mirrored else "rotated" if place.is_rotated else "displaced"

    @property
    def moved_mm(self) -> float | None:
        """How far OTHER's content moved where it moved most, in mm; None where no motion was found."""
        motion = self.match.motion
        if motion is None or not motion.moved:
            return None
        return float(np.linalg.norm(self._steps() @ np.array(motion.largest)))

    @property
    def rotated_degrees(self) -> float | None:
        """Angle by which OTHER's content is rotated against REFERENCE's; None where no such motion was estimated."""
        motion = self.match.motion
        if motion is None or motion.matrix is None:
            return None
        matrix = self._steps() @ motion.matrix[:3, :3] @ np.linalg.inv(self._steps())
        left, _, right = np.linalg.svd(matrix)
        return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))

    @property
    def bound_mm(self) -> float | None:
        """No content of OTHER moved further than this against REFERENCE's, in mm; None where nothing bounds it."""
        motion = self.match.motion
        if motion is None or motion.bound is None:
            return None
        return float(np.linalg.norm(np.abs(self._steps()) @ np.array(motion.bound)))

    def _steps(self) -> FloatArray:
        """3x3; columns are the steps in RAS from voxel to voxel of OTHER where REFERENCE has them."""
        return self.reference.affine_ras[:3, :3] @ self.match.maps[0].matrix[:3, :3]

    def true_geometry(self) -> VolumeGeometry:
        """The geometry that puts OTHER's voxels where REFERENCE has them.

        Raises:
            RequestError: it is not certain.
        """
        if not self.is_certain:
            reason = self.match.reason
            if self.resampled is not None or self.match.status == CERTAIN:
                reason = (
                    "OTHER's voxels are not REFERENCE's but resampled or filtered; their place is not known exactly."
                )
            raise RequestError(f"OTHER cannot be fixed: {reason}")
        return true_geometry(self.reference, self.match.maps[0], self.other.shape_ijk)


def compare_volumes(
    reference_ijk: npt.NDArray, reference: VolumeGeometry, other_ijk: npt.NDArray, other: VolumeGeometry
) -> Comparison:
    """Compare two volumes; arrays are IJK."""
    reference_ijk, other_ijk, unit = moderate(reference_ijk, other_ijk)
    match = _in_unit(match_voxels(reference_ijk, other_ijk), unit)
    stated = dict.fromkeys(_thin_axes_as_stated(found, reference, other) for found in match.maps)
    match = replace(match, maps=tuple(stated))
    match = _against_stated(match, reference_ijk, reference, other_ijk, other)
    if match.status == NONE and (found := find_resampled(reference_ijk, reference, other_ijk, other)) is not None:
        place = judge_displacement(found.geometry, other)
        if found.is_ambiguous:
            reason = "the picture looks the same when it is reversed: left and right, or others, cannot be told."
            match = VoxelMatch(AMBIGUOUS, reason=reason)
        return Comparison(reference, other, match, (place,), found.correlation)
    placements = tuple(
        judge_displacement(true_geometry(reference, found, other.shape_ijk), other) for found in match.maps
    )
    return Comparison(reference, other, match, placements)


def _against_stated(
    match: VoxelMatch,
    reference_ijk: npt.NDArray,
    reference: VolumeGeometry,
    other_ijk: npt.NDArray,
    other: VolumeGeometry,
) -> VoxelMatch:
    """Return the match, ambiguous if OTHER fits as well where its affine puts it, in part beyond REFERENCE's edges."""
    stated = map_between(other, reference, _ON_GRID) if match.status == CERTAIN else None
    if stated is None or stated == match.maps[0]:
        return match
    stated = _thin_axes_as_stated(stated, reference, other)
    if stated.box(other.shape_ijk).intersection(reference.box).is_empty:
        return match
    here, there = overlap_correlation(reference_ijk, other_ijk, match.maps[0], stated)
    if 1 - there > _AS_WELL * (1 - here) + 1e-6:
        return match
    return replace(match, status=AMBIGUOUS, maps=(match.maps[0], stated), reason=_FITS_AS_STATED)


def _thin_axes_as_stated(found: IndexMap, reference: VolumeGeometry, other: VolumeGeometry) -> IndexMap:
    """Return the map with the direction of axes of one voxel, which no voxel shows, as OTHER's affine has it."""
    signs = list(found.signs)
    for n, axis in enumerate(found.axes):
        if other.shape_ijk[n] == 1:
            against = float(np.dot(reference.directions[:, axis], other.directions[:, n])) < 0
            signs[n] = -1 if against else 1
    return replace(found, signs=(signs[0], signs[1], signs[2]))


def _in_unit(match: VoxelMatch, unit: float) -> VoxelMatch:
    """Return the match of volumes whose values had been divided by ``unit``."""
    there = match.intensity
    if there is None or unit == 1:
        return match
    differing = there.differing and replace(there.differing, largest=there.differing.largest * unit)
    scaled = replace(there, intercept=there.intercept * unit, noise=there.noise * unit, differing=differing)
    return replace(match, intensity=scaled)


def true_geometry(reference: VolumeGeometry, found: IndexMap, shape: Three) -> VolumeGeometry:
    """Geometry of OTHER if its voxels lie where REFERENCE has them."""
    return VolumeGeometry(shape, reference.affine_ras @ found.matrix)
