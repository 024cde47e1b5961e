"""A file of options in the panel: every setting comes back, and what the panel cannot show is said; no Qt."""

from __future__ import annotations

import ast
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from slab_exporter.cases.case import Case
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.options import DataSetOptions, ExportRequest, SlabOptions
from slab_exporter.core.options.entries import entries
from slab_exporter.core.options.prepare import PrepareOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.export.options_file import options_text, read_options, resolved_options
from slab_exporter.mrml.runtime import slicer_classes
from SlabExporterPanel.settings import DicomTexts, PanelSettings, data_set_of, request_of
from SlabExporterPanel.views.options_file import NODE_NAMES, node_values, save_options, taken_from
from SlabExporterPanel.views.presets import PRESETS
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import add_roi, held, node_geometry

# One value for each setting that is not the one without asking.
OTHER_VALUES = {
    "thickness": {"thickness": 17.0},
    "unit": {"unit": "mm", "thickness": 96.25},
    "axis": {"axis": "coronal"},
    "block": {"block": "64,48,all"},
    "block_mm": {"block": "40,40.5,all", "unit": "mm"},
    "cut_at": {"cut_at": "40,70"},
    "crop": {"crop": True},
    "overlap": {"overlap": 9},
    "remainder": {"remainder": "balance"},
    "fill": {"fill": "-1024.0625"},
    "keep": {"keep": "body"},
    "min_percent": {"keep": "labelled", "min_percent": 5.25},
    "crop_to": {"crop_to": "labels"},
    "margin": {"crop_to": "body", "margin": 12.5},
    "orient": {"orient": "LPS"},
    "spacing": {"spacing": "1,1,2.5"},
    "format": {"format": "nrrd"},
    "compression": {"compression": "small"},
    "dicom": {"format": "dicom", "dicom": DicomTexts("MR", "Doe^Jane", "17 b", "Follow-up of O'Hara")},
    "nnunet_id": {"nnunet_id": 7, "nnunet_name": "Liver"},
    "nnunet_name": {"nnunet_id": 1, "nnunet_name": "Lungs"},
    "frames": {"frames": "0:40"},
}
# Nodes, paths and names, which belong to a case and stay as they are.
OF_THE_CASE = {"output", "name", "replace"}


def test_every_setting_has_another_value_to_be_tried_and_a_name_in_the_parameter_node():
    shaping = {field.name for field in fields(PanelSettings)} - OF_THE_CASE
    assert set(OTHER_VALUES) == shaping | {"block_mm"}
    assert {place.partition(".")[0] for place in NODE_NAMES.values()} == shaping - {"frames"}
    source = (Path(__file__).parents[2] / "SlabExporter" / "SlabExporterPanel" / "parameters.py").read_text("utf-8")
    node = next(n for n in ast.parse(source).body if isinstance(n, ast.ClassDef))
    held = {s.target.id for s in node.body if isinstance(s, ast.AnnAssign)}
    others = {name for name in held if name.startswith("stitch")}
    assert set(node_values(PanelSettings())) == held - others - {
        "volume",
        "labels",
        "roi",
        "outputFolder",
        "caseName",
        "namedVolume",
    }


@pytest.mark.parametrize("change", OTHER_VALUES.values(), ids=OTHER_VALUES)
def test_every_setting_comes_back(tmp_path, change):
    settings = PanelSettings(**change)
    assert save_options(tmp_path / "mine.json", settings) == ()
    taken = taken_from(tmp_path / "mine.json")
    assert request_of(taken.settings) == request_of(settings)
    assert data_set_of(taken.settings) == data_set_of(settings)
    assert all(getattr(taken.settings, name) == value for name, value in change.items())
    assert taken.told == ()
    assert {taken.values[name] for name, place in NODE_NAMES.items() if place in change} == {
        value for name, value in change.items() if name not in ("dicom", "frames")
    }


@pytest.mark.parametrize(
    ("frames", "choice", "text"), [(None, "shown", ""), ("all", "every", ""), ("0,3", "some", "0,3")]
)
def test_frames_are_one_choice_of_three_in_the_panel(tmp_path, frames, choice, text):
    save_options(tmp_path / "mine.json", PanelSettings(frames=frames))
    values = taken_from(tmp_path / "mine.json").values
    assert (values["framesChoice"], values["framesText"]) == (choice, text)


def test_the_command_line_reads_what_the_panel_saves(tmp_path):
    save_options(tmp_path / "mine.json", PanelSettings(thickness=17, overlap=3, keep="labelled", min_percent=5))
    values = read_options(tmp_path / "mine.json")
    assert (values["thickness"], values["overlap"], values["keep"], values["min_fraction"]) == (17, 3, "labelled", 0.05)


def test_options_and_manifest_of_an_export_are_taken(tmp_path):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((9, 8, 23)), affine())
    request = ExportRequest(slabs=SlabOptions(thickness_mm=12.5, remainder="pad"), compression="small")
    assert not export_cases([Case("ct", image, {})], tmp_path / "out", request).failures
    for path in (tmp_path / "out" / "options.json", tmp_path / "out" / "ct" / "manifest.json"):
        taken = taken_from(path)
        assert request_of(taken.settings) == request
        assert taken.told == ()


def saved(folder, request, data_set=None):
    path = folder / "options.json"
    path.write_text(options_text(request, data_set or DataSetOptions()))
    return path


