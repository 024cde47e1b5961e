"""The parts of a data set from its folders to MONAI: patients, test images, images without a label map."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.command_line import make_data_set
from support.phantoms import affine, index_phantom, save_nifti

SMALL = ("--thickness", 8)
SPLIT = ("--split", "0.8,0.1,0.1")


def make_decathlon(folder: Path) -> Path:
    """Five training cases of which one has no label map, and two test cases."""
    for n in range(7):
        part = "Ts" if n > 4 else "Tr"
        for role in ("images", "labels") if n < 4 else ("images",):
            (folder / f"{role}{part}").mkdir(parents=True, exist_ok=True)
            values = index_phantom((6, 5, 10)) + np.int16(n)
            values = values if role == "images" else (values % 3).astype(np.uint8)
            save_nifti(folder / f"{role}{part}" / f"liver_{n}.nii.gz", values, affine())
    return folder


def patients(document: dict) -> dict[str, set[str]]:
    """Cases in each list of the document."""
    return {key: {e["slab"]["case"] for e in value} for key, value in document.items() if isinstance(value, list)}


@pytest.fixture(scope="module")
def decathlon(tmp_path_factory, cli):
    """(dataset.json, what was said on standard error)."""
    folder = tmp_path_factory.mktemp("decathlon")
    code, _, err = cli("export", make_decathlon(folder / "in"), "-o", folder / "out", *SMALL, "--jobs", 1)
    assert code == 0, err
    return folder / "out" / "dataset.json", err


def test_lits_gives_eight_one_and_one_patients_of_ten(tmp_path, cli):
    make_data_set(tmp_path / "LiTS", cases=10, shape=(6, 5, 10))
    code, _, err = cli("export", tmp_path / "LiTS", "-o", tmp_path / "out", *SMALL, *SPLIT, "--jobs", 1)
    assert code == 0, err
    assert "split" not in err
    document = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert {part: len(cases) for part, cases in patients(document).items()} == {
        "training": 8,
        "validation": 1,
        "test": 1,
    }
    assert len({e["slab"]["group"] for part in patients(document) for e in document[part]}) == 10


def test_test_images_and_images_without_a_label_map_stand_apart(decathlon):
    document = json.loads(decathlon[0].read_text())
    assert patients(document) == {
        "training": {f"liver_{n}" for n in range(4)},
        "test": {"liver_5", "liver_6"},
        "unlabelled": {"liver_4"},
    }
    assert all("label" in entry for entry in document["training"])
    assert document["numTraining"] == len(document["training"])
    assert document["numTest"] == len(document["test"])
    said = "3 cases of 7 without a label map (first: liver_4) are listed apart from those with one in dataset.json"
    assert decathlon[1].count(said) == 1


def test_monai_loads_every_list(decathlon):
    pytest.importorskip("monai", reason="monai is not installed (extra 'train')")
    from monai.data import Dataset, load_decathlon_datalist
    from monai.transforms import LoadImaged

    for part, keys in (("training", ["image", "label"]), ("test", ["image"]), ("unlabelled", ["image"])):
        items = load_decathlon_datalist(decathlon[0], is_segmentation=True, data_list_key=part)
        loaded = [item["image"].shape for item in Dataset(items, LoadImaged(keys, image_only=True))]
        assert Counter(map(tuple, loaded)) == {(6, 5, 8): len(items) // 2, (6, 5, 2): len(items) // 2}


def test_the_dry_run_shows_patient_part_and_label_map(tmp_path, cli):
    make_decathlon(tmp_path / "in")
    code, out, _ = cli("export", tmp_path / "in", "-o", tmp_path / "out", *SMALL, "--dry-run")
    assert code == 0
    table = out.split("\n\n")[1]
    rows = {line.split()[0]: line for line in table.splitlines()}
    assert rows["case"].split()[:3] == ["case", "patient", "part"]
    assert {name: row.split()[2] for name, row in rows.items() if name != "case"} == {
        **{f"liver_{n}": "training" for n in range(4)},
        **{"liver_4": "unlabelled", "liver_5": "test", "liver_6": "test"},
    }
    assert rows["liver_0"].endswith("labelsTr/liver_0.nii.gz")
    assert rows["liver_4"].endswith(" -")
    assert "warning: 3 cases of 7 without a label map" in out
    code, out, _ = cli("export", tmp_path / "in", "-o", tmp_path / "out", *SMALL, *SPLIT, "--dry-run", "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    planned = [event for event in events if event["event"] == "planned"]
    assert Counter(event["part"] for event in planned) == {"training": 2, "validation": 1, "test": 1, "unlabelled": 3}
    assert {event["patient"] for event in planned} == {f"liver_{n}" for n in range(7)}
    assert sum(bool(event["labels"]) for event in planned) == 4
    assert any("The shares of the split are not met" in e["message"] for e in events if e["event"] == "warning")


def test_a_part_that_stays_empty_is_said(tmp_path, cli):
    make_data_set(tmp_path / "in", cases=2, shape=(6, 5, 10))
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "out", *SMALL, *SPLIT, "--jobs", 1)
    assert code == 0, err
    assert "out: warning: The test part stays empty: asked for training 0.8, validation 0.1, test 0.1" in err
    assert "training 1 (1 case), validation 1 (1 case), test 0 (0 cases)." in err
    assert "The test part stays empty" in (tmp_path / "out" / "report.html").read_text()
