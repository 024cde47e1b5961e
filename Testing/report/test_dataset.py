"""dataset.json and slabs.csv, and what MONAI and TorchIO make of them."""

from __future__ import annotations

import csv
import json

import nibabel as nib
import numpy as np
import pytest
from support.command_line import make_data_set

SMALL = ("--thickness", 8)


@pytest.fixture(scope="module")
def export(tmp_path_factory, cli):
    """Six cases of three patients, split; returns (data set, output folder)."""
    folder = tmp_path_factory.mktemp("listed")
    make_data_set(folder / "in", cases=6)
    rows = ["case,image,label,patient,age"]
    rows += [f"c{n},in/volume-{n}.nii.gz,in/segmentation-{n}.nii.gz,P{n // 2},{40 + n}" for n in range(6)]
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    split = ("--split", "1,1,1", "--seed", 4, "--group-by", "patient")
    code, _, err = cli("export", folder / "cases.csv", "-o", folder / "out", *SMALL, *split)
    assert code == 0, err
    return folder / "in", folder / "out"


def test_slabs_of_one_patient_are_in_one_part(export):
    document = json.loads((export[1] / "dataset.json").read_text("ascii"))
    parts = {part: {e["slab"]["group"] for e in document[part]} for part in ("training", "validation", "test")}
    assert sorted(group for groups in parts.values() for group in groups) == ["P0", "P1", "P2"]
    assert all(len(groups) == 1 for groups in parts.values())
    assert document["numTraining"] == len(document["training"])
    assert document["labels"] == {"0": "background", "1": "label 1", "2": "label 2"}


def test_columns_of_the_list_are_passed_through(export):
    document = json.loads((export[1] / "dataset.json").read_text("ascii"))
    entries = [e for part in ("training", "validation", "test") for e in document[part]]
    assert {(e["slab"]["case"], e["columns"]["age"]) for e in entries} == {(f"c{n}", str(40 + n)) for n in range(6)}
    with (export[1] / "slabs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(entries)
    assert {(row["case"], row["patient"], row["age"]) for row in rows} == {
        (f"c{n}", f"P{n // 2}", str(40 + n)) for n in range(6)
    }
    assert all((export[1] / row["image"]).is_file() and (export[1] / row["labels"]).is_file() for row in rows)


def source_box(folder, case, slab):
    """(image, label map, affine) of a slab's box, cut out of the sources by nibabel."""
    number = case[1:]
    image = nib.load(folder / f"volume-{number}.nii.gz")
    label = nib.load(folder / f"segmentation-{number}.nii.gz")
    start = slab["ijk_start"][2]
    part = np.s_[:, :, start : min(start + 8, image.shape[2])]
    return np.asarray(image.slicer[part].dataobj), np.asarray(label.slicer[part].dataobj), image.slicer[part].affine


def test_monai_loads_the_list_as_it_is(export):
    pytest.importorskip("monai", reason="monai is not installed (extra 'train')")
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged

    seen = 0
    for part in ("training", "validation", "test"):
        for item in load_decathlon_datalist(export[1] / "dataset.json", True, part):
            loaded = LoadImaged(keys=["image", "label"], image_only=True)(item)
            image, label, affine = source_box(export[0], item["slab"]["case"], item["slab"])
            np.testing.assert_array_equal(np.asarray(loaded["image"]), image)
            np.testing.assert_array_equal(np.asarray(loaded["label"]), label)
            np.testing.assert_allclose(np.asarray(loaded["image"].affine), affine, rtol=0, atol=1e-4)
            np.testing.assert_allclose(np.asarray(loaded["label"].affine), affine, rtol=0, atol=1e-4)
            seen += 1
    assert seen == len((export[1] / "slabs.csv").read_text().splitlines()) - 1


def test_torchio_loads_the_list_as_it_is(export):
    tio = pytest.importorskip("torchio", reason="torchio is not installed (extra 'train')")
    document = json.loads((export[1] / "dataset.json").read_text())
    for item in document["training"] + document["test"]:
        subject = tio.Subject(
            image=tio.ScalarImage(export[1] / item["image"]), label=tio.LabelMap(export[1] / item["label"])
        )
        image, label, affine = source_box(export[0], item["slab"]["case"], item["slab"])
        np.testing.assert_array_equal(np.asarray(subject["image"].data)[0], image)
        np.testing.assert_array_equal(np.asarray(subject["label"].data)[0], label)
        np.testing.assert_allclose(subject["image"].affine, affine, rtol=0, atol=1e-4)
        subject.check_consistent_space()
