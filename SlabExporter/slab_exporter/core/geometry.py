"""Where the voxels of a volume lie: a frozen value without voxels.

Frames: IJK is the voxel index (voxel centres at integers), RAS the patient in mm as in NIfTI and
Slicer, LPS the patient in mm as in DICOM and ITK (x and y negated against RAS).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import sub
from typing import Literal

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .geometry_difference import GeometryDifference

FloatArray = npt.NDArray[np.float64]
RAS_TO_LPS: FloatArray = np.diag([-1.0, -1.0, 1.0, 1.0])

# Letter at the positive and at the negative end of each RAS axis.
AXIS_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))

# How a file stores its numbers: the affine or quaternion of NIfTI-1 and MGH, the text of a DICOM DS of
# up to 16 characters, the text or doubles of NRRD and MetaImage (and of Slicer's own nodes).
Numbers = Literal["float32", "DS", "float64"]
# Relative rounding of one such number. Every position below 10 m has ten decimals in a DS.
_ROUNDING: dict[Numbers, float] = {"float32": 2.0**-24, "DS": 1e-10, "float64": 2.0**-40}
# What is promised of every corner wherever the numbers can hold it, and its part of a small voxel.
_PROMISED_MM, _PROMISED_VOXELS = 1e-4, 1e-3
# Cosine between axes, and displacement by axes at right angles, beyond which a grid is sheared.
_SHEARED, _SHEARED_VOXELS = 0.01, 0.1

# Which RAS axis a slice stack of that name runs along.
ANATOMICAL_AXES = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Box:
    """Half-open box of voxels, ``start <= ijk < stop``; may reach outside a volume where padded."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j and k."""
        a, b = self.start, self.stop
        return (b[0] - a[0], b[1] - a[1], b[2] - a[2])

    @property
    def extent(self) -> tuple[int, int, int, int, int, int]:
        """Inclusive ends, as VTK writes them: (imin, imax, jmin, jmax, kmin, kmax)."""
        a, b = self.start, self.stop
        return (a[0], b[0] - 1, a[1], b[1] - 1, a[2], b[2] - 1)

    def intersection(self, other: Box) -> Box:
        """Return the common part; its shape has a number <= 0 where there is none."""
        start, stop = tuple(map(max, self.start, other.start)), tuple(map(min, self.stop, other.stop))
        return Box(start, stop)  # type: ignore[arg-type]

    def relative_to(self, other: Box) -> Box:
        """Return the same voxels, counted from the first voxel of ``other``.

        >>> Box((0, 0, 56), (16, 14, 64)).relative_to(Box((0, 0, 50), (16, 14, 120)))
        Box(start=(0, 0, 6), stop=(16, 14, 14))
        """
        start, stop = (tuple(map(sub, ends, other.start)) for ends in (self.start, self.stop))
        return Box(start, stop)  # type: ignore[arg-type]

    @property
    def is_empty(self) -> bool:
        """True if it holds no voxel at all."""
        return min(self.shape) <= 0

    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Return the index for an array in KJI order (Slicer's and SimpleITK's numpy arrays)."""
        i, j, k = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return (k, j, i)


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """Shape and affine of a volume.

    Attributes:
        shape_ijk: voxels along i, j, k.
        affine_ras: 4x4 float64, voxel index (i, j, k, 1) -> RAS in mm; read-only.

    Raises:
        InputError: if the affine is not finite or not invertible, or the shape is not positive.
    """

    shape_ijk: tuple[int, int, int]
    affine_ras: FloatArray

    def __post_init__(self) -> None:
        affine = np.array(self.affine_ras, dtype=np.float64)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise InputError("The voxel-to-patient matrix holds numbers that are not finite.")
        lengths = _norms(affine[:3, :3])
        if min(lengths) < 1e-9 or abs(_determinant(affine[:3, :3] / lengths)) < 1e-6:
            raise InputError("The voxel-to-patient matrix is singular: an axis has no length.")
        if len(self.shape_ijk) != 3 or min(self.shape_ijk) < 1:
            raise InputError(f"A volume needs at least one voxel along each axis, not {self.shape_ijk}.")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_ras", affine)
        object.__setattr__(self, "shape_ijk", tuple(int(n) for n in self.shape_ijk))

    @property
    def affine_lps(self) -> FloatArray:
        """4x4, voxel index -> LPS in mm (DICOM, ITK)."""
        return RAS_TO_LPS @ self.affine_ras

    @cached_property
    def spacing(self) -> FloatArray:
        """Distance of neighbouring voxel centres along i, j, k in mm."""
        return _norms(self.affine_ras[:3, :3])

    @cached_property
    def directions(self) -> FloatArray:
        """3x3; columns are unit vectors along i, j, k in RAS."""
        return self.affine_ras[:3, :3] / self.spacing

    @property
    def is_right_handed(self) -> bool:
        """True if i, j, k form a right-handed system in the patient (positive determinant)."""
        return _determinant(self.affine_ras[:3, :3]) > 0

    @cached_property
    def ras_axis_of_index(self) -> tuple[tuple[int, int], ...]:
        """For i, j, k: (nearest RAS axis, sign along it); each RAS axis is given once.

        The index axis that lies closest to a RAS axis chooses first, as in nibabel's ``io_orientation``.
        """
        remaining = self.directions.copy()
        result: dict[int, tuple[int, int]] = {}
        for index in np.argsort(-np.max(np.abs(remaining), axis=0), kind="stable"):
            axis = int(np.argmax(np.abs(remaining[:, index])))
            result[int(index)] = (axis, 1 if remaining[axis, index] >= 0 else -1)
            remaining[axis, :] = 0
        return tuple(result[i] for i in range(3))

    @property
    def orientation(self) -> str:
        """Three letters, where i, j and k point to: "LAS" is i to the left, j to anterior, ..."""
        return "".join(AXIS_LETTERS[axis][sign < 0] for axis, sign in self.ras_axis_of_index)

    def index_axis(self, ras_axis: int) -> tuple[int, int]:
        """(index axis, sign) that runs nearest to RAS axis 0 (L->R), 1 (P->A) or 2 (I->S)."""
        index = [axis for axis, _ in self.ras_axis_of_index].index(ras_axis)
        return index, self.ras_axis_of_index[index][1]

    @property
    def obliquity_degrees(self) -> float:
        """Largest angle between an index axis and the RAS axis nearest to it."""
        cosines = [abs(self.directions[axis, i]) for i, (axis, _) in enumerate(self.ras_axis_of_index)]
        return float(np.degrees(np.arccos(min(1.0, *cosines))))

    @property
    def shear(self) -> float:
        """Largest cosine between two index axes; 0 for a box-shaped voxel."""
        d = self.directions
        return float(max(abs(d[:, 0] @ d[:, 1]), abs(d[:, 0] @ d[:, 2]), abs(d[:, 1] @ d[:, 2])))

    @property
    def shear_degrees(self) -> float:
        """Largest angle by which two index axes are off a right angle."""
        return float(np.degrees(np.arcsin(min(1.0, self.shear))))

    @cached_property
    def is_sheared(self) -> bool:
        """True if axes are off a right angle by more than a header's rounding: half a degree, or a tenth of a voxel."""
        # the nearest rotation is no further from the axes than twice the shear: mostly nothing is left to work out
        at_most = 3 * self.shear * float(np.linalg.norm(self.spacing * self.shape_ijk) / min(self.spacing))
        if at_most <= _SHEARED_VOXELS:
            return False
        return self.shear > _SHEARED or self.difference(self.squared()).voxels > _SHEARED_VOXELS

    @property
    def box(self) -> Box:
        """All voxels of the volume."""
        return Box((0, 0, 0), self.shape_ijk)

    def cropped(self, box: Box) -> VolumeGeometry:
        """Return the geometry of the voxels in ``box``: ``affine @ translate(box.start)``."""
        affine = self.affine_ras.copy()
        affine[:3, 3] = self.ras(np.asarray(box.start, dtype=float))
        return VolumeGeometry(box.shape, affine)

    def k_reversed(self) -> VolumeGeometry:
        """Return the same voxels in the same places, numbered in the opposite direction along k."""
        flip = np.diag([1.0, 1.0, -1.0, 1.0])
        flip[2, 3] = self.shape_ijk[2] - 1
        return VolumeGeometry(self.shape_ijk, self.affine_ras @ flip)

    def ras(self, ijk: npt.ArrayLike) -> FloatArray:
        """Return RAS in mm of voxel indices; (..., 3) -> (..., 3), indices need not be whole."""
        return np.asarray(ijk, dtype=float) @ self.affine_ras[:3, :3].T + self.affine_ras[:3, 3]

    def ijk(self, ras: npt.ArrayLike) -> FloatArray:
        """Return voxel indices of RAS points in mm; (..., 3) -> (..., 3), not rounded."""
        inverse = np.linalg.inv(self.affine_ras)
        return np.asarray(ras, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]

    def corners_ras(self) -> FloatArray:
        """Return (8, 3) RAS in mm of the centres of the eight corner voxels."""
        return self.ras(np.array(list(product(*((0, n - 1) for n in self.shape_ijk))), dtype=float))

    def corner_distance(self, other: VolumeGeometry) -> float:
        """Return the largest distance in mm between the same corners of two volumes of one shape."""
        return float(np.max(np.linalg.norm(self.corners_ras() - other.corners_ras(), axis=1)))

    def difference(self, other: VolumeGeometry) -> GeometryDifference:
        """Return how ``other`` lies against this volume, corner by corner in the order of the indices.

        >>> micro_ct = VolumeGeometry((5, 6, 8), np.diag([0.005, 0.005, 0.005, 1]))
        >>> print(micro_ct.difference(VolumeGeometry((5, 6, 8), micro_ct.affine_ras @ np.diag([1, 1, 3, 1]))))
        0.07 mm (14.00 voxels)
        """
        return GeometryDifference(self, other)

    def squared(self) -> VolumeGeometry:
        """Return the nearest grid with axes at right angles: the same voxel sizes and the same centre.

        The nearest rotation is the orthogonal factor of the polar decomposition (Higham 1986), as in ITK and nibabel.
        """
        left, _, right = np.linalg.svd(self.directions)
        affine = np.eye(4)
        affine[:3, :3] = left @ right * self.spacing
        centre = (np.array(self.shape_ijk) - 1) / 2
        affine[:3, 3] = self.ras(centre) - affine[:3, :3] @ centre
        return VolumeGeometry(self.shape_ijk, affine)

    def position_tolerance(self, numbers: Numbers = "float32") -> float:
        """Return how far a corner in a file may lie from where it should, in mm.

        0.0001 mm, or a thousandth of a voxel where that is less; more only where the numbers of the file cannot hold
        positions so well: each element of an affine is rounded by itself, and then multiplied by an index.

        >>> head = np.array([[0.9, 0, 0, -115], [0, 0.9, 0, -120], [0, 0, 1.2, -70], [0, 0, 0, 1]])
        >>> VolumeGeometry((256, 256, 150), head).position_tolerance()
        0.0001
        """
        summands = np.abs(self.affine_ras[:3]) @ (*(n - 1 for n in self.shape_ijk), 1)
        held = _ROUNDING[numbers] * float(np.linalg.norm(summands))
        return max(min(_PROMISED_MM, _PROMISED_VOXELS * float(min(self.spacing))), held)


def _norms(columns: FloatArray) -> FloatArray:
    """Return the lengths of column vectors; numpy's ``norm`` takes several times as long for so few."""
    return np.sqrt((columns * columns).sum(axis=0))


def _determinant(matrix: FloatArray) -> float:
    """Return the determinant of a 3x3 matrix; numpy's ``det`` takes several times as long for so few."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return float(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
