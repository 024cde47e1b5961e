"""nnU-Net's layout: its own checker accepts it, and cases, manifests and results stay as they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import RequestError
from slab_exporter.export import nnunet
from slab_exporter.files.disk import link_or_copy
from support.blocks import phantom
from support.channels import BRATS, brats
from support.phantoms import affine, lopsided_phantom, save_nifti
from support.trees import tree

NNUNET = {"layout": "nnunet", "dataset_id": 701, "dataset_name": "Liver"}
FOLDER = "Dataset701_Liver"
INTEGRITY = "nnunetv2.experiment_planning.verify_dataset_integrity"
ABSENT = "nnU-Net is not installed (extra 'nnunet')"


def make_input(folder, patients=3, values=(1, 2, 3), test=1):
    """Two visits for each patient, in nnU-Net's own or anybody's folders; label maps with these values."""
    image, labels = phantom()
    table = np.array([0, *values], np.uint16)
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    for n in range(patients):
        place = affine(signs=(-1, 1, 1), oblique=10.0 * n)
        for visit in (1, 2):
            save_nifti(folder / "imagesTr" / f"p{n}_visit{visit}.nii.gz", image + np.int16(10 * n + visit), place)
            save_nifti(folder / "labelsTr" / f"p{n}_visit{visit}.nii.gz", table[labels], place)
    for n in range(test):
        save_nifti(folder / "imagesTs" / f"q{n}.nii.gz", image, affine())
    return folder


def lay_out(folder):
    make_input(folder / "in")
    result = se.export(folder / "in", folder / "out", block="7,6,all", keep="body", **NNUNET)
    assert not result.failures
    assert not result.problems
    return folder / "out"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """To be looked at only."""
    return lay_out(tmp_path_factory.mktemp("nnunet"))


@pytest.fixture
def laid_out(tmp_path):
    return lay_out(tmp_path)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_have_nnunets_names_and_are_those_of_the_cases(finished):
    folder = finished / FOLDER
    manifests = [se.read_manifest(path) for path in sorted(finished.glob("*/manifest.json"))]
    assert len(manifests) == 7
    trained = [m for m in manifests if m.case.startswith("p")]
    for manifest in manifests:
        kind = "Tr" if manifest in trained else "Ts"
        for block in manifest.slabs:
            piece = block.image.removeprefix("images/").removesuffix(".nii.gz")
            made = folder / f"images{kind}" / f"{piece}_0000.nii.gz"
            assert os.path.samefile(made, finished / manifest.case / block.image)
            for path in block.labels.values():
                assert os.path.samefile(folder / "labelsTr" / f"{piece}.nii.gz", finished / manifest.case / path)
    document = json.loads((folder / "dataset.json").read_text())
    count = sum(len(manifest.slabs) for manifest in trained)
    assert len(names(folder / "imagesTr")) == len(names(folder / "labelsTr")) == count
    assert len(names(folder / "imagesTs")) == sum(len(m.slabs) for m in manifests) - count
    assert document["channel_names"] == {"0": "CT"}
    assert document["labels"] == {"background": 0, "label_1": 1, "label_2": 2, "label_3": 3}
    assert (document["numTraining"], document["file_ending"]) == (count, ".nii.gz")


def test_all_pieces_of_a_patient_are_on_one_side_of_every_fold(finished):
    folds = json.loads((finished / FOLDER / "splits_final.json").read_text())
    assert len(folds) == 3  # as many as there are patients, up to five
    trained = {name.removesuffix("_0000.nii.gz") for name in names(finished / FOLDER / "imagesTr")}
    held_out = []
    for fold in folds:
        assert set(fold["train"]) | set(fold["val"]) == trained
        patients = [{name.partition("_")[0] for name in fold[side]} for side in ("train", "val")]
        assert patients[0].isdisjoint(patients[1])
        assert patients[0]
        assert patients[1]
        held_out += fold["val"]
    assert sorted(held_out) == sorted(trained)


def test_a_split_that_was_asked_for_is_the_only_fold(tmp_path):
    make_input(tmp_path / "in", patients=5, test=0)
    se.export(tmp_path / "in", tmp_path / "out", thickness=5, split="60,40", **NNUNET)
    (fold,) = json.loads((tmp_path / "out" / FOLDER / "splits_final.json").read_text())
    listed = json.loads((tmp_path / "out" / "dataset.json").read_text())
    for side, part in (("train", "training"), ("val", "validation")):
        assert sorted(fold[side]) == sorted(
            entry["image"].rpartition("/")[2].removesuffix(".nii.gz") for entry in listed[part]
        )
    assert names(tmp_path / "out" / FOLDER / "imagesTs") == []


def test_values_become_consecutive_and_lead_back(tmp_path):
    make_input(tmp_path / "in", values=(2, 7, 300))
    seen = []
    se.export(tmp_path / "in", tmp_path / "out", block="7,6,all", progress=seen.append, **NNUNET)
    told = [event.message for event in seen if event.kind == "warning"]
    assert any("2, 7, 300 are 1 to 3 in Dataset701_Liver" in text for text in told)
    folder = tmp_path / "out" / FOLDER
    document = json.loads((folder / "dataset.json").read_text())
    assert document["labels"] == {"background": 0, "label_2": 1, "label_7": 2, "label_300": 3}
    assert document["slab_exporter"]["source_values"] == {"1": 2, "2": 7, "3": 300}
    for manifest in (se.read_manifest(path) for path in (tmp_path / "out").glob("p*/manifest.json")):
        for block in manifest.slabs:
            source = nib.load(tmp_path / "out" / manifest.case / block.labels["labels"])
            found = nib.load(folder / "labelsTr" / os.path.basename(block.image))
            back = np.array([0, 2, 7, 300])[np.asanyarray(found.dataobj)]
            np.testing.assert_array_equal(back, np.asanyarray(source.dataobj))
            np.testing.assert_allclose(found.affine, source.affine, rtol=0, atol=1e-4)
    assert not any(report.differences for report in se.verify(tmp_path / "out"))


def test_nnunets_own_checker_accepts_it(finished, tmp_path):
    integrity = pytest.importorskip(INTEGRITY, reason=ABSENT)
    integrity.verify_dataset_integrity(str(finished / FOLDER), 1)
    make_input(tmp_path / "other", values=(2, 7, 300))
    se.export(tmp_path / "other", tmp_path / "renumbered", thickness=4, overlap=1, format="nrrd", **NNUNET)
    integrity.verify_dataset_integrity(str(tmp_path / "renumbered" / FOLDER), 1)


def test_channels_are_nnunets_channels(tmp_path):
    patterns = {name: f"{{case}}_{name}.nii.gz" for name in BRATS}
    result = se.export(brats(tmp_path / "in"), tmp_path / "out", channels=patterns, thickness=4, **NNUNET)
    assert not result.failures
    assert not result.problems
    folder = tmp_path / "out" / FOLDER
    assert json.loads((folder / "dataset.json").read_text())["channel_names"] == dict(zip("0123", BRATS, strict=True))
    for manifest in result.manifests:
        for slab in manifest.slabs:
            piece = Path(slab.image).name.removesuffix(".nii.gz")
            for n, path in enumerate(slab.images):
                assert os.path.samefile(
                    folder / "imagesTr" / f"{piece}_{n:04d}.nii.gz", tmp_path / "out" / manifest.case / path
                )
    assert not any(report.differences for report in se.verify(tmp_path / "out"))
    integrity = pytest.importorskip(INTEGRITY, reason=ABSENT)
    integrity.verify_dataset_integrity(str(folder), 1)


def test_renumbered_predictions_come_back_with_the_sources_values(run_cli, tmp_path):
    make_input(tmp_path / "in", patients=1, values=(2, 7, 300), test=0)
    se.export(tmp_path / "in", tmp_path / "out", block="7,6,all", overlap=2, **NNUNET)
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    for path in (tmp_path / "out" / FOLDER / "labelsTr").iterdir():
        shutil.copy(path, predicted)
    shutil.copy(tmp_path / "out" / FOLDER / "dataset.json", predicted)  # as nnUNetv2_predict does
    whole = ("stitch", tmp_path / "out" / "p0_visit1", "--predictions", predicted, "-o", tmp_path / "whole.nii.gz")
    code, text, errors = run_cli(*whole)
    assert code == 0, errors
    assert "The predictions' labels 1, 2, 3 are 2, 7, 300 again" in errors
    assert "(uint16, overlaps: vote)" in text
    expected = np.array([0, 2, 7, 300])[phantom()[1]]
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "whole.nii.gz").dataobj), expected)
    first = sorted(predicted.glob("p0_visit1*"))[0]
    image = nib.load(first)
    save_nifti(first, np.full(image.shape, 9, np.uint8), image.affine)
    code, _, errors = run_cli(*whole, "--overwrite")
    assert code == 2
    assert "The predictions hold the label 9, and their dataset.json knows 1, 2, 3" in errors
    (predicted / "dataset.json").write_text('{"labels": {"background": 0}}')
    assert run_cli(*whole, "--overwrite")[0] == 0


def test_nnunet_plans_and_preprocesses_it(tmp_path):
    pytest.importorskip(INTEGRITY, reason=ABSENT)
    (tmp_path / "in").mkdir()
    image, place = lopsided_phantom(), affine(signs=(-1, 1, 1))
    for n in range(2):
        save_nifti(tmp_path / "in" / f"volume-{n}.nii.gz", image + np.int16(n), place)
        save_nifti(tmp_path / "in" / f"segmentation-{n}.nii.gz", (image > 90).astype(np.uint8), place)
    result = se.export(tmp_path / "in", tmp_path / "out", crop_to="body", crop=True, **NNUNET)
    assert not result.problems
    entry = "from nnunetv2.experiment_planning.plan_and_preprocess_entrypoints import plan_and_preprocess_entry as run"
    command = [sys.executable, "-c", f"{entry}; run()", "-d", "701", "--verify_dataset_integrity", "-c", "3d_fullres"]
    folders = {
        name: str(tmp_path / folder)
        for name, folder in (("nnUNet_raw", "out"), ("nnUNet_preprocessed", "pre"), ("nnUNet_results", "res"))
    }
    run = subprocess.run(
        [*command, "-np", "1", "-npfp", "1"], env=os.environ | folders, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    made = names(tmp_path / "pre" / FOLDER / "nnUNetPlans_3d_fullres")
    assert {name.partition(".")[0].removesuffix("_seg") for name in made} == {"volume-0_crop-0", "volume-1_crop-0"}


def test_verify_and_stitch_work_and_notice_what_was_changed(laid_out, tmp_path):
    reports = se.verify(laid_out)
    assert [report.case for report in reports][-1] == FOLDER
    folders = [path for path in (laid_out / FOLDER).iterdir() if path.is_dir()]
    assert reports[-1].files == sum(len(names(path)) for path in folders)
    assert not any(report.differences for report in reports)
    source = nib.load(tmp_path / "in" / "imagesTr" / "p1_visit2.nii.gz")
    back = se.stitch(laid_out / "p1_visit2", tmp_path / "back.nii.gz")
    np.testing.assert_array_equal(
        np.asanyarray(nib.load(back.path).dataobj)[2:9, 1:8, 2:9], np.asanyarray(source.dataobj)[2:9, 1:8, 2:9]
    )
    # nnU-Net's predictions are called as the pieces are
    truth = laid_out / FOLDER / "labelsTr"
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    for path in truth.glob("p1_visit2_*"):
        shutil.copy(path, predicted)
    (predicted / "dataset.json").write_text("{}")
    result = se.stitch(laid_out / "p1_visit2", tmp_path / "labels.nii.gz", predictions=predicted)
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), phantom()[1])
    one, other = sorted((laid_out / FOLDER / "imagesTr").iterdir())[:2]
    shutil.copy(other, tmp_path / "kept.nii.gz")
    one.unlink()
    shutil.move(tmp_path / "kept.nii.gz", one)
    other.unlink()
    *cases, report = se.verify(laid_out)
    assert not any(case.differences for case in cases)
    assert len(report.differences) == 2
    assert f"imagesTr/{one.name}: it is another file than p0_visit1/images/" in report.differences[0]
    assert other.name in report.differences[1]


def test_another_run_brings_it_up_to_date_and_leaves_what_is_the_users(laid_out, tmp_path, run_cli):
    before = tree(laid_out)
    inputs = ("export", tmp_path / "in", "-o", laid_out)
    assert run_cli(*inputs, "--options", laid_out, "--resume")[0] == 0
    assert tree(laid_out) == before
    (laid_out / FOLDER / "notes.txt").write_text("mine")
    (laid_out / FOLDER / "imagesTr" / "readme.md").write_text("mine")
    mine = laid_out / FOLDER / "imagesTs" / "other_slab-000_0000.nii.gz"
    mine.write_bytes(b"of another export")
    assert run_cli(*inputs, "--options", laid_out, "--resume", "--thickness", 5)[0] == 0
    folder = laid_out / FOLDER
    assert all("_slab-" in name for name in names(folder / "imagesTr") if name.endswith(".gz"))
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "imagesTr" / "readme.md").read_text() == "mine"
    assert mine.read_bytes() == b"of another export"
    assert run_cli("verify", laid_out)[0] == 0
    assert run_cli(*inputs, "--options", laid_out, "--resume", "--shard", "1/2")[0] == 0


def test_a_folder_that_was_being_made_is_completed(laid_out, tmp_path, run_cli, monkeypatch):
    before = tree(laid_out)
    again = ("export", tmp_path / "in", "-o", laid_out, "--options", laid_out, "--resume")
    calls = []

    def broken(path, target):
        calls.append(target)
        if len(calls) > 3:
            raise OSError(5, "Input/output error")
        return link_or_copy(path, target)

    shutil.rmtree(laid_out / FOLDER)
    (laid_out / FOLDER / "imagesTr").mkdir(parents=True)  # killed before anything else
    monkeypatch.setattr(nnunet, "link_or_copy", broken)
    code, _, errors = run_cli(*again)
    assert code == 1
    assert "Input/output error" in errors
    assert "not finished" in (laid_out / FOLDER / "dataset.json").read_text()
    assert "numTraining" not in (laid_out / FOLDER / "dataset.json").read_text()
    assert run_cli("verify", laid_out)[0] == 1
    monkeypatch.undo()
    assert run_cli(*again)[0] == 0
    assert tree(laid_out) == before
    assert run_cli("verify", laid_out)[0] == 0


def test_nothing_is_written_through_a_link(laid_out, tmp_path, run_cli):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(laid_out / FOLDER / "imagesTr")
    (laid_out / FOLDER / "imagesTr").symlink_to(elsewhere, target_is_directory=True)
    code, _, errors = run_cli("export", tmp_path / "in", "-o", laid_out, "--options", laid_out, "--resume")
    assert code == 1
    assert "imagesTr is a symbolic link where a folder of the export belongs; remove it." in errors
    assert list(elsewhere.iterdir()) == []


def test_one_patient_has_no_folds_and_several_sets_are_said(tmp_path):
    image, labels = phantom()
    path = save_nifti(tmp_path / "ct.nii.gz", image, affine())
    sets = {
        "organs": save_nifti(tmp_path / "organs.nii.gz", labels, affine()),
        "vessels": save_nifti(tmp_path / "vessels.nii.gz", labels, affine()),
    }
    seen = []
    se.export(path, tmp_path / "out", labels=sets, thickness=4, progress=seen.append, **NNUNET)
    told = [event.message for event in seen if event.kind == "warning"]
    assert any("Dataset701_Liver has 'organs', and not 'vessels'." in text for text in told)
    assert any("are of one patient: Dataset701_Liver has no splits_final.json" in text for text in told)
    assert not (tmp_path / "out" / FOLDER / "splits_final.json").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layout", "nnunet"), "--layout nnunet needs --dataset-id and --dataset-name."),
        (("--dataset-id", "7"), "--dataset-id and --dataset-name are for --layout nnunet."),
        (("--layout", "nnunet", "--dataset-id", "0", "--dataset-name", "A"), "--dataset-id must be from 1 to 999"),
        (("--layout", "nnunet", "--dataset-id", "7", "--dataset-name", "a/b"), "--dataset-name is letters, digits"),
        (
            ("--layout", "nnunet", "--dataset-id", "7", "--dataset-name", "A", "--format", "dicom"),
            "--layout nnunet needs volume files; choose --format nii.gz.",
        ),
        (
            ("--layout", "nnunet", "--dataset-id", "7", "--dataset-name", "A", "--frames", "all"),
            "--layout nnunet needs 3D images, and --frames all makes 4D ones.",
        ),
    ],
)
def test_senseless_options_are_one_sentence(run_cli, tmp_path, options, sentence):
    make_input(tmp_path / "in", patients=1)
    code, _, errors = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", *options)
    assert code == 2
    assert sentence in errors
    assert not (tmp_path / "out").exists()


def test_what_nnunet_cannot_use_is_said(run_cli, tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    with pytest.raises(RequestError, match="layout='nnunet' needs label maps; add labels="):
        se.export(path, tmp_path / "out", **NNUNET)
    labels = save_nifti(tmp_path / "seg.nii.gz", phantom()[1] * np.float32(0.5), affine())
    result = se.export(path, tmp_path / "out", labels=labels, thickness=4, **NNUNET)
    assert "needs label maps of whole numbers from 0 on; ct has others in 'labels'" in result.problems[0]
    assert not (tmp_path / "out" / FOLDER / "dataset.json").exists()
    (tmp_path / "full" / FOLDER).mkdir(parents=True)
    (tmp_path / "full" / FOLDER / "dataset.json").write_text('{"name": "mine"}')
    labels = save_nifti(tmp_path / "seg.nii.gz", phantom()[1], affine())
    result = se.export(path, tmp_path / "full", labels=labels, thickness=4, resume=True, **NNUNET)
    assert "Dataset701_Liver holds another data set; choose another number or name." in result.problems[0]
    assert (tmp_path / "full" / FOLDER / "dataset.json").read_text() == '{"name": "mine"}'
