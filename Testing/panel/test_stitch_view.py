"""The Stitch section's view model on real exports; no Qt."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.cases.find import Case
from slab_exporter.core.errors import Cancelled, InputError, OutputError, RequestError
from slab_exporter.core.options import BLENDS, ExportRequest, SlabOptions
from slab_exporter.core.progress import ProgressEvent
from slab_exporter.export.from_files import export_cases
from SlabExporterPanel import choices as panel_choices
from SlabExporterPanel.views.stitching.stitch_view import (
    STITCH_TIP,
    StitchEnding,
    StitchSettings,
    StitchWatch,
    run_stitch,
    stitch_view,
)
from SlabExporterPanel.views.stitching.stitched import MOST_CHANNELS, is_layered, is_loadable, stitched_text
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (7, 8, 11)


def exported(folder, **options):
    image = save_nifti(folder / "ct.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
    labels = save_nifti(folder / "organs.nii.gz", (index_phantom(SHAPE) % 5).astype(np.uint8), affine(signs=(-1, 1, 1)))
    request = ExportRequest(slabs=SlabOptions(**{"thickness": 4, "overlap": 1} | options))
    assert not export_cases([Case("ct", image, {"labels": labels})], folder / "out", request).failures
    return folder / "out" / "ct"


@pytest.fixture
def case(tmp_path):
    return exported(tmp_path)


@pytest.fixture
def settings(tmp_path, case):
    return StitchSettings(manifest=str(case / "manifest.json"), output=str(tmp_path / "back.nii.gz"))


def test_with_manifest_and_output_the_button_can_be_pressed(settings, case):
    view = stitch_view(settings)
    assert view.stitch.enabled
    assert view.stitch.tooltip == STITCH_TIP
    assert view.summary == "4 slabs of 'ct' → 7 x 8 x 11 voxels"
    assert stitch_view(replace(settings, manifest=str(case))) == view
    predictions = stitch_view(replace(settings, predictions=str(case / "labels")))
    assert predictions.summary == "4 predictions of 'ct' → 7 x 8 x 11 voxels"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"manifest": " "}, "Choose the manifest.json of an export."),
        ({"manifest": "manifest.json"}, "not a full path"),
        ({"manifest": "{tmp}/nothing.json"}, "cannot be read"),
        ({"manifest": "{tmp}/ct.nii.gz"}, "not a manifest"),
        ({"predictions": "predictions"}, "not a full path"),
        ({"predictions": "{tmp}/nothing"}, "does not exist"),
        ({"output": ""}, "Choose the file to write to."),
        ({"output": "back.nii.gz"}, "not a full path"),
        ({"output": "{tmp}/back.png"}, "must end in .nii.gz, .nii or .nrrd"),
        ({"output": "{tmp}/ct.nii.gz"}, "tick 'Replace' to replace it"),
    ],
)
def test_what_is_missing_or_senseless_is_said(tmp_path, settings, change, words):
    view = stitch_view(replace(settings, **{k: v.replace("{tmp}", str(tmp_path)) for k, v in change.items()}))
    assert not view.stitch.enabled
    assert words in view.stitch.tooltip
    assert view.summary == view.stitch.tooltip
    assert "--" not in view.summary


def test_a_lost_slab_is_said_before_anything_runs(settings, case):
    (case / "images" / "ct_slab-001.nii.gz").unlink()
    assert "1 of 4 slabs are missing" in stitch_view(settings).summary


def test_the_own_slabs_give_the_volume_again(tmp_path, settings):
    seen = []
    result = run_stitch(settings, StitchWatch(lambda w: seen.append((w.percent, w.text))))
    back, source = nib.load(tmp_path / "back.nii.gz"), nib.load(tmp_path / "ct.nii.gz")
    assert np.array_equal(back.dataobj, source.dataobj)
    # It is called while it waits, too: nothing is new then, and before the first slab there is no number.
    assert [one for one in dict.fromkeys(seen) if one != (0, "Reading …")] == [
        (25, "1 of 4 slabs"),
        (50, "2 of 4 slabs"),
        (75, "3 of 4 slabs"),
        (100, "Writing and reading back …"),
    ]
    assert not result.is_labels
    assert stitched_text(result, "loaded as a volume") == (
        "4 slabs stitched into back.nii.gz (int16, overlaps: first); loaded as a volume."
    )
    assert "tick 'Replace'" in stitch_view(settings).summary
    assert stitch_view(replace(settings, replace=True)).stitch.enabled


def test_after_a_success_the_line_above_the_button_does_not_read_like_a_failure(settings):
    run_stitch(settings)
    view = stitch_view(settings)
    assert "tick 'Replace'" in view.stitch.tooltip
    assert StitchEnding(settings, "done", is_whole=True).summary(view) == ""
    assert StitchEnding(settings, "failed").summary(view) == view.summary
    again = stitch_view(replace(settings, replace=True))
    assert StitchEnding(settings, "done", is_whole=True).summary(again) == again.summary


def test_predictions_of_labels_are_told_as_what_they_are_loaded_as(settings, case):
    result = run_stitch(replace(settings, predictions=str(case / "labels")))
    assert result.is_labels
    assert stitched_text(result, "loaded as a segmentation of 4 segments").endswith(
        "(uint8, overlaps: vote); loaded as a segmentation of 4 segments."
    )


def test_whole_numbers_below_zero_are_no_labels(settings, tmp_path, case):
    (tmp_path / "denoised").mkdir()
    for path in (case / "images").iterdir():
        image = nib.load(path)
        nib.save(
            nib.Nifti1Image(np.asarray(image.dataobj) - np.int16(5), image.affine), tmp_path / "denoised" / path.name
        )
    assert not run_stitch(replace(settings, predictions=str(tmp_path / "denoised"))).is_labels


def test_lost_geometry_needs_trust_names_and_says_so_in_the_panels_words(settings, tmp_path, case):
    (tmp_path / "lost").mkdir()
    for path in (case / "images").iterdir():
        values = np.stack([np.asarray(nib.load(path).dataobj, np.float32)] * 2, axis=-1)
        nib.save(nib.Nifti1Image(values / 1000, np.eye(4)), tmp_path / "lost" / path.name)
    settings = replace(settings, predictions=str(tmp_path / "lost"), blend="gaussian")
    with pytest.raises(InputError, match="add trust_names=True:"):
        run_stitch(settings)
    result = run_stitch(replace(settings, trust_names=True))
    first, second = stitched_text(result, "loaded").split("\n")
    assert first == "4 slabs stitched into back.nii.gz (float32, overlaps: gaussian); loaded."
    assert "their names are trusted" in second
    assert is_loadable(result)
    assert not is_loadable(replace(result, channels=MOST_CHANNELS + 1))
    assert not is_layered(result)
    assert is_layered(replace(result, dtype="uint8"))


def test_slices_that_no_slab_holds_are_told(tmp_path):
    case = exported(tmp_path, remainder="drop", overlap=0)
    result = run_stitch(StitchSettings(str(case), output=str(tmp_path / "back.nrrd")))
    assert "3 of 11 slices (k = 8 to 10) are in no slab; filled with" in stitched_text(result, "loaded")


def test_what_the_volume_is_made_from_is_never_replaced(tmp_path, settings, case):
    slab, label = case / "images" / "ct_slab-000.nii.gz", case / "labels" / "ct_slab-000.nii.gz"
    for path in (tmp_path / "ct.nii.gz", slab, label):
        before = path.read_bytes()
        with pytest.raises(OutputError, match="what the volume is made from"):
            run_stitch(replace(settings, output=str(path), replace=True))
        assert path.read_bytes() == before


def test_a_manifest_with_senseless_sources_harms_nothing(tmp_path, settings, case):
    import json

    (tmp_path / "back.nii.gz").write_bytes(b"old")
    document = json.loads((case / "manifest.json").read_text())
    document["source"]["path"] = "a\0b"
    document["label_sources"] = {"more": {**document["source"], "path": None}}
    (case / "manifest.json").write_text(json.dumps(document))
    assert run_stitch(replace(settings, replace=True)).slabs == 4


@pytest.mark.parametrize("entry", ["nothing", {"path": None}, None])
def test_a_manifest_with_a_damaged_label_source_is_refused_in_one_sentence(tmp_path, settings, case, entry):
    import json

    (tmp_path / "back.nii.gz").write_bytes(b"old")
    document = json.loads((case / "manifest.json").read_text())
    document["label_sources"] = {"labels": entry}
    (case / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"manifest\.json is damaged: an entry is missing or of the wrong kind"):
        run_stitch(replace(settings, replace=True))
    assert (tmp_path / "back.nii.gz").read_bytes() == b"old"


def test_labels_are_not_averaged(settings):
    with pytest.raises(RequestError, match="never averaged"):
        run_stitch(replace(settings, blend="mean"))


def test_cancel_stops_at_the_next_slab_and_leaves_nothing(tmp_path, settings):
    watch = StitchWatch(lambda w: w.cancel())
    with pytest.raises(Cancelled, match="Nothing was written"):
        run_stitch(settings, watch)
    assert watch.text == "Cancelling …"
    assert not (tmp_path / "back.nii.gz").exists()
    assert not list(tmp_path.glob(".partial*"))


def test_the_watch_survives_an_event_without_numbers():
    watch = StitchWatch(lambda w: None)
    watch(ProgressEvent("slab-finished", "ct"))
    assert watch.percent == 0


def test_every_blend_of_the_library_can_be_chosen():
    assert tuple(choice.value for choice in panel_choices.Blend) == ("automatic", *BLENDS)
    assert panel_choices.Blend.vote.label() == "vote (labels)"
