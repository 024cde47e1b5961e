"""Relation of two grids by their headers alone: for an image and its label map, whose values are not comparable."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.geometry import VolumeGeometry
from ..core.geometry_difference import SAME_GRID_VOXELS
from ..core.index_map import map_between
from ..core.placing.reasons import reason_for
from ..core.volume import is_identity

SAME, REORDERED, PART = "same", "same-other-order", "part"
LOST, MOVED, DIFFERENT = "affine-lost", "affine-differs", "different"


@dataclass(frozen=True)
class GridRelation:
    """Relation of two grids by their shapes and affines.

    Attributes:
        kind: "same", "same-other-order" (the same points, stored in another order), "part" (a part of REFERENCE's
            points), "affine-lost" (as many voxels, but one affine is the identity), "affine-differs" (as many
            voxels) or "different".
        sentence: the same in words.
    """

    kind: str
    sentence: str


def relate_grids(reference: VolumeGeometry, other: VolumeGeometry) -> GridRelation:
    """Compare shapes and affines.

    >>> import numpy as np
    >>> grid = VolumeGeometry((4, 5, 6), np.diag([2.0, 2, 3, 1]))
    >>> relate_grids(grid, VolumeGeometry((4, 5, 6), np.eye(4))).kind
    'affine-lost'
    """
    found = map_between(other, reference, SAME_GRID_VOXELS)
    if found is not None:
        box = found.box(other.shape_ijk)
        if box == reference.box and found.keeps_order:
            return GridRelation(SAME, "the same grid as REFERENCE's: shape and affine agree")
        if box == reference.box:
            axes = f"OTHER's axes run {other.orientation}, REFERENCE's {reference.orientation}"
            return GridRelation(REORDERED, f"the same grid as REFERENCE's, only the storage order differs: {axes}")
        if box.intersection(reference.box) == box:
            return GridRelation(PART, "a part of REFERENCE's grid")
    if sorted(reference.shape_ijk) != sorted(other.shape_ijk):
        return GridRelation(DIFFERENT, f"another grid than REFERENCE's: {_why(reference, other)}")
    return _as_many_voxels(reference, other)


def _as_many_voxels(reference: VolumeGeometry, other: VolumeGeometry) -> GridRelation:
    """Return the relation of grids of as many voxels that do not share their points."""
    same_order = reference.shape_ijk == other.shape_ijk
    size = "as many voxels as REFERENCE's" + ("" if same_order else ", with the axes in another order")
    if is_identity(other):
        remedy = ": give it REFERENCE's, if its voxels run in the same order, which these values do not show"
        return GridRelation(LOST, f"{size}, but OTHER's affine is the identity (lost){remedy if same_order else ''}")
    if is_identity(reference):
        return GridRelation(LOST, f"{size}, but REFERENCE's affine is the identity (lost)")
    far = f" by up to {reference.corner_distance(other):.4g} mm" if same_order else ""
    return GridRelation(MOVED, f"{size}, but the affines differ{far}: {_why(reference, other)}")


def _why(reference: VolumeGeometry, other: VolumeGeometry) -> str:
    """Return the reason why OTHER does not lie on REFERENCE, which is the one of a label map beside its image."""
    what = str(reason_for(reference, other).what)
    return what.replace("the image's", "REFERENCE's").replace("the image", "REFERENCE")
