"""The planned slabs as boxes in a user's scene: one markups ROI each.

They are for looking at. The plan's integers decide what is cut, so the boxes cannot be dragged. Lists of
nodes do not offer them (Crop Volume would take one as its input), and they are not saved with the scene,
unless the user keeps them as ROIs of their own.
"""

from __future__ import annotations

import colorsys
from typing import Any

from ..core.naming import slab_number
from ..core.planning import Slab, SlabPlan
from .nodes import remove_node
from .roi import place_roi

# Marks our ROIs, so that they are found again and nothing else is touched.
ATTRIBUTE = "SlabExporter.Preview"
# More boxes than this cannot be distinguished, and slow the views down.
MOST_BOXES = 100
_FILL, _FILL_HIGHLIGHTED = 0.08, 0.25
LEFT_OUT_COLOUR = (0.55, 0.55, 0.55)
_SLICE_LINE, _SLICE_LINE_HIGHLIGHTED = 1.0, 3.0


def slab_colour(index: int) -> tuple[float, float, float]:
    """Return RGB, 0 to 1, of slab ``index``; neighbours differ strongly, and it depends on nothing else."""
    hue = (0.58 + index * 0.381966) % 1.0  # steps of the golden ratio never come close soon
    return colorsys.hsv_to_rgb(hue, 0.72, 1.0 if index % 2 == 0 else 0.82)


def shown_pieces(plan: SlabPlan) -> tuple[Slab, ...]:
    """Return what boxes are drawn of: also pieces that are left out, unless that is too many."""
    return plan.all_slabs if len(plan.all_slabs) <= MOST_BOXES else plan.slabs


def show_preview(classes: Any, scene: Any, plan: SlabPlan, volume: Any) -> list[Any]:
    """Make or update one ROI for each slab of a plan; those of slabs that are left out are grey.

    Args:
        classes: namespace of Slicer's classes.
        scene: the user's scene.
        plan: with at most ``MOST_BOXES`` ``shown_pieces``; its geometry is in RAS of the volume node.
        volume: the volume node; its name goes before the boxes'.

    Returns:
        The ROI nodes, in numbering order.
    """
    held, pieces = {_number(roi): roi for roi in preview_rois(scene)}, shown_pieces(plan)
    for number in held.keys() - {piece.index for piece in pieces}:
        remove_node(scene, held.pop(number))
    written = {slab.index for slab in plan.slabs}
    for piece in pieces:
        roi = held.get(piece.index) or held.setdefault(piece.index, _new_roi(classes, scene, piece.index))
        roi.SetName(f"{volume.GetName()} {plan.kind} {slab_number(piece.index, len(plan.all_slabs), plan.kind)}")
        place_roi(roi, plan.geometry, piece.box)
        _paint(roi.GetDisplayNode(), slab_colour(piece.index) if piece.index in written else LEFT_OUT_COLOUR)
    return [held[piece.index] for piece in pieces]


def preview_rois(scene: Any) -> list[Any]:
    """Return the preview's ROI nodes, in numbering order."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLMarkupsROINode") for n in range(count)]
    return sorted((n for n in nodes if n.GetAttribute(ATTRIBUTE)), key=_number)


def remove_preview(scene: Any) -> None:
    """Remove the boxes."""
    for roi in preview_rois(scene):
        remove_node(scene, roi)


def keep_preview(classes: Any, scene: Any, name: str) -> list[Any]:
    """Make the boxes ROIs of the user's own, in a subject hierarchy folder of this name.

    They are listed, can be unlocked and dragged, and are saved with the scene; a later preview does not touch them.

    Returns:
        The ROI nodes, in numbering order.
    """
    rois = preview_rois(scene)
    hierarchy = classes.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = int(hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)) if rois else 0
    for roi in rois:
        display = roi.GetDisplayNode()
        scene.RemoveNode(roi)  # lists of nodes look only once, when a node is added, whether it is hidden
        roi.RemoveAttribute(ATTRIBUTE)
        for node in (roi, display):
            node.SetHideFromEditors(False)
            node.SetSaveWithScene(True)
        roi.SetUndoEnabled(True)
        scene.AddNode(roi)
        put_into(hierarchy, folder, roi)
    return rois


def highlight(scene: Any, index: int | None) -> None:
    """Make one slab's box stand out, and no other; None for no box at all."""
    for roi in preview_rois(scene):
        display = roi.GetDisplayNode()
        chosen = _number(roi) == index
        display.SetFillOpacity(_FILL_HIGHLIGHTED if chosen else _FILL)
        display.SetSliceIntersectionThickness(int(_SLICE_LINE_HIGHLIGHTED if chosen else _SLICE_LINE))


def _new_roi(classes: Any, scene: Any, index: int) -> Any:
    roi = classes.vtkMRMLMarkupsROINode()
    roi.SetAttribute(ATTRIBUTE, str(index))
    roi.SetHideFromEditors(True)
    roi.SetSaveWithScene(False)
    roi.SetUndoEnabled(False)
    roi = scene.AddNode(roi)
    roi.CreateDefaultDisplayNodes()
    roi.SetLocked(True)
    display = roi.GetDisplayNode()
    display.SetHideFromEditors(True)
    display.SetSaveWithScene(False)
    display.SetHandlesInteractive(False)
    for part in ("TranslationHandle", "RotationHandle", "ScaleHandle"):
        getattr(display, f"Set{part}Visibility")(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetGlyphScale(0)
    display.SetFillOpacity(_FILL)
    display.SetOutlineOpacity(1.0)
    return roi


def _number(roi: Any) -> int:
    return int(roi.GetAttribute(ATTRIBUTE))


def _paint(display: Any, colour: tuple[float, float, float]) -> None:
    display.SetColor(*colour)
    display.SetSelectedColor(*colour)


def put_into(hierarchy: Any, folder: int, node: Any) -> None:
    """Put a node into a folder; the application lists new nodes by itself, the bare libraries do not."""
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        hierarchy.CreateItem(folder, node)
    else:
        hierarchy.SetItemParent(item, folder)
