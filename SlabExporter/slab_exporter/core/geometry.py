"""Where the voxels of a volume lie: a frozen value without voxels.

Frames: IJK is the voxel index (voxel centres at integers), RAS the patient in mm as in NIfTI and
Slicer, LPS the patient in mm as in DICOM and ITK (x and y negated against RAS).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError

FloatArray = npt.NDArray[np.float64]
RAS_TO_LPS: FloatArray = np.diag([-1.0, -1.0, 1.0, 1.0])


# Letter at the positive and at the negative end of each RAS axis.
AXIS_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))


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
        """The same box as VTK writes it: inclusive (imin, imax, jmin, jmax, kmin, kmax)."""
        a, b = self.start, self.stop
        return (a[0], b[0] - 1, a[1], b[1] - 1, a[2], b[2] - 1)

    def intersection(self, other: Box) -> Box:
        """The common part; its shape has a number <= 0 where there is none."""
        return Box(
            tuple(max(a, b) for a, b in zip(self.start, other.start, strict=True)),  # type: ignore[arg-type]
            tuple(min(a, b) for a, b in zip(self.stop, other.stop, strict=True)),  # type: ignore[arg-type]
        )

    def relative_to(self, other: Box) -> Box:
        """Return the same voxels, counted from the first voxel of ``other``.

        >>> Box((0, 0, 56), (16, 14, 64)).relative_to(Box((0, 0, 50), (16, 14, 120)))
        Box(start=(0, 0, 6), stop=(16, 14, 14))
        """
        return Box(
            tuple(a - b for a, b in zip(self.start, other.start, strict=True)),  # type: ignore[arg-type]
            tuple(a - b for a, b in zip(self.stop, other.start, strict=True)),  # type: ignore[arg-type]
        )

    @property
    def is_empty(self) -> bool:
        """Whether it holds no voxel at all."""
        return min(self.shape) <= 0

    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Index for an array in KJI order (Slicer's and SimpleITK's numpy arrays)."""
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
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12 or min(np.linalg.norm(affine[:3, :3], axis=0)) < 1e-9:
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
        return np.linalg.norm(self.affine_ras[:3, :3], axis=0)

    @cached_property
    def directions(self) -> FloatArray:
        """3x3; columns are unit vectors along i, j, k in RAS."""
        return self.affine_ras[:3, :3] / self.spacing

    @property
    def is_right_handed(self) -> bool:
        """Whether i, j, k form a right-handed system in the patient (positive determinant)."""
        return bool(np.linalg.det(self.affine_ras[:3, :3]) > 0)

    @cached_property
    def ras_axis_of_index(self) -> tuple[tuple[int, int], ...]:
        """For i, j, k: (nearest RAS axis, sign along it); each RAS axis is given once.

        The index axis that lies closest to a RAS axis chooses first, as in nibabel's
        ``io_orientation``.
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
        for index, (axis, sign) in enumerate(self.ras_axis_of_index):
            if axis == ras_axis:
                return index, sign
        raise AssertionError("every RAS axis has an index axis")

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
    def box(self) -> Box:
        """All voxels of the volume."""
        return Box((0, 0, 0), self.shape_ijk)

    def cropped(self, box: Box) -> VolumeGeometry:
        """Geometry of the voxels in ``box``: ``affine @ translate(box.start)``."""
        affine = self.affine_ras.copy()
        affine[:3, 3] = self.ras(np.asarray(box.start, dtype=float))
        return VolumeGeometry(box.shape, affine)

    def k_reversed(self) -> VolumeGeometry:
        """The same voxels in the same places, numbered the other way round along k."""
        flip = np.diag([1.0, 1.0, -1.0, 1.0])
        flip[2, 3] = self.shape_ijk[2] - 1
        return VolumeGeometry(self.shape_ijk, self.affine_ras @ flip)

    def ras(self, ijk: npt.ArrayLike) -> FloatArray:
        """RAS in mm of voxel indices; (..., 3) -> (..., 3), indices need not be whole."""
        return np.asarray(ijk, dtype=float) @ self.affine_ras[:3, :3].T + self.affine_ras[:3, 3]

    def ijk(self, ras: npt.ArrayLike) -> FloatArray:
        """Voxel indices of RAS points in mm; (..., 3) -> (..., 3), not rounded."""
        inverse = np.linalg.inv(self.affine_ras)
        return np.asarray(ras, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]

    def corners_ras(self) -> FloatArray:
        """(8, 3) RAS in mm of the centres of the eight corner voxels."""
        ends = [(0, n - 1) for n in self.shape_ijk]
        return self.ras(np.array(list(product(*ends)), dtype=float))

    def corner_distance(self, other: VolumeGeometry) -> float:
        """Largest distance in mm between the same corners of two volumes of one shape."""
        difference = self.corners_ras() - other.corners_ras()
        return float(np.max(np.linalg.norm(difference, axis=1)))

    def position_tolerance(self) -> float:
        """What may be asked of stored positions in mm: 1e-4, or what float32 resolves far out."""
        reach = float(np.max(np.abs(self.corners_ras())))
        return max(1e-4, 2 * float(np.finfo(np.float32).eps) * reach)


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
