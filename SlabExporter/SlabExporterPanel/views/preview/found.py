"""What of a plan depends on voxels: the box around labels or body, and the pieces that hold nothing of them; no Qt.

Looking for it takes time, and so it is done apart from the rest of the view: ``search_for`` says what is to be looked
for and how long that takes, ``find`` looks, and ``refined`` plans with what was found, as the export does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import ExportRequest
from slab_exporter.core.pieces.bounding import bounding_box, enlarged
from slab_exporter.core.planning import SlabPlan, plan_slabs
from slab_exporter.mrml.segmentations import BINARY_LABELMAP
from slab_exporter.pipeline.keeping import keep_wanted, wanted_voxels
from slab_exporter.pipeline.limiting import found_box
from slab_exporter.prepare.preparation import preparation_of

from ...translation import tr as _
from .sources import image_of, labels_of

# Seconds for which nobody is asked.
QUICK = 0.5
# Of one voxel on one processor, about.
_BODY, _RESAMPLED, _LABEL_MAP, _SEGMENTATION = 1.2e-7, 2e-7, 5e-9, 4e-8
_WHAT = {"labels": _("labels"), "labelled": _("labels"), "body": _("parts of the body")}


@dataclass(frozen=True)
class Search:
    """What is to be looked for.

    Attributes:
        key: of all that the result depends on.
        what: in words.
        seconds: that it takes, about.
    """

    key: Hashable
    what: str
    seconds: float

    @property
    def is_quick(self) -> bool:
        """Whether it can be done without asking."""
        return self.seconds <= QUICK

    @property
    def sentence(self) -> str:
        """What is not known yet."""
        if self.is_quick:
            return _("Looking for {what} …").format(what=self.what)
        slow = _("Where {what} are decides what is cut; in a volume of this size, finding out takes some {seconds} s.")
        return slow.format(what=self.what, seconds=max(1, round(self.seconds)))


@dataclass(frozen=True, eq=False)
class Found:
    """What was found.

    Attributes:
        key: of the search.
        box: around what is cropped to, without a margin; None where nothing is cropped.
        wanted: voxels (KJI) that a piece must hold some of; None where all pieces are kept.
        fault: why nothing was found, as the export would say.
    """

    key: Hashable
    box: Box | None = None
    wanted: npt.NDArray[np.bool_] | None = None
    fault: SlabExporterError | None = None


def search_for(request: ExportRequest, volume: Any, labels: Sequence[Any], geometry: VolumeGeometry) -> Search | None:
    """Return what must be looked for before a plan is what will be cut; None for nothing.

    Args:
        request: what is asked for.
        volume: scalar volume node.
        labels: label map and segmentation nodes.
        geometry: of what is cut.
    """
    crop_to, keep = request.limit.crop_to, request.keep.keep
    kinds = [kind for kind in (crop_to, keep) if kind in _WHAT]
    if not kinds or request.frames is not None:
        return None
    prepared, fill = request.prepare, request.slabs.fill
    about = (crop_to, keep, prepared, fill, volume.GetID(), volume.GetImageData().GetMTime())
    grid = (geometry.shape_ijk, geometry.affine_ras.tobytes())
    size = int(np.prod(volume.GetImageData().GetDimensions()))
    each = [_SEGMENTATION if node.IsA("vtkMRMLSegmentationNode") else _LABEL_MAP for node in labels]
    seconds = size * (_BODY * ("body" in kinds) + sum(each) + _RESAMPLED * prepared.resamples)
    what = " and ".join(dict.fromkeys(_WHAT[kind] for kind in kinds))
    return Search((about, grid, tuple(_state(node) for node in labels)), what, seconds)


def find(search: Search, request: ExportRequest, volume: Any, labels: Sequence[Any]) -> Found:
    """Look for it; where the export would fail, say why."""
    crop_to, keep = request.limit.crop_to, request.keep.keep
    try:
        image = image_of(volume)
        sources = labels_of(labels, image)
        preparation = preparation_of(image.geometry, request.prepare, request.slabs.fill)
        if preparation is not None:
            sources = tuple(preparation.label(label) for label in sources)
            image = preparation.image(image) if "body" in (crop_to, keep) else image
        wanted = None if keep == "all" else wanted_voxels(image, sources, request.keep)
        box = None
        if crop_to == "body" == keep and wanted is not None:
            box = bounding_box(wanted)
        if crop_to is not None and box is None:
            box = found_box(image, sources, crop_to)
    except SlabExporterError as error:
        return Found(search.key, fault=error)
    return Found(search.key, box, wanted)


def refined(plan: SlabPlan, request: ExportRequest, found: Found) -> SlabPlan:
    """Return the plan as the export will make it.

    Args:
        plan: without what depends on voxels.
        request: what is asked for.
        found: in the voxels.

    Raises:
        SlabExporterError: nothing was found, or nothing would be left.
    """
    if found.fault is not None:
        raise found.fault
    if found.box is not None:
        limits = enlarged(found.box, request.limit.margin or 0.0, plan.geometry)
        plan = plan_slabs(plan.geometry, request.slabs, limits)
    return plan if found.wanted is None else keep_wanted(plan, found.wanted, request.keep)


def _state(node: Any) -> tuple[Any, ...]:
    """Return what changes when a label map or segmentation is edited."""
    if not node.IsA("vtkMRMLSegmentationNode"):
        image = node.GetImageData()
        return (node.GetID(), None if image is None else image.GetMTime())
    segmentation = node.GetSegmentation()
    parts = [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]
    held = [part.GetRepresentation(BINARY_LABELMAP) for part in parts]
    return (node.GetID(), segmentation.GetMTime(), *(0 if one is None else one.GetMTime() for one in held))
