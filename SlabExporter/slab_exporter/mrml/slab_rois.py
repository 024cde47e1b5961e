"""The planned slabs as boxes in a user's scene: one markups ROI each.

They are for looking at. The plan's integers decide what is cut, so the boxes cannot be dragged. Lists of
nodes do not offer them (Crop Volume would take one as its input), and they are not saved with the scene,
unless the user keeps them as ROIs of their own.
"""

from __future__ import annotations

import colorsys
from typing import Any

from ..core.naming import slab_number
from ..core.planning import SlabPlan
from .nodes import remove_node
from .roi import place_roi

# Marks our ROIs, so that they are found again and nothing else is touched.
ATTRIBUTE = "SlabExporter.Preview"
# More boxes than this cannot be distinguished, and slow the views down.
MOST_BOXES = 100
_FILL, _FILL_HIGHLIGHTED = 0.08, 0.25
_SLICE_LINE, _SLICE_LINE_HIGHLIGHTED = 1.0, 3.0


def slab_colour(index: int) -> tuple[float, float, float]:
    """Return RGB, 0 to 1, of slab ``index``; neighbours differ strongly, and it depends on nothing else."""
    hue = (0.58 + index * 0.381966) % 1.0  # steps of the golden ratio never come close soon
    return colorsys.hsv_to_rgb(hue, 0.72, 1.0 if index % 2 == 0 else 0.82)


def show_preview(classes: Any, scene: Any, plan: SlabPlan, volume: Any) -> list[Any]:
    """Make or update one ROI for each slab of a plan.

    Args:
        classes: namespace of Slicer's classes.
        scene: the user's scene.
        plan: at most ``MOST_BOXES`` slabs; its geometry is in RAS of the volume node.
        volume: the volume node; its name goes before the boxes'.

    Returns:
        The ROI nodes, in numbering order.
    """
    rois = preview_rois(scene)
    for roi in rois[len(plan.slabs) :]:
        remove_node(scene, roi)
    rois = rois[: len(plan.slabs)]
    for slab in plan.slabs:
        if slab.index == len(rois):
            rois.append(_new_roi(classes, scene, slab.index))
        roi = rois[slab.index]
        roi.SetName(f"{volume.GetName()} {plan.kind} {slab_number(slab.index, len(plan.slabs), plan.kind)}")
        place_roi(roi, plan.geometry, slab.box)
    return rois


def preview_rois(scene: Any) -> list[Any]:
    """Return the preview's ROI nodes, in numbering order."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLMarkupsROINode") for n in range(count)]
    return sorted((n for n in nodes if n.GetAttribute(ATTRIBUTE)), key=lambda n: int(n.GetAttribute(ATTRIBUTE)))


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
    for number, roi in enumerate(preview_rois(scene)):
        display = roi.GetDisplayNode()
        chosen = number == index
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
    colour = slab_colour(index)
    display.SetColor(*colour)
    display.SetSelectedColor(*colour)
    return roi


def put_into(hierarchy: Any, folder: int, node: Any) -> None:
    """Put a node into a folder; the application lists new nodes by itself, the bare libraries do not."""
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        hierarchy.CreateItem(folder, node)
    else:
        hierarchy.SetItemParent(item, folder)
