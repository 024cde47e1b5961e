"""The preview of what depends on voxels is what the export then makes; no Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.core.geometry import Box
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.roi import box_inside_roi
from slab_exporter.mrml.runtime import slicer_classes
from slab_exporter.mrml.slab_rois import LEFT_OUT_COLOUR, MOST_BOXES, preview_rois, show_preview, slab_colour
from SlabExporterPanel.settings import PanelSettings, request_of
from SlabExporterPanel.views.panel_view import panel_view
from SlabExporterPanel.views.preview.found import find, search_for
from SlabExporterPanel.views.rows import MOST_ROWS
from support.blocks import INSIDE, phantom
from support.phantoms import affine, save_nifti
from support.scenes import add_roi, held, load, node_geometry, segmentation

LABELS = "vtkMRMLLabelMapVolumeNode"
WAYS = {
    "blocks with labels": {"block": "5,4,6", "keep": "labelled"},
    "blocks with enough labels": {"block": "4,4,4", "overlap": 1, "keep": "labelled", "min_percent": 10},
    "blocks of the body": {"block": "3,3,3", "keep": "body"},
    "slabs of the body": {"thickness": 1, "keep": "body"},
    "the box around labels": {"thickness": 2, "crop_to": "labels", "margin": 1},
    "the box around the body": {"block": "4,4,4", "remainder": "pad", "crop_to": "body"},
    "both": {"block": "3,all,3", "crop_to": "body", "margin": 2.5, "keep": "body", "min_percent": 30},
    "both, by labels": {"block": "2,2,2", "crop_to": "body", "keep": "labelled"},
    "one piece": {"crop": True, "crop_to": "labels"},
    "in another order": {"block": "5,4,6", "orient": "PIR", "keep": "labelled", "crop_to": "body"},
    "other voxels": {"block": "5,4,6", "spacing": "1,1,2", "keep": "body", "crop_to": "labels", "margin": 3},
    "boundaries": {"cut_at": "3,6", "axis": "k", "keep": "labelled"},
}


def seen(settings, volume, labels):
    """The view after what it asks for was looked for."""
    view = panel_view(settings, volume, labels)
    found = find(view.search, request_of(settings), volume, labels)
    return panel_view(settings, volume, labels, found=found)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1)], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_preview_is_what_the_export_makes(tmp_path, scene, way, signs):
    image, organs = phantom()
    where = affine(signs=signs, oblique=12)
    volume = load(scene, save_nifti(tmp_path / "ct.nii", image, where))
    labels = (load(scene, save_nifti(tmp_path / "organs.nii", organs, where), LABELS),)
    settings = PanelSettings(output=str(tmp_path / "out"), **way)
    view = seen(settings, volume, labels)
    assert view.search is None
    assert view.preview.enabled, view.preview.tooltip
    manifest = export_nodes(volume, tmp_path / "out", request_of(settings), labels)
    assert [(slab.index, slab.box) for slab in view.plan.slabs] == [(slab.index, slab.box) for slab in manifest.slabs]
    assert view.plan.left_out == manifest.plan.left_out
    assert view.plan.limits == manifest.plan.limits
    left = {row.number for row in view.rows if row.is_left_out}
    assert left == {piece.index for piece in (manifest.plan.left_out.pieces if manifest.plan.left_out else ())}
    assert len(view.rows) == len(view.plan.all_slabs)
    for roi, piece in zip(show_preview(slicer_classes(), scene, view.plan, volume), view.plan.all_slabs, strict=True):
        inside = piece.box.intersection(view.plan.geometry.box)
        assert box_inside_roi(roi, view.plan.geometry) == inside
        colour = LEFT_OUT_COLOUR if piece.index in left else slab_colour(piece.index)
        np.testing.assert_allclose(roi.GetDisplayNode().GetColor(), colour)


def test_the_box_is_where_the_phantom_has_it(scene, tmp_path):
    image, organs = phantom()
    volume = held(scene, image, affine(), "CT")
    labels = (held(scene, organs, affine(), "organs", LABELS),)
    for crop_to, (start, stop) in INSIDE.items():
        view = seen(PanelSettings(thickness=2, crop_to=crop_to), volume, labels)
        assert view.plan.limits == Box(start, stop)
        assert not [note for note in view.notes if "until it is found" in note]


def test_a_segmentation_is_looked_at_too(scene, settings):
    image, organs = phantom()
    volume = held(scene, image, affine(), "CT")
    node = segmentation(scene, node_geometry(volume), {"liver": organs.T != 0})
    view = seen(replace(settings, block="5,4,6", keep="labelled"), volume, (node,))
    states = [row.state for row in view.rows]
    assert states.count("planned") == len(view.plan.slabs) == 4
    assert set(states) == {"planned", "left out: no labels"}


def test_rows_say_how_little_a_piece_holds(scene, settings):
    image, organs = phantom()
    volume, labels = held(scene, image, affine(), "CT"), (held(scene, organs, affine(), "organs", LABELS),)
    view = seen(replace(settings, thickness=5, keep="labelled", min_percent=5), volume, labels)
    assert np.count_nonzero(organs[:, :, 5:]) == 24  # of 13 x 11 x 5 voxels, 3.36 %
    assert view.plan is None
    assert "'Keep' labelled leaves out 2 of 2 slabs" in view.export.tooltip
    view = seen(replace(settings, cut_at="6, 9", axis="k", keep="labelled", min_percent=3), volume, labels)
    assert [row.state for row in view.rows] == ["left out: 0.7 % labels", "planned", "left out: no labels"]
    view = seen(replace(settings, thickness=5, keep="labelled", min_percent=3), volume, labels)
    assert [row.state for row in view.rows] == ["left out: no labels", "planned"]
    assert view.notes == (
        "'Keep' labelled leaves out 1 of 2 slabs, of whose voxels less than a fraction of 0.03 are labels.",
    )


def test_what_the_export_would_refuse_is_said_before(volume, settings):
    view = seen(replace(settings, keep="labelled"), volume, ())
    assert not view.export.enabled
    assert view.search is None
    assert view.export.tooltip == "CT has no label map, and 'Keep' labelled needs one."


def test_what_was_found_is_of_these_voxels_and_labels_alone(scene, settings):
    image, organs = phantom()
    volume, label = held(scene, image, affine(), "CT"), held(scene, organs, affine(), "organs", LABELS)
    settings = replace(settings, block="5,4,6", keep="labelled")
    request = request_of(settings)

    def key(request_=request, volume_=volume, labels_=(label,)):
        return search_for(request_, volume_, labels_, panel_view(settings, volume_).plan.geometry).key

    first = key()
    assert key(request_of(replace(settings, block="2,2,2", min_percent=3))) == first  # found once for all sizes
    assert key(request_of(replace(settings, keep="body"))) != first
    assert key(request_of(replace(settings, orient="PIR"))) != first
    assert key(labels_=()) != first
    assert key(volume_=held(scene, image, affine(), "Other")) != first
    label.GetImageData().Modified()
    assert key() != first
    second = key()
    volume.GetImageData().Modified()
    assert key() != second


def test_a_segment_that_is_painted_is_looked_at_again(scene, settings):
    image, organs = phantom()
    volume = held(scene, image, affine(), "CT")
    node = segmentation(scene, node_geometry(volume), {"liver": organs.T != 0})
    request, geometry = request_of(replace(settings, keep="labelled")), node_geometry(volume)
    before = search_for(request, volume, (node,), geometry).key
    assert search_for(request, volume, (node,), geometry).key == before
    node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap").Modified()
    assert search_for(request, volume, (node,), geometry).key != before


def test_nothing_is_looked_for_where_nothing_depends_on_voxels(volume, settings):
    assert panel_view(settings, volume).search is None


def test_a_large_volume_is_looked_at_on_demand():
    from SlabExporterPanel.views.preview.found import Search

    large = Search((), "parts of the body", 9.4)
    assert not large.is_quick
    assert large.sentence == (
        "Where parts of the body are decides what is cut; in a volume of this size, finding out takes some 9 s."
    )


def test_an_roi_and_cropping_contradict_each_other_before_the_export(scene, volume, settings):
    roi = add_roi(scene, node_geometry(volume), node_geometry(volume).box)
    view = panel_view(replace(settings, crop_to="body"), volume, (), roi)
    assert view.export.tooltip == "'Crop to' body and an ROI each say what is cut: leave one out."


def test_of_too_many_pieces_those_that_are_written_are_shown(scene, settings):
    image, organs = phantom()
    volume, labels = held(scene, image, affine(), "CT"), (held(scene, organs, affine(), "organs", LABELS),)
    settings = replace(settings, block="2,2,2", keep="labelled")
    whole = panel_view(settings, volume, labels)
    assert whole.preview.tooltip == f"210 blocks are too many to show; the preview shows up to {MOST_BOXES}."
    view = seen(settings, volume, labels)
    assert view.preview.enabled
    rois = show_preview(slicer_classes(), scene, view.plan, volume)
    assert len(rois) == len(view.plan.slabs) < MOST_BOXES < len(view.rows)
    assert [roi.GetName() for roi in rois] == [f"CT block {slab.index:04d}" for slab in view.plan.slabs]
    fewer = seen(replace(settings, block="5,4,6"), volume, labels)
    assert len(show_preview(slicer_classes(), scene, fewer.plan, volume)) == 3 * 3 * 2 == len(preview_rois(scene))


def test_of_a_thousand_blocks_the_table_shows_the_first(scene, settings):
    volume = held(scene, np.zeros((20, 20, 20), np.int16), affine(), "CT")
    view = panel_view(replace(settings, block="1,2,2"), volume)
    assert len(view.rows) == MOST_ROWS
    assert "The table shows the first 1,000 of 2,000 blocks." in view.notes
