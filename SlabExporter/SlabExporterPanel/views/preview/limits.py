"""The box to which an ROI is fitted: the volume, its label maps, or what the slice views show; no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.geometry import Box, FloatArray, VolumeGeometry
from slab_exporter.pipeline.limiting import box_around

from .sources import image_of, labels_of

# An axis that a view looks along is not bounded by it; so is one that lies nearly so.
_IN_PLANE = 0.2


@dataclass(frozen=True)
class SliceView:
    """What a slice view shows.

    Attributes:
        to_ras: 4x4, from mm right of and above the middle of the view to RAS mm.
        width: of the view in mm.
        height: likewise.
    """

    to_ras: FloatArray
    width: float
    height: float


def box_of_labels(volume: Any, labels: Sequence[Any]) -> Box:
    """Return the box around all labelled voxels, in the index order in which the volume is cut.

    Raises:
        InputError: there is no label map, it is empty, or it does not lie on the volume.
    """
    if not labels:
        raise InputError("Tick a label map or a segmentation first.")
    box = box_around(labels_of(labels, image_of(volume)), "labels")
    if box is None:
        raise InputError("No voxel of the ticked label maps is labelled.")
    return box


def visible_box(geometry: VolumeGeometry, views: Iterable[SliceView]) -> Box:
    """Return the box of the volume that lies within all views; the axis that a view looks along is bounded by others.

    Raises:
        RequestError: nothing of the volume is visible, or there is no view.

    >>> import numpy as np
    >>> axial = SliceView(np.eye(4), 20.0, 10.0)
    >>> visible_box(VolumeGeometry((40, 40, 40), np.eye(4)), [axial])
    Box(start=(0, 0, 0), stop=(11, 6, 40))
    """
    low, high = np.full(3, -0.5), np.array(geometry.shape_ijk) - 0.5
    seen = False
    for view in views:
        seen = True
        half = np.array(
            [[x, y] for x in (-view.width / 2, view.width / 2) for y in (-view.height / 2, view.height / 2)]
        )
        corners = geometry.ijk(half @ view.to_ras[:3, :2].T + view.to_ras[:3, 3])
        for axis in range(3):
            normal = view.to_ras[:3, 2] / np.linalg.norm(view.to_ras[:3, 2])
            if abs(float(normal @ geometry.directions[:, axis])) < 1 - _IN_PLANE:
                low[axis] = max(low[axis], corners[:, axis].min())
                high[axis] = min(high[axis], corners[:, axis].max())
    if not seen:
        raise RequestError("There is no slice view to fit an ROI to.")
    start, stop = np.ceil(low - 1e-6).astype(int), np.floor(high + 1e-6).astype(int) + 1
    box = Box(tuple(start.tolist()), tuple(stop.tolist())).intersection(geometry.box)
    if box.is_empty:
        raise RequestError("Nothing of the volume is visible in the slice views.")
    return box
