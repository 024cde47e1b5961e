"""Maps between the voxel indices of two arrays: axes permuted, reversed, shifted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from .geometry import Box, FloatArray, VolumeGeometry

Three = tuple[int, int, int]

IDENTITY_AXES: Three = (0, 1, 2)
NO_REVERSAL: Three = (1, 1, 1)
SIGNED_PERMUTATIONS: tuple[tuple[Three, Three], ...] = tuple(
    (axes, signs)  # type: ignore[misc]
    for axes in permutations(range(3))
    for signs in product((1, -1), repeat=3)
)


@dataclass(frozen=True)
class IndexMap:
    """Map from the index of a voxel in OTHER to the index of the same voxel in REFERENCE.

    ``reference[axes[n]] = signs[n] * other[n] + origin[axes[n]]``

    Attributes:
        axes: for OTHER's i, j, k: the REFERENCE axis that it runs along.
        signs: 1 where it runs the same way, -1 where it runs backwards.
        origin: REFERENCE's index of OTHER's voxel (0, 0, 0).
    """

    axes: Three
    signs: Three
    origin: Three

    @classmethod
    def reordering(cls, axes: Three, signs: Three, shape: Three) -> IndexMap:
        """Return the map that only reorders: OTHER holds all voxels of a REFERENCE of this shape.

        >>> IndexMap.reordering((0, 1, 2), (1, 1, -1), (512, 512, 300)).origin
        (0, 0, 299)
        """
        origin = [0, 0, 0]
        for axis, sign in zip(axes, signs, strict=True):
            origin[axis] = shape[axis] - 1 if sign < 0 else 0
        return cls(axes, signs, _three(origin))

    @property
    def matrix(self) -> FloatArray:
        """4x4, index (i, j, k, 1) in OTHER -> index in REFERENCE."""
        result = np.zeros((4, 4))
        for n, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            result[axis, n] = sign
        result[:3, 3] = self.origin
        result[3, 3] = 1
        return result

    @property
    def keeps_order(self) -> bool:
        """True if axes and directions are the same: at most a shift."""
        return self.axes == IDENTITY_AXES and self.signs == NO_REVERSAL

    @property
    def mirrors_array(self) -> bool:
        """True if the array, seen without any header, is a mirror image."""
        return bool(np.linalg.det(self.matrix[:3, :3]) < 0)

    def inverse(self) -> IndexMap:
        """Return the map from REFERENCE's index to OTHER's."""
        axes, signs, origin = [0, 0, 0], [0, 0, 0], [0, 0, 0]
        for n, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            axes[axis], signs[axis] = n, sign
            origin[n] = -sign * self.origin[axis]
        return IndexMap(_three(axes), _three(signs), _three(origin))

    def part(self, start: Three) -> IndexMap:
        """Return the map of a part of OTHER that begins at this index of OTHER."""
        return IndexMap(self.axes, self.signs, _three(np.round((self.matrix @ (*start, 1))[:3])))

    def box(self, shape: Three) -> Box:
        """Return the box that an OTHER of this shape fills in REFERENCE's indices."""
        start, stop = [0, 0, 0], [0, 0, 0]
        for n, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            last = self.origin[axis] + sign * (shape[n] - 1)
            start[axis], stop[axis] = min(self.origin[axis], last), max(self.origin[axis], last) + 1
        return Box(_three(start), _three(stop))

    def arranged(self, reference_ijk: npt.NDArray, shape: Three) -> npt.NDArray:
        """Return REFERENCE's voxels at OTHER's indices: a view of OTHER's shape.

        Args:
            reference_ijk: array whose last three axes are i, j, k; the box must lie inside it.
            shape: of OTHER.
        """
        box = self.box(shape)
        inner = tuple(slice(a, b) for a, b in zip(box.start, box.stop, strict=True))
        flips = tuple(slice(None, None, sign) for sign in self.signs)
        lead = reference_ijk.ndim - 3
        every = (slice(None),) * lead
        order = (*range(lead), *(lead + axis for axis in self.axes))
        return reference_ijk[every + inner].transpose(order)[every + flips]

    def reordered(self, reference: VolumeGeometry) -> VolumeGeometry:
        """Return the geometry of an OTHER that holds all voxels of REFERENCE."""
        i, j, k = (reference.shape_ijk[axis] for axis in self.axes)
        return VolumeGeometry((i, j, k), reference.affine_ras @ self.matrix)

    def numpy_expression(self, shape: Three, whole: Three, name: str = "reference") -> str:
        """Return the same in numpy's words, for arrays indexed [i, j, k] as in nibabel; the box must lie inside."""
        box = self.box(shape)
        cut = [":" if (a, b) == (0, n) else f"{a}:{b}" for a, b, n in zip(box.start, box.stop, whole, strict=True)]
        flips = [":" if sign > 0 else "::-1" for sign in self.signs]
        text = name
        if any(part != ":" for part in cut):
            text += f"[{', '.join(cut)}]"
        if self.axes != IDENTITY_AXES:
            text += f".transpose({', '.join(map(str, self.axes))})"
        if any(part != ":" for part in flips):
            text += f"[{', '.join(flips)}]"
        return text


def map_between(other: VolumeGeometry, reference: VolumeGeometry, tolerance: float) -> IndexMap | None:
    """Return the map that two affines state, if both grids share their points; None if they do not.

    Args:
        other: geometry whose indices are mapped.
        reference: geometry whose indices come out.
        tolerance: in voxels of ``reference``, at every corner of ``other``.
    """
    ends = np.array(list(product(*((0, n - 1) for n in other.shape_ijk))), dtype=float)
    stated = np.linalg.inv(reference.affine_ras) @ other.affine_ras
    order = _signed_permutation(stated[:3, :3])
    if order is None:
        return None
    found = IndexMap(*order, _three([round(float(v)) for v in stated[:3, 3]]))
    difference = ends @ (stated - found.matrix)[:3, :3].T + (stated - found.matrix)[:3, 3]
    return found if float(np.max(np.abs(difference))) <= tolerance else None


# Part of a voxel that an index axis may run askew and still count as parallel to another one.
_PARALLEL = 0.01


def order_of_axes(other: VolumeGeometry, reference: VolumeGeometry) -> IndexMap | None:
    """Return the map that reorders OTHER's axes as REFERENCE's run, wherever the two volumes lie.

    Args:
        other: the geometry whose axes are in another order or direction; what the map calls REFERENCE.
        reference: the geometry whose axes they should follow.

    Returns:
        From an index in the reordered volume to the index in ``other``; None where the axes are not
        parallel to the reference's, or voxels not of the same size.
    """
    steps = np.linalg.inv(reference.affine_ras[:3, :3]) @ other.affine_ras[:3, :3]
    order = _signed_permutation(steps)
    if order is None or np.max(np.abs(steps - np.round(steps))) > _PARALLEL:
        return None
    back = IndexMap(*order, (0, 0, 0)).inverse()
    return IndexMap.reordering(back.axes, back.signs, other.shape_ijk)


def _signed_permutation(matrix: FloatArray) -> tuple[Three, Three] | None:
    """(row of each column, sign) of a 3x3 matrix that rounds to a signed permutation; None of any other."""
    rounded = np.round(matrix)
    if not all(np.array_equal(np.abs(rounded).sum(axis=n), (1, 1, 1)) for n in (0, 1)):
        return None
    axes = [int(np.argmax(np.abs(rounded[:, n]))) for n in range(3)]
    return _three(axes), _three([rounded[axis, n] for n, axis in enumerate(axes)])


def _three(values: Any) -> Three:
    a, b, c = (int(v) for v in values)
    return a, b, c
