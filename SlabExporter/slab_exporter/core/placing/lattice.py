"""Label maps on an image's lattice: stored in another order, covering a part, or reaching beyond."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry import Box, VolumeGeometry
from ..geometry_difference import SAME_GRID_VOXELS
from ..index_map import IDENTITY_AXES, NO_REVERSAL, IndexMap, Three, order_of_axes


@dataclass(frozen=True)
class Placement:
    """How a label map is put on an image's voxels: each voxel is copied or left out, none is changed.

    Attributes:
        file: the label map's own grid.
        order: from an index in the image to the index of the same voxel in the label map.
        geometry: of the result, which has the image's shape and order of axes.
    """

    file: VolumeGeometry
    order: IndexMap
    geometry: VolumeGeometry

    @property
    def covered(self) -> Box:
        """The image's voxels that the label map covers."""
        own = self.order.inverse().box(self.file.shape_ijk)
        return own.intersection(self.geometry.box)

    @property
    def is_reordered(self) -> bool:
        """Whether axes are permuted or reversed."""
        return not self.order.keeps_order

    @property
    def is_extended(self) -> bool:
        """Whether the image reaches beyond the label map: the rest is background."""
        return self.covered != self.geometry.box

    @property
    def is_cut(self) -> bool:
        """Whether the label map reaches beyond the image."""
        return self.covered != self.order.inverse().box(self.file.shape_ijk)

    @property
    def keeps_all(self) -> bool:
        """Whether the label map is taken as it is stored, with its own geometry."""
        return not (self.is_reordered or self.is_extended or self.is_cut) and self.geometry is self.file

    def placed(self, voxels_kji: npt.NDArray) -> npt.NDArray:
        """Return the voxels (KJI) of the result; 0 where the label map does not reach."""
        inside = self._inside(voxels_kji)
        if not self.is_extended:
            return np.ascontiguousarray(inside)
        result = np.zeros(self.geometry.shape_ijk[::-1], voxels_kji.dtype)
        result[self.covered.slices_kji()] = inside
        return result

    def labelled_outside(self, voxels_kji: npt.NDArray) -> int:
        """Return how many voxels that are not background lie outside the image."""
        if not self.is_cut:
            return 0
        return int(np.count_nonzero(voxels_kji > 0)) - int(np.count_nonzero(self._inside(voxels_kji) > 0))

    def _inside(self, voxels_kji: npt.NDArray) -> npt.NDArray:
        covered = self.covered
        return self.order.part(covered.start).arranged(voxels_kji.T, covered.shape).T

    def to_json(self) -> list[str]:
        """Return what was done, as a manifest has it."""
        done = {"reordered": self.is_reordered, "extended": self.is_extended, "cut": self.is_cut}
        return [word for word, was_done in done.items() if was_done]


def placement_on(image: VolumeGeometry, label: VolumeGeometry, tolerance: float = SAME_GRID_VOXELS) -> Placement | None:
    """Return how a label map lies on an image's lattice; None where it does not, or beyond its edges.

    As many voxels as the image's that lie whole voxels away are no part of it: something was counted
    wrongly, and the label map is not placed.

    Args:
        image: whose voxels are to be labelled.
        label: as its file states it.
        tolerance: in the image's voxels, at every corner of what both cover.

    >>> image = VolumeGeometry((10, 10, 30), np.diag([1.0, 1, 3, 1]))
    >>> part = VolumeGeometry((10, 10, 8), np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -3, 30], [0, 0, 0, 1]]))
    >>> found = placement_on(image, part)
    >>> found.covered, found.to_json()
    (Box(start=(0, 0, 3), stop=(10, 10, 11)), ['reordered', 'extended'])
    """
    if _same(image, label, tolerance):
        return Placement(label, IndexMap(IDENTITY_AXES, NO_REVERSAL, (0, 0, 0)), _kept(label, image, label))
    order = order_of_axes(label, image)
    if order is None:
        return None
    reordered = order.reordered(label)
    if reordered.shape_ijk == image.shape_ijk:
        return Placement(label, order, _kept(reordered, image, label)) if _same(image, reordered, tolerance) else None
    start = offset_of(image, reordered)
    covered = Box(start, _end(start, reordered.shape_ijk)).intersection(image.box)
    if covered.is_empty or _distance(image, reordered, start, covered) > tolerance:
        return None
    back: Three = (-start[0], -start[1], -start[2])
    stated = VolumeGeometry(image.shape_ijk, reordered.cropped(Box(back, _end(back, image.shape_ijk))).affine_ras)
    return Placement(label, order.part(back), _kept(stated, image, label))


def offset_of(image: VolumeGeometry, reordered: VolumeGeometry) -> Three:
    """Return the image's index nearest to the first voxel of a label map whose axes run as the image's."""
    i, j, k = (round(float(n)) for n in image.ijk(reordered.affine_ras[:3, 3]))
    return i, j, k


def _same(image: VolumeGeometry, label: VolumeGeometry, tolerance: float) -> bool:
    found: Any = image.difference(label)
    return bool(found.same_shape and not found.is_mirrored and found.voxels <= tolerance)


def _kept(stated: VolumeGeometry, image: VolumeGeometry, label: VolumeGeometry) -> VolumeGeometry:
    """Return the label map's own positions, or the image's where they differ by more than rounding."""
    found = image.difference(stated)
    if found.voxels > SAME_GRID_VOXELS:
        return image
    return label if stated is label else stated


def _distance(image: VolumeGeometry, reordered: VolumeGeometry, start: Three, covered: Box) -> float:
    """Return the largest distance, in voxels, of voxels that should coincide in a box of the image."""
    ends = zip(covered.start, covered.stop, strict=True)
    corners = np.array(list(product(*((a, b - 1) for a, b in ends))), dtype=float)
    return float(np.max(np.abs(image.ijk(reordered.ras(corners - start)) - corners)))


def _end(start: Three, shape: Three) -> Three:
    return start[0] + shape[0], start[1] + shape[1], start[2] + shape[2]
