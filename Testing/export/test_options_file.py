"""options.json: written at the start, taken again, and never a way to the patient."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import InputError, RequestError
from support.blocks import phantom
from support.channels import BRATS, brats
from support.phantoms import affine, save_nifti
from support.rois import write_roi


@pytest.fixture
def ct(tmp_path):
    save_nifti(tmp_path / "organs.nii.gz", phantom()[1], affine())
    return save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())


WAYS = [
    {"thickness": 3, "overlap": 1, "remainder": "pad", "fill": -7.0, "axis": "j"},
    {"thickness_mm": 6.0, "format": "nrrd", "compression": "small", "verify": False},
    {"cut_at": (4, 7), "overlap": 1, "axis": "k"},
    {"block": "5,all,4", "overlap": "2,0,1", "keep": "labelled", "min_fraction": 0.01},
    {"block_mm": (4.0, 4.0, 10.0), "crop_to": "labels", "margin": 2.5},
    {"crop": True, "crop_to": "body"},
    {"orient": "PIR", "spacing": (1.5, 0, 3), "interpolation": "bspline", "thickness": 4},
    {"format": "dicom", "modality": "MR", "patient_id": "17", "new_uids": True, "thickness": 4},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way)))
@pytest.mark.parametrize("name", ["options.json", "ct/manifest.json"])
def test_the_same_options_make_the_same_export(run_cli, ct, tmp_path, way, name):
    labels = {"organs": tmp_path / "organs.nii.gz"}
    (one,) = se.export(ct, tmp_path / "one", labels=labels, **way).manifests
    file = tmp_path / "one" / name
    (two,) = se.export(ct, tmp_path / "two", labels=labels, options=file).manifests
    assert two.to_json() == one.to_json()
    sets = f"organs={labels['organs']}"
    assert run_cli("export", ct, "-o", tmp_path / "three", "--labels", sets, "--options", file)[0] == 0
    assert se.read_manifest(tmp_path / "three" / "ct").to_json() == one.to_json()
    texts = [(tmp_path / out / "options.json").read_bytes() for out in ("one", "two", "three")]
    assert texts[0] == texts[1] == texts[2]


def test_the_grid_of_another_volume_is_taken_again_from_either_file(ct, tmp_path):
    reference = save_nifti(tmp_path / "r.nii", phantom()[0], affine(spacing=(1.5, 1.5, 2)))
    (one,) = se.export(ct, tmp_path / "one", like=reference, thickness=4).manifests
    for name in ("options.json", "ct/manifest.json"):
        (two,) = se.export(ct, tmp_path / "two", options=tmp_path / "one" / name, overwrite=True).manifests
        assert two.to_json() == one.to_json()
    (three,) = se.export(ct, tmp_path / "three", options=tmp_path / "one", orient="LPS").manifests
    assert three.plan.asked["prepare"]["like"] is None
    se.export(ct, tmp_path / "four", like=reference, deidentify=True)
    with pytest.raises(RequestError, match="does not name the file of like="):
        se.export(ct, tmp_path / "five", options=tmp_path / "four")


def test_what_is_typed_wins_and_a_folder_will_do(run_cli, ct, tmp_path):
    se.export(ct, tmp_path / "one", thickness=3, remainder="pad", overlap=1, verify=False)
    code, _, errors = run_cli(
        "export", ct, "-o", tmp_path / "two", "--options", tmp_path / "one", "--block", "5,5,5", "--remainder", "keep"
    )
    assert code == 0, errors
    plan = se.read_manifest(tmp_path / "two" / "ct").plan
    assert (plan.block.shape, plan.block.overlap, plan.remainder) == ((5, 5, 5), (1, 1, 1), "keep")
    assert plan.asked["verify"] is False
    (manifest,) = se.export(ct, tmp_path / "three", options=tmp_path / "one", remainder="keep").manifests
    assert (manifest.plan.thickness, manifest.plan.remainder) == (3, "keep")


@pytest.mark.parametrize("more", ["--json", "--debug"])
def test_options_that_every_command_has_go_with_a_file_of_options(run_cli, ct, tmp_path, more):
    se.export(ct, tmp_path / "one", thickness=4)
    code, out, error = run_cli("export", ct, "-o", tmp_path / "two", "--options", tmp_path / "one", more)
    assert (code, "usage" in out + error) == (0, False)
    assert len(se.read_manifest(tmp_path / "two/ct").slabs) == len(se.read_manifest(tmp_path / "one/ct").slabs)


def test_the_file_stands_there_from_the_start_and_says_everything(ct, tmp_path):
    def stop(event):
        raise se.SlabExporterError("stopped by the test")

    with pytest.raises(se.SlabExporterError, match="stopped by the test"):
        se.export(ct, tmp_path / "out", thickness=3, split=(0.8, 0.2), seed=4, progress=stop)
    document = json.loads((tmp_path / "out" / "options.json").read_text())
    assert document["schema"] == "slab-exporter-options/1"
    options = document["options"]
    assert (options["thickness"], options["remainder"], options["split"], options["seed"]) == (3, "keep", [0.8, 0.2], 4)
    assert (options["block"], options["within"], options["verify"]) == (None, None, True)
    se.export(ct, tmp_path / "out", options=tmp_path / "out" / "options.json", resume=True)
    assert json.loads((tmp_path / "out" / "options.json").read_text()) == document


def test_a_dry_run_prints_them(run_cli, ct, tmp_path):
    code, text, _ = run_cli("export", ct, "-o", tmp_path / "out", "--thickness", 3, "--split", "80,20", "--dry-run")
    assert code == 0
    line = text.splitlines()[0]
    assert line.startswith("options: thickness 3, axis axial, overlap 0, remainder keep, format nii.gz")
    assert line.endswith("split 0.8,0.2, seed 0")
    code, text, _ = run_cli("export", ct, "-o", tmp_path / "out", "--thickness", 3, "--dry-run", "--json")
    last = json.loads(text.splitlines()[-1])
    assert last["event"] == "options"
    assert last["options"]["thickness"] == 3
    assert last["options"]["block"] is None
    assert not (tmp_path / "out").exists()


def test_resuming_with_other_options_says_which(run_cli, ct, tmp_path):
    arguments = ("export", ct, "-o", tmp_path / "out", "--resume")
    assert run_cli(*arguments, "--thickness", 3)[0] == 0
    code, _, errors = run_cli(*arguments, "--thickness", 3)
    assert (code, "differ" in errors) == (0, False)
    code, _, errors = run_cli(*arguments, "--block", "5,all,5", "--seed", 2)
    assert code == 0
    assert "The options differ from those of the earlier export in out (thickness: 3, now not given; " in errors
    assert "block: not given, now 5,not given,5; seed: 0, now 2)." in errors
    assert "the options have changed since it was exported (thickness: 3, now not given; " in errors


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "holds no options: it is neither an options.json nor a manifest.json."),
        ('{"schema": "slab-exporter/1"}', "is damaged: its options are missing."),
        ('{"schema": "slab-exporter-options/1", "options": 3}', "is damaged: its options are missing."),
        (
            '{"schema": "slab-exporter-options/1", "options": {"thicknes": 3}}',
            "has an entry 'thicknes', and there is no option of that name; is 'thickness' meant?",
        ),
        (
            '{"schema": "slab-exporter-options/1", "options": {"thickness": "three"}}',
            "the entry 'thickness' cannot be 'three'.",
        ),
        (
            '{"schema": "slab-exporter-options/1", "options": {"thickness": 0}}',
            "A slab needs at least one slice; the thickness is 0.",
        ),
        (
            '{"schema": "slab-exporter/1", "plan": {"asked": {"slabs": {"hexagons": 3}}}}',
            "was asked for 'slabs.hexagons', which this version does not know.",
        ),
    ],
)
def test_a_damaged_file_is_one_sentence_that_names_the_entry(run_cli, ct, tmp_path, text, sentence):
    file = tmp_path / "o.json"
    file.write_text(text)
    code, _, errors = run_cli("export", ct, "-o", tmp_path / "out", "--options", file)
    assert code == 2
    assert sentence in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
    with pytest.raises((InputError, RequestError)):
        se.export(ct, tmp_path / "out", options=file)


def test_a_file_that_is_not_there_is_one_sentence(run_cli, ct, tmp_path):
    code, _, errors = run_cli("export", ct, "-o", tmp_path / "out", "--options", tmp_path / "none.json")
    assert code == 2
    assert "none.json" in errors
    assert len(errors.strip().splitlines()) == 1


def test_a_deidentified_export_names_no_file_and_asks_for_it_again(ct, tmp_path, runtime):
    smith = save_nifti(tmp_path / "smith.nii.gz", phantom()[0], affine())
    roi = write_roi(runtime, tmp_path / "smith.mrk.json", affine(), (1, 2, 3), (6, 7, 8))
    (one,) = se.export(smith, tmp_path / "one", within=roi, thickness=3, deidentify=True).manifests
    for name in ("options.json", "case-0001/manifest.json"):
        file = tmp_path / "one" / name
        assert "smith" not in file.read_text()
        with pytest.raises(RequestError, match="does not name the file of within=; give it"):
            se.export(smith, tmp_path / "two", options=file)
        (two,) = se.export(smith, tmp_path / name.partition(".")[0] / "out", options=file, within=roi).manifests
        assert two.to_json() == one.to_json()


def test_patterns_of_channels_travel_but_not_with_a_deidentified_export(tmp_path):
    patterns = {name: f"P0_{name}.nii.gz" for name in BRATS}
    folder = brats(tmp_path / "in", patients=1)
    (one,) = se.export(folder, tmp_path / "one", channels=patterns, thickness=4).manifests
    (two,) = se.export(folder, tmp_path / "two", options=tmp_path / "one").manifests
    assert two.channel_names == one.channel_names == BRATS
    se.export(folder, tmp_path / "three", channels=patterns, thickness=4, deidentify=True)
    assert "P0" not in (tmp_path / "three" / "options.json").read_text()
    with pytest.raises(RequestError, match="does not name the file of channels=; give it"):
        se.export(folder, tmp_path / "four", options=tmp_path / "three")


def test_paths_are_found_from_another_folder(ct, tmp_path, runtime, monkeypatch):
    write_roi(runtime, tmp_path / "ct.mrk.json", affine(), (1, 2, 3), (6, 7, 8))
    monkeypatch.chdir(tmp_path)
    (one,) = se.export("ct.nii.gz", "one", within="{case}.mrk.json", crop=True).manifests
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for name in ("options.json", "ct/manifest.json"):
        (two,) = se.export(ct, tmp_path / name / "out", options=tmp_path / "one" / name).manifests
        assert two.plan.limits == one.plan.limits
    (elsewhere / "mine.json").write_text(
        json.dumps({"schema": "slab-exporter-options/1", "options": {"within": "../ct.mrk.json", "crop": True}})
    )
    monkeypatch.chdir(tmp_path)
    (three,) = se.export(ct, "three", options="elsewhere/mine.json").manifests
    assert three.plan.limits == one.plan.limits


def test_a_foreign_options_json_is_not_replaced(run_cli, ct, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "options.json").write_text('{"mine": 1}')
    code, _, errors = run_cli("export", ct, "-o", tmp_path / "out")
    assert code == 2
    assert "options.json is not of an export and would be replaced" in errors
    assert (tmp_path / "out" / "options.json").read_text() == '{"mine": 1}'


def test_no_case_takes_its_name(tmp_path):
    path = save_nifti(tmp_path / "options.json.nii.gz", np.zeros((4, 4, 4), np.int16), affine())
    (manifest,) = se.export(path, tmp_path / "out").manifests
    assert manifest.case == "options.json_"
