"""Preview boxes against the plan, in scenes of the real slicer-core."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from slab_exporter.core.options import SlabOptions
from slab_exporter.core.planning import plan_slabs
from slab_exporter.mrml.nodes import array_from_matrix
from slab_exporter.mrml.runtime import slicer_classes
from slab_exporter.mrml.slab_rois import (
    MOST_BOXES,
    highlight,
    keep_preview,
    preview_rois,
    remove_preview,
    show_preview,
    slab_colour,
)
from support.phantoms import affine, index_phantom
from support.scenes import held, node_count, node_geometry

SHAPE = (9, 8, 23)


def corners_of_roi(roi) -> np.ndarray:
    matrix = array_from_matrix(roi.GetObjectToWorldMatrix())
    half = np.array(list(product((-1, 1), repeat=3))) * np.array(roi.GetSize()) / 2
    return half @ matrix[:3, :3].T + matrix[:3, 3]


def corners_of_box(geometry, box) -> np.ndarray:
    edges = [(a - 0.5, b - 0.5) for a, b in zip(box.start, box.stop, strict=True)]
    return geometry.ras(np.array(list(product(*edges))))


@pytest.mark.parametrize("axis", ["axial", "sagittal", "j"])
@pytest.mark.parametrize("oblique", [0, 33])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_each_box_encloses_its_slab_to_a_millionth_of_a_millimetre(scene, signs, oblique, axis):
    node = held(scene, index_phantom(SHAPE), affine(signs=signs, oblique=oblique))
    plan = plan_slabs(node_geometry(node), SlabOptions(thickness=4, axis=axis, remainder="pad"))
    rois = show_preview(slicer_classes(), scene, plan, node)
    assert len(rois) == len(plan.slabs)
    for roi, slab in zip(rois, plan.slabs, strict=True):
        found, expected = corners_of_roi(roi), corners_of_box(plan.geometry, slab.box)
        distances = np.linalg.norm(found[:, None] - expected[None], axis=2)
        assert distances.min(axis=0).max() < 1e-6
        assert distances.min(axis=1).max() < 1e-6


def preview(scene, thickness=4):
    node = scene.GetFirstNodeByName("held") or held(scene, index_phantom(SHAPE), affine())
    plan = plan_slabs(node_geometry(node), SlabOptions(thickness=thickness))
    return show_preview(slicer_classes(), scene, plan, node)


def test_boxes_that_stay_where_they_are_are_not_touched(scene):
    before = [(roi.GetMTime(), roi.GetDisplayNode().GetMTime()) for roi in preview(scene)]
    again = preview(scene)
    assert [(roi.GetMTime(), roi.GetDisplayNode().GetMTime()) for roi in again] == before
    again[1].SetSize(1, 2, 3)
    sizes = [list(roi.GetSize()) for roi in preview(scene)]
    assert sizes[1] == sizes[0]


def test_boxes_are_hidden_from_other_modules_and_leave_nothing_behind(scene):
    held(scene, index_phantom(SHAPE), affine())
    before = node_count(scene)
    for roi in preview(scene):
        assert roi.GetHideFromEditors()
        assert roi.GetDisplayNode().GetHideFromEditors()
    remove_preview(scene)
    assert node_count(scene) == before


def test_boxes_that_are_kept_lie_in_one_folder_and_are_the_users_own(scene):
    corners = [corners_of_roi(roi) for roi in preview(scene)]
    kept = keep_preview(slicer_classes(), scene, "held slabs")
    hierarchy = slicer_classes().vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(roi)) for roi in kept}
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["held slabs"]
    for roi, before in zip(kept, corners, strict=True):
        np.testing.assert_allclose(corners_of_roi(roi), before)
        for node in (roi, roi.GetDisplayNode()):
            assert node.GetSaveWithScene()
            assert not node.GetHideFromEditors()
    assert preview_rois(scene) == []
    preview(scene, thickness=8)
    remove_preview(scene)
    assert all(scene.IsNodePresent(roi) for roi in kept)
    assert keep_preview(slicer_classes(), scene, "nothing") == []


def test_an_update_reuses_the_boxes(scene):
    first = preview(scene, thickness=4)
    count = node_count(scene)
    fewer = preview(scene, thickness=8)
    assert fewer == first[:3]
    assert len(preview(scene, thickness=4)) == 6
    assert node_count(scene) == count


def test_boxes_cannot_be_dragged_and_are_not_saved_with_the_scene(scene):
    for roi in preview(scene):
        assert roi.GetLocked()
        assert not roi.GetDisplayNode().GetHandlesInteractive()
        assert not roi.GetSaveWithScene()


def test_the_users_own_rois_are_left_alone(scene):
    mine = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "mine")
    preview(scene)
    assert mine not in preview_rois(scene)
    remove_preview(scene)
    assert scene.IsNodePresent(mine)


def test_colours_of_neighbours_can_be_told_apart():
    colours = np.array([slab_colour(n) for n in range(MOST_BOXES)])
    for step in (1, 2, 3):
        assert np.abs(colours[step:] - colours[:-step]).max(axis=1).min() > 0.2
    assert len({tuple(c) for c in colours.round(2)}) > 90


def test_one_box_stands_out(scene):
    rois = preview(scene)
    highlight(scene, 2)
    opacities = [roi.GetDisplayNode().GetFillOpacity() for roi in rois]
    assert opacities[2] > 2 * max(opacities[:2] + opacities[3:])
    highlight(scene, None)
    assert len({roi.GetDisplayNode().GetFillOpacity() for roi in rois}) == 1


def test_the_next_volumes_preview_takes_the_place_of_the_last(scene):
    preview(scene)
    other = held(scene, index_phantom((5, 5, 9)), affine(origin=(0, 0, 0)), "other")
    plan = plan_slabs(node_geometry(other), SlabOptions(thickness=5))
    rois = show_preview(slicer_classes(), scene, plan, other)
    assert [roi.GetName() for roi in rois] == ["other slab 000", "other slab 001"]
    assert preview_rois(scene) == rois
