"""The panel's view model on nodes of the real slicer-core; no Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.core.errors import Cancelled, InputError, OutputError, RequestError
from slab_exporter.core.geometry import Box
from slab_exporter.core.options import AXES, COMPRESSIONS, FORMATS, REMAINDERS
from slab_exporter.core.progress import ProgressEvent
from slab_exporter.core.text import Option, Sentence
from slab_exporter.export.from_scene import export_nodes
from SlabExporterPanel import choices as panel_choices
from SlabExporterPanel.settings import PanelSettings, fill_of, request_of
from SlabExporterPanel.views.panel_view import panel_view
from SlabExporterPanel.views.watch import (
    CANCELLED_TEXT,
    VERIFIED,
    ExportWatch,
    LoadWatch,
    failed_text,
    finished_notes,
    finished_text,
)
from SlabExporterPanel.views.words import in_panel_words
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import add_roi, held, load, node_geometry, put_under_transform, segmentation

SHAPE = (9, 8, 23)
LABELS = "vtkMRMLLabelMapVolumeNode"


def test_with_everything_chosen_both_buttons_can_be_pressed(volume, settings):
    view = panel_view(settings, volume)
    assert view.export.enabled
    assert view.preview.enabled
    assert view.case == "CT"
    assert len(view.rows) == 5


def test_without_a_volume_nothing_can_be_done(settings):
    view = panel_view(settings, None)
    assert view.export.tooltip == view.preview.tooltip == "Choose the volume to cut."
    assert view.summary == ""  # the reason is said once, beside the button
    assert not view.export.enabled
    assert not view.preview.enabled
    assert view.rows == ()


def test_a_volume_without_voxels_says_so(scene, settings):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    assert panel_view(settings, empty).export.tooltip == "The volume 'empty' holds no voxels."


@pytest.mark.parametrize("linear", [True, False])
def test_a_volume_under_a_transform_says_how_to_harden_it(scene, volume, settings, linear):
    put_under_transform(scene, volume, linear)
    view = panel_view(settings, volume)
    assert "Harden transform" in view.export.tooltip
    assert not view.preview.enabled


def test_a_volume_that_slicer_has_misplaced_says_by_how_much(tmp_path, scene, settings):
    import nibabel as nib

    sheared = affine()
    sheared[1, 2] = 0.8
    image = nib.Nifti1Image(index_phantom(SHAPE), affine())
    image.set_qform(affine(), 1)
    image.set_sform(sheared, 1)
    nib.save(image, tmp_path / "tilted.nii.gz")
    node = load(scene, tmp_path / "tilted.nii.gz")
    view = panel_view(settings, node)
    assert "has a sheared sform" in view.export.tooltip
    assert "mm away from the sform" in view.export.tooltip
    assert not view.preview.enabled
    with pytest.raises(InputError, match="sheared sform"):
        export_nodes(node, tmp_path / "out", request_of(settings))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thickness": 0}, "at least one slice"),
        ({"thickness": -3, "unit": "mm"}, "must be positive"),
        ({"overlap": 5}, "must be smaller than the thickness"),
        ({"unit": "mm", "thickness": 3, "overlap": 1}, "must be smaller than the thickness"),
        ({"fill": "black"}, "a number or 'auto', not 'black'"),
        ({"fill": "inf"}, "finite number"),
        ({"thickness": 64, "remainder": "drop"}, "nothing would be written"),
    ],
)
def test_settings_that_make_no_sense_say_why(volume, settings, change, words):
    view = panel_view(replace(settings, **change), volume)
    assert words in view.export.tooltip
    assert "--" not in view.export.tooltip
    assert not view.export.enabled
    assert not view.preview.enabled
    assert view.plan is None


def test_an_roi_beside_the_volume_says_so(scene, volume, settings):
    far = held(scene, index_phantom((3, 3, 3)), affine(origin=(500, 500, 500)), "far")
    roi = add_roi(scene, node_geometry(far), Box((0, 0, 0), (3, 3, 3)))
    assert "holds no voxel of the volume" in panel_view(settings, volume, roi=roi).export.tooltip


def test_an_roi_limits_the_rows(scene, volume, settings):
    roi = add_roi(scene, node_geometry(volume), Box((1, 1, 10), (5, 5, 20)))
    view = panel_view(settings, volume, roi=roi)
    assert [row.slices for row in view.rows] == ["10 … 14", "15 … 19"]
    assert view.rows[0].size == "4 x 4 x 5"


def test_output_folders_that_cannot_be_used_say_why(tmp_path, volume, settings):
    def reason(**change):
        view = panel_view(replace(settings, **change), volume)
        assert view.preview.enabled  # looking is always allowed
        assert not view.export.enabled
        return view.export.tooltip

    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    assert reason(output="") == reason(output="  ") == "Choose the folder to write to."
    assert "not a full path" in reason(output="slabs")
    assert "is a file" in reason(output=str(tmp_path / "file"))
    assert "holds other files" in reason(output=str(tmp_path / "full"))


def test_an_earlier_export_is_only_replaced_when_ticked(tmp_path, volume, settings):
    export_nodes(volume, tmp_path / "out", request_of(settings))
    view = panel_view(settings, volume)
    assert "tick 'Replace'" in view.export.tooltip
    assert view.earlier == "5 slabs"
    assert panel_view(replace(settings, replace=str(tmp_path / "out" / "CT")), volume).export.enabled
    assert not panel_view(replace(settings, replace=str(tmp_path / "out" / "MR")), volume).export.enabled
    assert panel_view(replace(settings, name="second"), volume).export.enabled
    assert panel_view(replace(settings, name="second"), volume).case == "second"


def test_the_folder_of_a_source_is_refused(tmp_path, scene, settings):
    node = load(scene, save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine()))
    assert "where the source ct.nii.gz lies" in panel_view(replace(settings, output=str(tmp_path)), node).export.tooltip


def test_label_nodes_that_cannot_be_cut_with_the_volume_say_why(scene, volume, settings):
    def reason(node):
        view = panel_view(settings, volume, (node,))
        assert not view.export.enabled
        assert view.preview.enabled
        return view.export.tooltip

    assert "as the volume and as a label map" in reason(volume)
    assert "9 x 8 x 22 voxels" in reason(held(scene, index_phantom((9, 8, 22)), affine(oblique=5), "short", LABELS))
    assert "does not lie on the grid of the volume" in reason(
        held(scene, index_phantom(SHAPE), affine(origin=(0, 0, 0)), "moved", LABELS)
    )
    assert "holds no segment" in reason(scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nothing"))
    tilted = held(scene, index_phantom(SHAPE), affine(), "tilted", LABELS)
    put_under_transform(scene, tilted)
    assert "Harden transform" in reason(tilted)


def test_label_maps_in_either_order_along_k_and_segmentations_are_welcome(scene, volume, settings):
    geometry = node_geometry(volume)
    same = held(scene, index_phantom(SHAPE), geometry.affine_ras, "same", LABELS)
    turned = held(scene, index_phantom(SHAPE), geometry.k_reversed().affine_ras, "turned", LABELS)
    segments = segmentation(scene, geometry, {"a": np.ones(SHAPE[::-1], bool)})
    assert panel_view(settings, volume, (same, turned, segments)).export.enabled


def test_too_many_slabs_are_exported_but_not_shown(scene, settings):
    tall = held(scene, index_phantom((2, 2, 150)), affine(), "tall")
    view = panel_view(replace(settings, thickness=1), tall)
    assert view.export.enabled
    assert not view.preview.enabled
    assert "150 slabs are too many to show" in view.preview.tooltip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"thickness": 12.0}, {"thickness": 12, "thickness_mm": None}),
        ({"thickness": 96.5, "unit": "mm"}, {"thickness_mm": 96.5}),
        ({"axis": "coronal"}, {"axis": "coronal"}),
        ({"overlap": 3}, {"overlap": 3}),
        ({"remainder": "balance"}, {"remainder": "balance"}),
        ({"fill": " -1024 "}, {"fill": -1024.0}),
        ({"fill": "Auto"}, {"fill": None}),
        ({"fill": ""}, {"fill": None}),
    ],
)
def test_each_slab_setting_arrives_in_the_request(change, expected):
    options = request_of(PanelSettings(**change)).slabs
    assert {name: getattr(options, name) for name in expected} == expected


def test_format_and_compression_arrive_in_the_request():
    request = request_of(PanelSettings(format="nrrd", compression="small"))
    assert (request.format, request.compression, request.verify) == ("nrrd", "small", True)


def test_every_choice_of_the_library_can_be_made_and_has_words():
    for choices, values in (
        (panel_choices.Axis, AXES),
        (panel_choices.Remainder, REMAINDERS),
        (panel_choices.Format, FORMATS),
        (panel_choices.Compression, COMPRESSIONS),
    ):
        assert tuple(choice.value for choice in choices) == values
        assert all(choice.label() for choice in choices)
    assert panel_choices.Format.nii_gz.label() == "NIfTI, compressed (.nii.gz)"


def test_a_fill_value_must_be_a_number():
    with pytest.raises(RequestError, match="not 'air'"):
        fill_of("air")


def test_rows_say_where_each_slab_lies(volume, settings):
    view = panel_view(settings, volume)
    first, last = view.rows[0], view.rows[-1]
    assert view.headers == ("Slab", "State", "Slices k", "S (mm)", "Voxels")
    assert (first.number, first.slices, first.size, first.state) == (0, "0 … 4", "9 x 8 x 5", "planned")
    assert first.extent == "-413.2 … -400.8"  # outer edges: origin -412 less half a step of 2.5
    assert last.size == "9 x 8 x 3"
    geometry = node_geometry(volume)
    np.testing.assert_allclose(first.centre, geometry.ras((4, 3.5, 2)))


def test_blocks_are_chosen_by_their_size(volume, settings):
    view = panel_view(replace(settings, block=" 4,all,8 ", overlap=1), volume)
    assert view.headers == ("Block", "State", "Voxels i, j, k", "S (mm)", "Size")
    assert [row.slices for row in view.rows[:2]] == ["0 … 3, 0 … 7, 0 … 7", "3 … 6, 0 … 7, 0 … 7"]
    assert view.rows[-1].size == "3 x 8 x 2"
    assert "12 blocks of up to 4 x 8 x 8 voxels, numbered I → S, P → A, L → R" in view.summary
    assert view.export.enabled
    in_mm = panel_view(replace(settings, block="2.8,all,20", unit="mm"), volume)
    assert in_mm.rows[0].size == "4 x 8 x 8"
    refused = panel_view(replace(settings, block="4,8"), volume)
    assert "'Blocks' needs three whole numbers" in refused.export.tooltip
    many = panel_view(replace(settings, block="1,1,1"), volume)
    assert many.preview.tooltip == "1656 blocks are too many to show; the preview shows up to 100."


def test_the_summary_tells_volume_and_plan(volume, settings):
    text = panel_view(settings, volume).summary
    assert "9 x 8 x 23 voxels of 0.7 x 0.9 x 2.5 mm, int16, stored RAS" in text
    assert "5 slabs of up to 5 slices (12.5 mm) along k, numbered I → S" in text


def test_a_volume_that_slicer_shows_reversed_is_listed_in_the_files_order(tmp_path, scene, settings):
    path = save_nifti(tmp_path / "las.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, -1)))
    view = panel_view(replace(settings, axis="k"), load(scene, path))
    assert view.plan.geometry.orientation == "LAI"
    right = save_nifti(tmp_path / "left.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
    view = panel_view(replace(settings, axis="k"), load(scene, right))
    assert "shows it with k reversed" in view.order
    assert view.notes == ()
    assert view.rows[0].slices == "0 … 4"
    assert view.plan.geometry.orientation == "LAS"


def test_an_identity_affine_and_the_plans_notes_are_shown_in_the_panels_words(scene, settings):
    lost = held(scene, index_phantom((4, 4, 11)), np.eye(4), "lost")
    notes = panel_view(settings, lost).notes
    assert any("identity" in note for note in notes)
    assert any("single slice; 'Last slab' shift, pad or balance" in note for note in notes)


def test_slabs_of_one_slice_each_are_no_surprise(volume, settings):
    view = panel_view(replace(settings, thickness=1), volume)
    assert view.notes == ()
    assert "23 slabs of up to 1 slice (2.5 mm) along k" in view.summary
    view = panel_view(replace(settings, thickness=1, overlap=1), volume)
    assert "The overlap (1 slice) must be smaller than the thickness (1 slice)" in view.export.reason


def test_options_are_called_as_the_panel_calls_them():
    text = Sentence("Choose ", Option.to("remainder", "keep"), ", or add ", Option.on("overwrite"), ".")
    assert in_panel_words(text) == "Choose 'Last slab' keep, or tick 'Replace'."
    assert in_panel_words("gdcmconv --raw, a program's own option") == "gdcmconv --raw, a program's own option"


def test_the_watch_follows_an_export_to_its_end(tmp_path, volume, settings):
    seen = []
    watch = ExportWatch(lambda w: seen.append((w.percent, w.text, dict(w.states))))
    manifest = export_nodes(volume, tmp_path / "out", request_of(settings), progress=watch)
    assert seen[-1] == (100, "5 of 5 slabs", dict.fromkeys(range(5), VERIFIED))
    assert [percent for percent, *_ in seen] == sorted(percent for percent, *_ in seen)
    assert finished_text(manifest) == "5 slabs written to 'CT', 5 verified."
    assert "never been saved" in finished_notes(manifest)[0]


def test_cancel_stops_at_the_next_event_but_never_undoes_a_finished_case():
    watch = ExportWatch(lambda w: None)
    watch(ProgressEvent("case-started", "a", 0, 3))
    watch.cancel()
    assert watch.text == "Cancelling …"
    with pytest.raises(Cancelled, match="Nothing of this run"):
        watch(ProgressEvent("waiting", "a", 1, 3))
    watch(ProgressEvent("case-finished", "a", 3, 3))
    assert CANCELLED_TEXT.startswith("Cancelled")


def test_a_case_that_is_complete_is_not_cancelled_while_the_folder_is_described():
    watch = ExportWatch(lambda w: None)
    watch(ProgressEvent("case-finished", "a", 3, 3))
    watch.cancel()
    watch(ProgressEvent("waiting", "a", 3, 3))
    with pytest.raises(Cancelled):
        watch(ProgressEvent("waiting", "b"))


def test_loading_is_followed_file_by_file_and_can_be_cancelled():
    watch = LoadWatch(lambda w: None)
    watch(ProgressEvent("waiting", "a", 1, 4))
    assert (watch.percent, watch.text) == (25, "1 of 4 files loaded")
    watch.cancel()
    with pytest.raises(Cancelled, match="Nothing was loaded"):
        watch(ProgressEvent("waiting", "a", 2, 4))


def test_failures_are_told_in_the_panels_words():
    assert failed_text(OutputError("Full; use ", Option.on("overwrite"), ".")) == "Full; use 'Replace'."
    assert "memory" in failed_text(MemoryError())
