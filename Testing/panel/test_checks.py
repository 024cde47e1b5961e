"""What the panel refuses before, and what it lets go of when another volume is chosen; no Qt."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.sequences import shown_frame
from SlabExporterPanel.settings import DicomTexts, PanelSettings, data_set_of, request_of
from SlabExporterPanel.views.following import fitting
from SlabExporterPanel.views.outcome import Outcome
from SlabExporterPanel.views.panel_view import panel_view
from SlabExporterPanel.views.replacing import earlier_export, question
from SlabExporterPanel.views.watch import ExportWatch
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import held, load, node_geometry, put_under_transform, segmentation

SHAPE = (9, 8, 23)
LABELS = "vtkMRMLLabelMapVolumeNode"


def sheared():
    """Slices that move by 0.3 mm per mm, as those of a tilted gantry do."""
    matrix = affine()
    matrix[1, 2] = 0.3 * matrix[2, 2]
    return matrix


@pytest.mark.parametrize("format", ["nii.gz", "nii", "dicom"])
def test_a_sheared_volume_is_refused_before_with_its_angle(scene, settings, format):
    view = panel_view(replace(settings, format=format), held(scene, index_phantom(SHAPE), sheared(), "tilted"))
    assert not view.export.enabled
    assert not view.preview.enabled
    assert "'tilted' is sheared: its axes are 16.7 degrees off a right angle" in view.export.tooltip
    assert "'Format' nrrd" in view.export.tooltip


def test_a_sheared_volume_that_is_allowed_is_exported(scene, settings, tmp_path):
    node, choice = held(scene, index_phantom(SHAPE), sheared(), "tilted"), replace(settings, format="nrrd")
    assert panel_view(choice, node).export.enabled
    manifest = export_nodes(node, tmp_path / "out", request_of(choice))
    assert all(slab.verified for slab in manifest.slabs)


def test_a_mistyped_folder_is_not_made_and_a_new_one_is_announced(volume, settings, tmp_path):
    mistyped = panel_view(replace(settings, output=str(tmp_path / "slbas" / "liver")), volume)
    assert "is it mistyped?" in mistyped.export.tooltip
    assert mistyped.folder is None
    view = panel_view(settings, volume)
    assert view.export.enabled
    assert view.summary.endswith(f"The folder {tmp_path / 'out'} is new and will be made.")
    assert view.folder == tmp_path / "out" / "CT"
    (tmp_path / "out").mkdir()
    assert "is new" not in panel_view(settings, volume).summary


def test_a_folder_that_cannot_be_written_to_is_refused_before(volume, settings, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "out")
    view = panel_view(settings, volume)
    assert f"not allowed to write to the folder {tmp_path / 'out'}" in view.export.tooltip
    assert view.preview.enabled


def test_what_replacing_loses_is_named(scene, volume, settings, tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine())
    labels = held(scene, index_phantom(SHAPE), affine(), "organs", LABELS)
    folder = tmp_path / "out" / "ct"
    assert earlier_export(folder) == ""
    export_nodes(load(scene, path), tmp_path / "out", request_of(settings), labels)
    assert earlier_export(folder) == "5 slabs with label maps 'labels'"
    text = question(folder)
    assert f"Replace the earlier export in {folder}?" in text
    assert f"Lost are 5 slabs with label maps 'labels', cut from {path}:" in text
    assert (
        "images/ct_slab-000.nii.gz, images/ct_slab-001.nii.gz, images/ct_slab-002.nii.gz … images/ct_slab-004" in text
    )
    (folder / "manifest.json").write_text("{}")
    assert earlier_export(folder) == "an unfinished export (images, labels, manifest.json, preview)"
    assert question(folder).endswith("preview).")


def test_labels_that_cannot_be_of_the_next_volume_are_let_go_of(scene, volume):
    moved = held(scene, index_phantom(SHAPE), affine(origin=(0, 0, 0)), "next")
    organs = held(scene, index_phantom(SHAPE), affine(), "organs", LABELS)
    drawn = segmentation(scene, node_geometry(volume), {"a": np.ones(SHAPE[::-1], bool)})
    loose = segmentation(scene, node_geometry(volume), {"a": np.ones(SHAPE[::-1], bool)})
    drawn.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    drawn.SetName("drawn")
    kept, notes = fitting((organs, drawn, loose), moved)
    assert kept == (loose,)
    assert notes == ("'organs', 'drawn' were unticked: of another volume than 'next'.",)
    assert fitting((organs, drawn), volume) == ((organs, drawn), ())


def test_an_outcome_says_no_more_than_is_true_of_what_is_asked_for_now(scene, volume, settings, tmp_path):
    export_nodes(volume, tmp_path / "out", request_of(settings))
    done = Outcome(tmp_path / "out" / "CT", volume.GetID(), "5 slabs.", ("unsaved",), is_whole=True, asked=settings)
    held_already = panel_view(settings, volume)
    assert "holds an export already" in held_already.export.reason
    assert done.reason(held_already, settings) == ""
    assert (done.line(settings), done.warnings(settings)) == ("5 slabs. 1 warning, shown above.", ("unsaved",))
    other = replace(settings, overlap=9)
    assert "The overlap (9 slices) must be smaller" in done.reason(panel_view(other, volume), other)
    assert (done.line(other), done.warnings(other)) == ("5 slabs.", ())
    assert not done.is_over(panel_view(other, volume), volume, other)


def test_a_cancelled_export_is_spoken_of_until_something_else_is_asked_for(volume, settings):
    view = panel_view(settings, volume)
    cancelled = Outcome(view.folder, volume.GetID(), "Cancelled.", asked=settings)
    assert not cancelled.is_over(view, volume, settings)
    other = replace(settings, thickness=7)
    assert cancelled.is_over(panel_view(other, volume), volume, other)


def test_an_outcome_is_about_one_volume_and_one_folder(scene, volume, settings, tmp_path):
    view = panel_view(settings, volume)
    done = Outcome(view.folder, volume.GetID(), "5 slabs written", is_whole=True)
    assert done.is_about(view, volume)
    assert done.is_about(panel_view(replace(settings, thickness=7), volume), volume)
    assert not done.is_about(panel_view(replace(settings, name="other"), volume), volume)
    other = held(scene, index_phantom(SHAPE), affine(), "CT")
    assert not done.is_about(panel_view(settings, other), other)
    assert not done.can_be_loaded
    export_nodes(volume, tmp_path / "out", request_of(settings))
    assert done.can_be_loaded
    assert done.report.is_file()


def test_hardening_is_offered_for_linear_transforms_alone(scene, volume, settings):
    assert not panel_view(settings, volume).can_harden
    put_under_transform(scene, volume, linear=False)
    assert not panel_view(settings, volume).can_harden
    put_under_transform(scene, volume)
    assert panel_view(settings, volume).can_harden
    assert not panel_view(settings, None).can_harden


def sequence_of(scene, volume, frames=3):
    """A proxy node that shows frame 1 of a sequence."""
    import slicer_core.vtkSlicerSequencesModuleMRML as sequences

    browser = scene.AddNode(sequences.vtkMRMLSequenceBrowserNode())
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode")
    sequence.SetName("Perfusion")
    for number in range(frames):
        sequence.SetDataNodeAtValue(volume, str(number))
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.AddProxyNode(volume, sequence, False)
    browser.SetSelectedItemNumber(1)
    return browser


def test_a_frame_of_a_sequence_is_named_after_its_number_and_told(scene, volume, settings, tmp_path):
    assert shown_frame(volume) is None
    sequence_of(scene, volume)
    view = panel_view(settings, volume)
    assert view.case == "CT_frame-1"
    assert view.notes[0] == (
        "'CT' shows frame 1 of the 3 (0 to 2) of the sequence 'Perfusion': this frame alone is exported."
    )
    assert panel_view(replace(settings, name="mine"), volume).case == "mine"
    manifest = export_nodes(volume, tmp_path / "out", request_of(settings))
    assert manifest.case == "CT_frame-1"
    assert any("frame 1 of the 3" in text for text in manifest.warnings)


def test_the_options_that_are_folded_away_arrive_in_the_request():
    request = request_of(
        PanelSettings(
            block="64,64,all", overlap=8, keep="labelled", min_percent=5, crop_to="body", margin=10, orient="ras"
        )
    )
    assert (request.slabs.block, request.slabs.overlap) == ((64, 64, None), 8)
    assert (request.keep.keep, request.keep.min_fraction) == ("labelled", 0.05)
    assert (request.limit.crop_to, request.limit.margin) == ("body", 10)
    assert request.prepare.orient == "RAS"
    assert request_of(PanelSettings(crop=True, block="9,9,9", remainder="pad")).slabs.crop
    plain = request_of(PanelSettings(min_percent=5, margin=3, dicom=DicomTexts(modality="MR")))
    assert plain == request_of(PanelSettings())


def test_dicom_texts_arrive_for_dicom(volume, settings):
    texts = DicomTexts(" MR", "Doe^Jane", "17", "Follow-up")
    dicom = request_of(replace(settings, format="dicom", dicom=texts)).dicom
    assert (dicom.modality, dicom.patient_name, dicom.patient_id, dicom.study_description) == (
        "MR",
        "Doe^Jane",
        "17",
        "Follow-up",
    )
    wrong = panel_view(replace(settings, format="dicom", dicom=DicomTexts("mr")), volume)
    assert "modality cannot be 'mr'" in wrong.export.tooltip


def test_what_is_found_in_the_voxels_is_announced(volume, settings):
    view = panel_view(replace(settings, crop_to="body", keep="body"), volume)
    assert "Only the box around the body is cut" in view.notes[0]
    assert "nothing of the body" in view.notes[1]
    assert view.export.enabled
    assert not view.preview.enabled
    assert view.preview.tooltip == "The box that is cut is not found yet: see the section 'Slabs'."
    assert view.search.is_quick
    assert view.search.sentence == "Looking for parts of the body …"


def test_axes_are_put_in_order_before_the_slabs_are_planned(scene, settings):
    node = held(scene, index_phantom(SHAPE), affine(signs=(-1, -1, 1)), "CT")
    view = panel_view(replace(settings, orient="RAS"), node)
    assert view.plan.geometry.orientation == "RAS"
    assert "axes point to RAS, Slicer's to LPS" in view.order


def test_the_column_of_millimetres_explains_itself_for_an_oblique_volume(scene, volume, settings):
    assert "oblique" not in panel_view(settings, volume).extent_tip
    oblique = held(scene, index_phantom(SHAPE), affine(oblique=20), "oblique")
    assert "The volume is oblique by" in panel_view(settings, oblique).extent_tip


def test_one_piece_is_listed_as_such(volume, settings):
    view = panel_view(replace(settings, crop=True), volume)
    assert view.headers[0] == "Crop"
    assert "one piece of 9 x 8 x 23 voxels" in view.summary


def test_the_folder_is_laid_out_for_nnunet_where_there_are_labels(scene, volume, settings, tmp_path):
    choice = replace(settings, nnunet_id=7, nnunet_name="Liver")
    assert "needs label maps" in panel_view(choice, volume).export.tooltip
    nameless = panel_view(replace(choice, nnunet_name=""), volume)
    assert "the name beside 'nnU-Net'" in nameless.export.tooltip
    labels = held(scene, (index_phantom(SHAPE) % 2).astype(np.uint8), affine(), "organs", LABELS)
    assert "'Format' nii.gz" in panel_view(replace(choice, format="dicom"), volume, (labels,)).export.tooltip
    assert panel_view(choice, volume, (labels,)).export.enabled
    watch = ExportWatch(lambda one: None)
    out, data_set = tmp_path / "out", data_set_of(choice)
    export_nodes(volume, out, request_of(choice), labels, progress=watch, data_set=data_set)
    assert len(list((out / "Dataset007_Liver" / "imagesTr").glob("*_0000.nii.gz"))) == 5
    assert len(list((out / "Dataset007_Liver" / "labelsTr").iterdir())) == 5
    assert (out / "CT" / "manifest.json").is_file()
    assert watch.told[0].startswith("'CT' has never been saved")
