"""How label maps are taken: whose geometry they have, and what becomes of segments that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import RequestError
from ..text import Option
from .choices import require_choice

LabelAffine = Literal["file", "image"]
LABEL_AFFINES: tuple[LabelAffine, ...] = ("file", "image")
Overlapping = Literal["layers", "last"]
OVERLAPPING: tuple[Overlapping, ...] = ("layers", "last")
# Beyond a voxel there is no telling which one is meant.
_MOST_VOXELS = 1.0


@dataclass(frozen=True)
class LabelOptions:
    """How label maps are taken.

    Attributes:
        label_affine: "file", where each label map's file says that it lies; or "image": a label map of the image's
            shape that does not lie on it has lost its geometry, and gets the image's, voxel for voxel.
        label_tolerance: how far, in the image's voxels, a label map may lie from the image's grid to be taken for
            one on it; None for a hundredth of a voxel.
        overlapping: what becomes of segments of one file that share voxels: "layers", a label set for each layer of
            segments that do not overlap; or "last", one label set, in which the segment later in the list wins.

    Raises:
        RequestError: with the value and what would be right.
    """

    label_affine: LabelAffine = "file"
    label_tolerance: float | None = None
    overlapping: Overlapping = "layers"

    def __post_init__(self) -> None:
        require_choice("label affine", self.label_affine, LABEL_AFFINES)
        require_choice("choice for overlapping segments", self.overlapping, OVERLAPPING)
        if self.label_tolerance is not None and not 0 < self.label_tolerance <= _MOST_VOXELS:
            raise RequestError(
                Option("label_tolerance"), f" must be more than 0 and at most 1 voxel; it is {self.label_tolerance:g}."
            )
