"""Pictures of a volume for people: three planes in radiological convention, and where boxes lie in them.

Radiological convention: one looks at the patient from the feet and from the front. In axial and
coronal pictures the patient's right is on the left side; axial pictures have anterior at the top,
coronal and sagittal ones superior; sagittal pictures have anterior on the left side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from ..core.geometry import AXIS_LETTERS, Box, VolumeGeometry

# Name, RAS axis across the picture, RAS axis down the picture, RAS axis through it. Across and
# down run from the positive end of the axis to the negative one: R to L, A to P, S to I.
_VIEWS = (("axial", 0, 1, 2), ("coronal", 0, 2, 1), ("sagittal", 1, 2, 0))
VIEW_NAMES = tuple(view[0] for view in _VIEWS)
# Colours of the boxes of neighbouring slabs.
_STROKES = ("#4dd0ff", "#ff7ad9", "#b6f35c")


@dataclass(frozen=True)
class View:
    """One plane of a volume as a picture.

    Attributes:
        name: "axial", "coronal" or "sagittal": the nearest one, where the volume is oblique.
        across: index axis from left to right in the picture.
        down: index axis from top to bottom.
        through: index axis that the plane is perpendicular to.
        flipped_across: whether the index falls from left to right.
        flipped_down: whether the index falls from top to bottom.
        position: index of the plane along ``through``.
        size_mm: width and height of the picture.
        letters: where the patient lies, at the left, right, top and bottom edge.
    """

    name: str
    across: int
    down: int
    through: int
    flipped_across: bool
    flipped_down: bool
    position: int
    size_mm: tuple[float, float]
    letters: tuple[str, str, str, str]

    def plane(self, voxels_kji: npt.NDArray) -> npt.NDArray:
        """Return the voxels of the plane, (rows, columns) with the first row at the top; a view, not a copy."""
        plane = voxels_kji.take(self.position, axis=2 - self.through)
        # The two axes left are still in the order k, j, i.
        if self.down < self.across:
            plane = plane.T
        return plane[:: -1 if self.flipped_down else 1, :: -1 if self.flipped_across else 1]


def middle_views(geometry: VolumeGeometry) -> tuple[View, ...]:
    """Return the axial, coronal and sagittal planes through the middle of a volume."""
    return tuple(_view(geometry, name, *axes) for name, *axes in _VIEWS)


def rectangle(view: View, geometry: VolumeGeometry, box: Box) -> tuple[float, float, float, float]:
    """Return (left, top, width, height) of a box in the picture, in mm from its top left corner.

    The box's faces are the edges of its outer voxels.
    """
    left, width = _interval(geometry, box, view.across, view.flipped_across)
    top, height = _interval(geometry, box, view.down, view.flipped_down)
    return left, top, width, height


def holds_plane(view: View, box: Box) -> bool:
    """Return whether a box holds voxels of the picture's plane."""
    return box.start[view.through] <= view.position < box.stop[view.through]


def stroke(number: int) -> str:
    """Return the colour in which the box of a slab is drawn."""
    return _STROKES[number % len(_STROKES)]


def _interval(geometry: VolumeGeometry, box: Box, axis: int, flipped: bool) -> tuple[float, float]:
    spacing = float(geometry.spacing[axis])
    start, stop = box.start[axis], box.stop[axis]
    first = geometry.shape_ijk[axis] - stop if flipped else start
    return first * spacing, (stop - start) * spacing


def _view(geometry: VolumeGeometry, name: str, ras_across: int, ras_down: int, ras_through: int) -> View:
    across, across_sign = geometry.index_axis(ras_across)
    down, down_sign = geometry.index_axis(ras_down)
    through, _ = geometry.index_axis(ras_through)
    size = geometry.shape_ijk
    return View(
        name=name,
        across=across,
        down=down,
        through=through,
        flipped_across=across_sign > 0,
        flipped_down=down_sign > 0,
        position=size[through] // 2,
        size_mm=(size[across] * float(geometry.spacing[across]), size[down] * float(geometry.spacing[down])),
        letters=(*AXIS_LETTERS[ras_across], *AXIS_LETTERS[ras_down]),
    )
