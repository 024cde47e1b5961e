"""What the Stitch section offers of an export, and to which volume of the scene the result belongs; no Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.cases.case import Case, Channel
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.core.options.prepare import PrepareOptions
from slab_exporter.export.from_files import export_cases
from SlabExporterPanel.views.stitching.belonging import is_on_grid, volume_of
from SlabExporterPanel.views.stitching.stitch_view import (
    StitchSettings,
    origin_of,
    run_stitch,
    stitch_request,
    stitch_view,
)
from SlabExporterPanel.wide import is_wide, narrowed
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import held, load

SHAPE = (7, 8, 11)


def exported(folder, request=None, channels=False):
    folder.mkdir(exist_ok=True)
    image = save_nifti(folder / "ct.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
    labels = save_nifti(folder / "organs.nii.gz", (index_phantom(SHAPE) % 5).astype(np.uint8), affine(signs=(-1, 1, 1)))
    more = {}
    if channels:
        second = save_nifti(folder / "t2.nii.gz", 2 * index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
        more = {"channel": "t1", "channels": {"t2": Channel(second)}}
    case = Case("ct", image, {"organs": labels}, **more)
    request = request or ExportRequest(slabs=SlabOptions(thickness=4))
    assert not export_cases([case], folder / "out", request).failures
    return folder / "out" / "ct"


@pytest.fixture
def settings(tmp_path):
    case = exported(tmp_path)
    return StitchSettings(str(case), output=str(tmp_path / "back.nii.gz"))


def test_without_a_manifest_every_choice_says_what_is_missing():
    view = stitch_view(StitchSettings())
    assert not any(one.enabled for one in (view.part, view.grid, view.of_predictions))
    assert "Choose the manifest.json" in view.part.tooltip


def test_label_maps_of_the_export_can_be_chosen(settings, tmp_path):
    view = stitch_view(settings)
    assert [(part.word, part.title) for part in view.parts] == [
        ("", "images"),
        ("labels:organs", "label maps 'organs'"),
    ]
    assert view.part.enabled
    result = run_stitch(replace(settings, part="labels:organs"))
    assert result.is_labels
    assert origin_of(replace(settings, part="labels:organs")).label_set == "organs"
    assert (
        stitch_request(replace(settings, part="labels:of another export"), origin_of(settings).manifest).label_set
        is None
    )


def test_channels_can_be_chosen_one_by_one_or_together(tmp_path):
    case = exported(tmp_path, channels=True)
    settings = StitchSettings(str(case), output=str(tmp_path / "back.nii.gz"), replace=True)
    titles = [part.title for part in stitch_view(settings).parts]
    assert titles == ["channel t1", "channel t2", "all 2 channels, as one 4D file", "label maps 'organs'"]
    assert [run_stitch(replace(settings, part=word)).channels for word in ("", "channel:t2", "channel:all")] == [
        1,
        1,
        2,
    ]
    assert origin_of(settings).channels(2) == ("t1", "t2")


def test_what_does_not_apply_is_switched_off_with_a_reason_and_not_asked_for(settings, tmp_path):
    everything = replace(settings, part="labels:organs", grid="source", argmax=True, trust_names=True)
    view = stitch_view(everything)
    assert not view.grid.enabled
    assert "was cut as it is" in view.grid.tooltip
    assert not view.of_predictions.enabled
    assert "choose their folder" in view.of_predictions.tooltip
    request = stitch_request(everything, origin_of(settings).manifest)
    assert (request.grid, request.argmax, request.trust_names, request.label_set) == ("cut", False, False, "organs")
    predicted = replace(everything, predictions=str(tmp_path / "out" / "ct" / "labels"))
    view = stitch_view(predicted)
    assert not view.part.enabled
    assert view.of_predictions.enabled
    request = stitch_request(predicted, origin_of(settings).manifest)
    assert (request.argmax, request.trust_names, request.label_set) == (True, True, None)


def test_a_prepared_volume_goes_back_to_the_grid_of_its_source(tmp_path):
    prepared = ExportRequest(slabs=SlabOptions(thickness=4), prepare=PrepareOptions(orient="SRA"))
    case = exported(tmp_path, prepared)
    settings = StitchSettings(str(case), output=str(tmp_path / "back.nii.gz"), replace=True)
    assert stitch_view(settings).grid.enabled
    assert stitch_view(settings).summary.endswith("→ 11 x 7 x 8 voxels")
    back = replace(settings, grid="source")
    assert stitch_view(back).summary.endswith("→ 7 x 8 x 11 voxels")
    run_stitch(back)
    import nibabel as nib

    assert np.array_equal(nib.load(tmp_path / "back.nii.gz").dataobj, index_phantom(SHAPE))


@pytest.mark.parametrize(("fill", "value"), [("-7", -7), ("auto", -7), (" ", -7)])
def test_the_fill_value_is_of_voxels_that_no_slab_holds(tmp_path, fill, value):
    case = exported(tmp_path, ExportRequest(slabs=SlabOptions(thickness=4, remainder="drop", fill=-7)))
    settings = StitchSettings(str(case), output=str(tmp_path / "back.nii.gz"), fill=fill)
    assert run_stitch(settings).fill == value
    assert "must be a number or 'auto', not 'x'" in stitch_view(replace(settings, fill="x", replace=True)).summary


def test_the_volume_of_a_case_is_found_by_its_file_or_by_name_and_grid(tmp_path, scene, settings):
    manifest, folder = read_manifest(tmp_path / "out" / "ct"), tmp_path / "out" / "ct"
    twin = held(scene, index_phantom(SHAPE), affine(signs=(-1, 1, 1)), "ct")
    assert volume_of([twin], manifest, folder) is None
    loaded = load(scene, tmp_path / "ct.nii.gz")
    assert volume_of([twin, loaded], manifest, folder) is loaded
    of_scene = replace(manifest, source=replace(manifest.source, path=None, node="ct"))
    assert volume_of([twin], of_scene, folder) is twin
    elsewhere = held(scene, index_phantom(SHAPE), affine(), "ct")
    assert volume_of([elsewhere], of_scene, folder) is None
    assert is_on_grid(loaded, manifest.geometry)  # k reversed
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "ct")
    assert volume_of([empty], of_scene, folder) is None


def test_masks_are_called_after_their_channels(settings):
    origin = origin_of(settings)
    assert [(one.name, one.value) for one in origin.masks(1, 2, [1])] == [("channel 1", 1)]
    assert [one.name for one in origin.masks(0, 2, [3, 1])] == ["channel 0 label 1", "channel 0 label 3"]
    first, second = origin.masks(0, 2, [1]), origin.masks(1, 2, [1])
    assert first[0].rgb != second[0].rgb
    assert [one.name for one in origin.labels({4, 1})] == ["Label 1", "Label 4"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], "uint8"), ([0, 256], "uint16"), ([-1, 5], "int16"), ([-1, 40000], "int32"), ([0, 2**40], "float64")],
)
def test_numbers_of_64_bits_are_held_in_a_smaller_type(values, kind):
    for dtype in ("int64",) if min(values) < 0 else ("int64", "uint64"):
        voxels = np.array(values, dtype)
        assert narrowed(voxels).dtype == kind
        assert narrowed(voxels).tolist() == values
    short = np.array([1, 2], np.int32)
    assert narrowed(short) is short


def test_a_stitch_of_64_bits_is_told_apart(settings):
    result = run_stitch(settings)
    assert not is_wide(result.dtype)
    assert not is_wide(None)
    assert is_wide("uint64")