def test_what_the_panel_has_no_control_for_is_named(tmp_path):
    request = ExportRequest(
        verify=False,
        prepare=PrepareOptions(spacing=(1, 1, 1), interpolation="bspline"),
    )
    taken = taken_from(saved(tmp_path, request, DataSetOptions(split=(0.8, 0.2), seed=3)))
    (told,) = taken.told
    assert told.startswith("Not taken from options.json, since the panel has no control for it: verify (off), ")
    for words in ("interpolation bspline", "split 0.8,0.2", "seed 3"):
        assert words in told
    assert taken.settings.spacing == "1,1,1"


# How each option that the panel has no control for can be another one than without asking.
UNSHOWN = {
    "frame": 1,
    "nifti_transform": "sform",
    "verify": False,
    "allow_uneven": 0.5,
    "resample": True,
    "allow_damaged": True,
    "segments": "/data/segments.csv",
    "quantize": True,
    "new_uids": "5e1f",
    "like": "/data/like.nii.gz",
    "interpolation": "bspline",
    "label_affine": "image",
    "label_tolerance": 0.25,
    "overlapping": "last",
    "allow_outside_data": True,
    "split": [0.8, 0.2],
    "seed": 3,
    "group_by": "patient",
    "split_series": True,
    "channels": ["auto"],
}


def plain_document():
    return json.loads(options_text(ExportRequest(), DataSetOptions()))


@pytest.mark.parametrize("keyword", [k for k in entries() if k != "deidentify"])
def test_each_option_is_shown_or_said(tmp_path, keyword):
    """An option of a later version fails here until it is one or the other."""
    document = plain_document()
    path = tmp_path / "options.json"
    if keyword in UNSHOWN:
        document["options"][keyword] = UNSHOWN[keyword]
        path.write_text(json.dumps(document))
        assert f"{keyword} " in taken_from(path).told[0]
    else:
        shown = {name for change in OTHER_VALUES.values() for name in resolved(change)} | {"within"}
        assert keyword in shown


def resolved(change):
    settings = PanelSettings(**change)
    values = resolved_options(request_of(settings), data_set_of(settings))
    plain = resolved_options(ExportRequest(), DataSetOptions())
    return {keyword for keyword, value in values.items() if value != plain[keyword]}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"thickness": 64, "block": [64, 64, 64]}, "leave one out"),
        ({"thickness": 0}, "at least one slice"),
        ({"thikness": 3}, "is 'thickness' meant"),
        ({"remainder": "throw"}, "the entry 'remainder' cannot be 'throw'"),
        ({"deidentify": True}, "which the panel cannot make"),
    ],
)
def test_what_is_senseless_or_would_do_harm_is_refused(tmp_path, entry, words):
    document = plain_document()
    document["options"] |= entry
    (tmp_path / "options.json").write_text(json.dumps(document))
    with pytest.raises((InputError, RequestError), match=words):
        taken_from(tmp_path / "options.json")


@pytest.mark.parametrize(("overlap", "shown"), [([8, 8, 8], 8), ([8, 8, 0], 8), ([8, 4, 0], 0)])
def test_overlaps_along_three_axes_are_one_number_or_said(tmp_path, overlap, shown):
    block = SlabOptions(block=(64, 64, None) if overlap[2] == 0 else (64, 64, 64), overlap=tuple(overlap))
    taken = taken_from(saved(tmp_path, ExportRequest(slabs=block)))
    assert taken.settings.overlap == shown
    assert bool(taken.told) == (shown == 0)


def test_what_the_boxes_cannot_show_exactly_is_rounded_and_said(tmp_path):
    path = saved(tmp_path, ExportRequest(slabs=SlabOptions(thickness_mm=96.12345)))
    taken = taken_from(path)
    assert taken.settings.thickness == 96.12
    assert taken.told == ("Thickness is rounded to 96.12, from 96.12345.",)


def test_the_roi_is_a_file_or_is_said_to_be_none(tmp_path, scene):
    volume = held(scene, index_phantom((9, 8, 23)), affine())
    roi = add_roi(scene, node_geometry(volume), node_geometry(volume).box)
    (told,) = save_options(tmp_path / "options.json", PanelSettings(), roi)
    assert "does not name the ROI 'Liver box'" in told
    storage = scene.AddNode(slicer_classes().vtkMRMLMarkupsROIJsonStorageNode())
    storage.SetFileName(str(tmp_path / "box.mrk.json"))
    assert storage.WriteData(roi)
    roi.SetAndObserveStorageNodeID(storage.GetID())
    assert save_options(tmp_path / "options.json", PanelSettings(), roi) == ()
    assert taken_from(tmp_path / "options.json").within == tmp_path / "box.mrk.json"
    (tmp_path / "box.mrk.json").unlink()
    taken = taken_from(tmp_path / "options.json")
    assert taken.within is None
    assert taken.told == (f"The ROI that options.json names is not there: {tmp_path / 'box.mrk.json'}.",)


def test_settings_that_contradict_each_other_are_not_saved(tmp_path):
    (tmp_path / "options.json").write_text("mine")
    with pytest.raises(RequestError):
        save_options(tmp_path / "options.json", replace(PanelSettings(), thickness=5, overlap=9))
    assert (tmp_path / "options.json").read_text() == "mine"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_presets_set_what_files_set(preset):
    assert set(preset.values) <= set(NODE_NAMES)
