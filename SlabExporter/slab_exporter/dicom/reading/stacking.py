"""Where the planes of a stack lie: positions projected on the normal. Frame: LPS mm, as in DICOM.

Only ImagePositionPatient and ImageOrientationPatient count (PS3.3 C.7.6.2.1.1). SliceThickness is
not a distance, and SpacingBetweenSlices is often wrong.

Index order of a volume made of a stack: i along a row (over the columns), j along a column (over
the rows), k along the normal, which is row direction x column direction. So it is right-handed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry
from .series import Slice

# How far a slice may lie from the grid by default: what rounding of decimal strings amounts to.
ROUNDING_MM = 0.01
# Two planes nearer than this lie at the same place.
SAME_PLACE_MM = 1e-3
# How far wrong directions may put the corner of an image, with a warning from ROUNDING_MM: six decimals amount to
# 0.001 mm over half a metre, four to 0.1 mm.
ROUNDED_CORNER_MM = 0.1
# Below this the stack leans by no more than rounding; above it, if positions show it, it is tilted.
TILT_DEGREES = 0.1
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}
# How far a gap may be from the common one before it is called missing slices or uneven.
_SAME_GAP = 0.05
# Direction cosines that are not unit vectors or not perpendicular beyond this are wrong, not rounded.
_COSINE_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel planes in order of their position along the normal.

    Attributes:
        slices: in that order, with positions.
        row: unit vector along a row (i).
        column: unit vector along a column (j), perpendicular to ``row``.
    """

    slices: tuple[Slice, ...]
    row: FloatArray
    column: FloatArray

    @property
    def normal(self) -> FloatArray:
        """Unit vector along k: row x column."""
        return np.cross(self.row, self.column)

    @cached_property
    def positions(self) -> FloatArray:
        """Return (n, 3) LPS of the centre of each plane's first pixel."""
        return np.array([s.position for s in self.slices], dtype=float)

    @cached_property
    def heights(self) -> FloatArray:
        """Return (n,) positions along the normal, mm."""
        return self.positions @ self.normal

    @property
    def gaps(self) -> FloatArray:
        """Return (n - 1,) distances of neighbouring planes along the normal, mm."""
        return np.diff(self.heights)

    @property
    def common_gap(self) -> float:
        """The median distance of neighbouring planes, mm."""
        return float(np.median(self.gaps))

    @property
    def step(self) -> float:
        """Slice distance of the evenly spaced grid from the first plane to the last, mm."""
        return float((self.heights[-1] - self.heights[0]) / (len(self.slices) - 1))

    @property
    def tilt_degrees(self) -> float:
        """Angle between the line from the first plane's corner to the last's, and the normal."""
        along = self.positions[-1] - self.positions[0]
        lateral = np.linalg.norm(along - (along @ self.normal) * self.normal)
        return float(np.degrees(np.arctan2(lateral, along @ self.normal)))

    @property
    def offsets(self) -> FloatArray:
        """Return (n, 2) how far each plane is shifted against the first, mm along row and column."""
        relative = self.positions - self.positions[0]
        return np.stack([relative @ self.row, relative @ self.column], axis=1)

    @property
    def deviation(self) -> float:
        """How far (mm) a plane lies from its place on the grid that starts at the first plane."""
        grid = self.positions[0] + np.arange(len(self.slices))[:, None] * self.step * self.normal
        return float(np.max(np.linalg.norm(self.positions - grid, axis=1)))

    @property
    def corner_error(self) -> float:
        """How far (mm) an image's own ImageOrientationPatient puts its far corner from where this stack has it."""
        first, pixel = self.slices[0], self.pixel_mm
        width, height = (first.columns - 1) * pixel[0], (first.rows - 1) * pixel[1]
        stated = np.array([s.orientation for s in self.slices], dtype=float)
        difference = (stated[:, :3] - self.row) * width + (stated[:, 3:] - self.column) * height
        return float(np.max(np.linalg.norm(difference, axis=1)))

    @property
    def geometry(self) -> VolumeGeometry:
        """Of the evenly spaced grid; of the stack too, as far as ``deviation`` says."""
        first = self.slices[0]
        return grid_geometry(
            (first.columns, first.rows, len(self.slices)), self.row, self.column, self.pixel_mm, self.step,
            self.positions[0],
        )  # fmt: skip

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance of pixels along a row (i) and along a column (j).

        PixelSpacing is the other way round: first between rows (PS3.3 10.7.1.1).
        """
        spacing = self.slices[0].spacing
        assert spacing is not None
        return spacing[1], spacing[0]


def grid_geometry(
    shape_ijk: tuple[int, int, int],
    row: FloatArray,
    column: FloatArray,
    pixel_mm: tuple[float, float],
    step: float,
    origin_lps: npt.ArrayLike,
) -> VolumeGeometry:
    """Geometry (RAS) of planes that are ``step`` mm apart along row x column."""
    affine = np.eye(4)
    affine[:3, 0] = row * pixel_mm[0]
    affine[:3, 1] = column * pixel_mm[1]
    affine[:3, 2] = np.cross(row, column) * step
    affine[:3, 3] = origin_lps
    return VolumeGeometry(shape_ijk, RAS_TO_LPS @ affine)


def make_stack(slices: tuple[Slice, ...]) -> Stack | None:
    """Planes in order; None where the direction cosines are not perpendicular unit vectors.

    Args:
        slices: at least one, all with position and the same orientation.
    """
    cosines = np.array(slices[0].orientation, dtype=float)
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > _COSINE_TOLERANCE or abs(row @ column) > _COSINE_TOLERANCE:
        return None
    row = row / lengths[0]
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    normal = np.cross(row, column)
    heights = np.array([s.position for s in slices], dtype=float) @ normal
    order = np.argsort(heights, kind="stable")
    return Stack(tuple(slices[n] for n in order), row, column)


def between(stack: Stack, n: int) -> str:
    """Return that slices n and n + 1 (from 0) lie so far apart; counted from 1 along the normal."""
    return f"slices {n + 1} and {n + 2} are {stack.gaps[n]:.2f} mm apart"


def files_between(stack: Stack, n: int) -> str:
    """Return the files of slices n and n + 1, and from where slices are counted."""
    end = stack.geometry.orientation[2]
    return f"({stack.slices[n].shown} and {stack.slices[n + 1].shown}, counted from {_OPPOSITE[end]} to {end})"


def uneven_reason(stack: Stack) -> str:
    """Where the gaps are not the common one, with numbers; slices are counted from 1 along the normal."""
    gaps, common = stack.gaps, stack.common_gap
    worst = int(np.argmax(np.abs(gaps - common)))
    text = between(stack, worst) + (f" where the rest are {common:.2f} mm" if common > 0 else "")
    text += f" {files_between(stack, worst)}"
    different = int(np.count_nonzero(np.abs(gaps - common) > max(ROUNDING_MM, _SAME_GAP * common)))
    if different > 1:
        text += f"; {different} of {len(gaps)} gaps differ from that, {np.min(gaps):.2f} to {np.max(gaps):.2f} mm"
    return f"{text}, and a slice lies up to {stack.deviation:.2f} mm from an evenly spaced grid"


def missing_slices(stack: Stack) -> tuple[int, int] | None:
    """Return (how many slices are missing, after which one, from 0), where all gaps are multiples of one gap."""
    multiples = stack.gaps / stack.common_gap
    whole = np.round(multiples)
    if np.max(np.abs(multiples - whole)) > _SAME_GAP or np.min(whole) < 1 or np.max(whole) < 2:
        return None
    return int(np.sum(whole - 1)), int(np.argmax(whole))
