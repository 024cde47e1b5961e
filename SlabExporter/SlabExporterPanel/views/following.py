"""What stays ticked when another volume is chosen; no Qt."""

from __future__ import annotations

from typing import Any

from slab_exporter.core.errors import SlabExporterError
from slab_exporter.volumes.held.headers import geometry_to_cut

from ..translation import tr as _
from .checks import require_usable_label


def fitting(labels: tuple[Any, ...], volume: Any) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the label maps and segmentations that can be of another volume too, and a sentence on the others.

    A label map is of every volume on its grid. A segmentation can be brought to any grid, and so is of the volume
    that it was drawn on, where it says so.

    Args:
        labels: the nodes that are ticked.
        volume: the node that is now chosen.
    """
    kept = tuple(node for node in labels if _fits(node, volume))
    gone = [f"'{node.GetName()}'" for node in labels if node not in kept]
    if not gone:
        return kept, ()
    one = _("{names} was unticked: of another volume than '{volume}'.")
    told = one if len(gone) == 1 else _("{names} were unticked: of another volume than '{volume}'.")
    return kept, (told.format(names=", ".join(gone), volume=volume.GetName()),)


def _fits(node: Any, volume: Any) -> bool:
    if node.IsA("vtkMRMLSegmentationNode"):
        drawn_on = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        return drawn_on is None or drawn_on is volume
    try:
        require_usable_label(node, volume, geometry_to_cut(volume))
    except SlabExporterError:
        return False
    return True
