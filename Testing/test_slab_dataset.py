"""``SlabDataset``: what it gives agrees with nibabel, and torch, MONAI and TorchIO take it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from support.command_line import LIBRARY
from support.phantoms import affine, index_phantom, save_nifti

PLACE = affine((2, 0, 1), (-1, 1, -1), oblique=12.0)
SHAPE = (10, 7, 20)


def source_files(folder: Path, cases: int = 4, dtype: str = "int16") -> tuple[Path, Path]:
    """scans/ and two label sets in masks/; slice counts are the same, values differ."""
    for name in ("scans", "masks", "tumours"):
        (folder / name).mkdir()
    for n in range(cases):
        image = index_phantom(SHAPE, dtype) + np.dtype(dtype).type(n)
        save_nifti(folder / "scans" / f"case{n}.nii.gz", image, PLACE)
        save_nifti(folder / "masks" / f"case{n}.nii.gz", (index_phantom(SHAPE) % 3).astype(np.uint8), PLACE)
        save_nifti(folder / "tumours" / f"case{n}.nii.gz", (index_phantom(SHAPE) % 5).astype(np.uint8), PLACE)
    return folder / "scans", folder / "masks"


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    """Four cases, three slabs each, of 4, 4 and 2 slices along i (the axis nearest to S), split 2:1:1."""
    folder = tmp_path_factory.mktemp("dataset")
    scans, masks = source_files(folder)
    sets = {"labels": masks, "tumour": folder / "tumours"}
    result = se.export(scans, folder / "out", thickness=4, labels=sets, split=(0.5, 0.25, 0.25), jobs=1)
    assert result.failures == ()
    return folder / "out"


def test_items_are_what_nibabel_reads(export):
    slabs = se.SlabDataset(export)
    assert len(slabs) == 4 * 3
    for item in slabs:
        image, label = (nib.load(item["paths"][key]) for key in ("image", "label"))
        assert item["image"].dtype == np.int16
        assert np.array_equal(item["image"][0], np.asarray(image.dataobj))
        assert np.array_equal(item["label"][0], np.asarray(label.dataobj))
        assert np.allclose(item["affine"], image.affine, rtol=0, atol=1e-4)
        assert sorted(key for key in item if key.startswith("label")) == ["label", "label_tumour"]


def test_items_say_where_they_lie_in_their_source(export):
    for item in se.SlabDataset(export):
        source = nib.load(export.parent / "scans" / f"{item['case']}.nii.gz")
        box = tuple(slice(a, b) for a, b in zip(item["ijk_start"], item["ijk_stop"], strict=True))
        assert np.array_equal(item["image"][0], np.asarray(source.dataobj)[box])
        moved = source.affine @ np.array([*item["ijk_start"], 1])
        assert np.allclose(item["affine"][:3, 3], moved[:3], rtol=0, atol=1e-4)


def test_parts_are_those_of_the_data_list_and_share_no_case(export):
    document = json.loads((export / "dataset.json").read_text())
    cases = {}
    for part in ("training", "validation", "test"):
        slabs = se.SlabDataset(export, part)
        assert [entry["slab"]["case"] for entry in document[part]] == [item["case"] for item in slabs]
        cases[part] = {item["case"] for item in slabs}
    assert sorted(map(len, cases.values())) == [1, 1, 2]
    assert len(set.union(*cases.values())) == 4


def test_label_sets_are_chosen_by_name(export):
    (item, *_) = se.SlabDataset(export, labels="tumour")
    assert "label" not in item
    assert item["label_tumour"].max() == 4
    (item, *_) = se.SlabDataset(export, labels=())
    assert list(item["paths"]) == ["image"]
    with pytest.raises(se.InputError, match="no label set called 'liver'"):
        se.SlabDataset(export, labels=["liver"])


def test_a_transform_makes_the_item_and_the_data_set_is_pickled(export):
    slabs = se.SlabDataset(str(export), transform=len)
    assert slabs[0] == len(se.SlabDataset(export)[0])
    again = pickle.loads(pickle.dumps(se.SlabDataset(export)))
    assert np.array_equal(again[-1]["image"], se.SlabDataset(export)[-1]["image"])
    with pytest.raises(IndexError):
        again[len(again)]


def test_without_a_data_list_there_are_no_parts(export):
    assert len(se.SlabDataset(export / "case1")) == 3
    with pytest.raises(se.InputError, match=r"has no dataset\.json"):
        se.SlabDataset(export / "case1", part="training")
    with pytest.raises(se.RequestError, match="choose one of training, validation, test"):
        se.SlabDataset(export, part="train")
    with pytest.raises(se.InputError, match="holds no export"):
        se.SlabDataset(export / "case1" / "images")


@pytest.mark.parametrize("case", ["../case1", "", ".", "a/b", 3])
def test_a_data_list_cannot_lead_elsewhere(tmp_path, case):
    (tmp_path / "dataset.json").write_text(json.dumps({"training": [{"slab": {"case": case}}]}))
    with pytest.raises(se.InputError, match="cannot be the name of a folder"):
        se.SlabDataset(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"training": [{"image": "a"}]}', '{"training": 3}'])
def test_a_data_list_of_something_else_is_one_sentence(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(se.InputError, match="is not the data list of an export"):
        se.SlabDataset(tmp_path)


def test_an_empty_part_is_named(tmp_path):
    scans, _ = source_files(tmp_path, cases=1)
    se.export(scans, tmp_path / "out")
    with pytest.raises(se.InputError, match=r"no slabs in the part 'test' \(it has: training\)"):
        se.SlabDataset(tmp_path / "out", part="test")


@pytest.mark.parametrize("format", ["nii", "nrrd", "dicom"])
def test_every_format_gives_the_same_items(tmp_path, export, format):
    if format == "dicom":
        pytest.importorskip("highdicom", reason="highdicom is not installed (extra 'dicom-seg')")
    scans, masks = source_files(tmp_path, cases=1)
    result = se.export(scans, tmp_path / "out", thickness=4, labels=masks, format=format)
    assert result.failures == ()
    for item, expected in zip(se.SlabDataset(tmp_path / "out"), se.SlabDataset(export / "case0"), strict=True):
        for key in ("image", "label"):
            assert item[key].dtype == expected[key].dtype
            assert np.array_equal(item[key], expected[key])
        assert np.allclose(item["affine"], expected["affine"], rtol=0, atol=1e-9)


def test_nan_and_infinities_stay(tmp_path):
    image = index_phantom((6, 5, 8), "float32")
    image[1, 2, 3], image[2, 2, 3] = np.nan, np.inf
    save_nifti(tmp_path / "pet.nii.gz", image, PLACE)
    se.export(tmp_path / "pet.nii.gz", tmp_path / "out")
    (item,) = se.SlabDataset(tmp_path / "out")
    assert np.array_equal(item["image"][0], image, equal_nan=True)


def test_a_slab_that_is_missing_or_lies_elsewhere_is_refused(tmp_path):
    scans, _ = source_files(tmp_path, cases=1)
    se.export(scans, tmp_path / "out", thickness=4)
    slabs = se.SlabDataset(tmp_path / "out")
    first, second = (Path(entry["image"]) for entry in slabs.data_list()[:2])
    moved = nib.load(first)
    nib.save(nib.Nifti1Image(np.asarray(moved.dataobj), moved.affine @ np.diag([1, -1, 1, 1])), first)
    second.unlink()
    with pytest.raises(se.VerificationError, match="mirror image"):
        slabs[0]
    with pytest.raises(se.InputError, match="is missing"):
        slabs[1]
    assert slabs[2]["index"] == 2


@pytest.mark.parametrize(("workers", "method"), [(0, None), (2, "fork"), (2, "spawn")])
def test_torch_loads_it(export, workers, method):
    """In a process of its own: forking one with all the threads of a test run is another matter."""
    pytest.importorskip("torch", reason="torch is not installed (extra 'train')")
    code = (
        "import sys, slab_exporter as se\n"
        "from torch.utils.data import DataLoader\n"
        "if __name__ == '__main__':\n"
        f"    slabs = se.SlabDataset({str(export)!r})\n"
        "    first = slabs[0]['image']\n"  # SimpleITK has been at work before the workers are forked
        f"    loader = DataLoader(slabs, batch_size=1, num_workers={workers}, multiprocessing_context={method!r})\n"
        "    batches = list(loader)\n"
        "    assert (batches[0]['image'][0].numpy() == first).all()\n"
        "    print(len(batches), tuple(batches[3]['image'].shape), batches[3]['case'], batches[3]['image'].dtype,\n"
        "          tuple(batches[3]['affine'].shape), batches[3]['ijk_stop'].tolist())\n"
    )
    script = export.parent / f"load_{workers}_{method}.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(LIBRARY)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    item = se.SlabDataset(export)[3]
    shape = (1, *item["image"].shape)
    assert (
        done.stdout.split("\n")[0]
        == f"12 {shape} ['{item['case']}'] torch.int16 (1, 4, 4) [{item['ijk_stop'].tolist()}]"
    )


def test_monai_takes_the_data_list(export):
    data = pytest.importorskip("monai.data", reason="monai is not installed (extra 'train')")
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    slabs = se.SlabDataset(export, part="training")
    keys = ["image", "label", "label_tumour"]
    loaded = data.Dataset(slabs.data_list(), Compose([LoadImaged(keys), EnsureChannelFirstd(keys)]))
    listed = data.load_decathlon_datalist(export / "dataset.json", is_segmentation=True, data_list_key="training")
    assert [entry["image"] for entry in slabs.data_list()] == [entry["image"] for entry in listed]
    for theirs, ours in zip(loaded, slabs, strict=True):
        for key in keys:
            assert np.array_equal(theirs[key].numpy(), ours[key].astype(np.float32))
        assert np.allclose(theirs["image"].affine.numpy(), ours["affine"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("format", ["nii.gz", "dicom"])
def test_torchio_takes_the_subjects(tmp_path, format):
    torchio = pytest.importorskip("torchio", reason="torchio is not installed (extra 'train')")
    if format == "dicom":
        pytest.importorskip("highdicom", reason="highdicom is not installed (extra 'dicom-seg')")
    scans, masks = source_files(tmp_path, cases=1)
    se.export(scans, tmp_path / "out", thickness=4, labels=masks, format=format)
    slabs = se.SlabDataset(tmp_path / "out")
    subjects = torchio.SubjectsDataset(slabs.subjects(), transform=torchio.Compose([torchio.ToCanonical()]))
    for plain, subject, ours in zip(slabs.subjects(), subjects, slabs, strict=True):
        assert np.array_equal(plain["image"].data.numpy(), ours["image"])
        assert np.allclose(plain["image"].affine, ours["affine"], rtol=0, atol=1e-9)
        assert isinstance(plain["label"], torchio.LabelMap)
        assert subject["image"].orientation == ("R", "A", "S")
        assert np.array_equal(np.sort(subject["label"].data.numpy(), axis=None), np.sort(ours["label"], axis=None))
        assert (subject["case"], subject["index"]) == ("case0", ours["index"])


def test_subjects_are_made_as_torchio_2_wants_them(export, monkeypatch):
    """By keywords alone; tried with its 2.0.0a2, whose constructors these are."""
    made = SimpleNamespace(__version__="2.0.0")

    def image(source, *, reader):
        return reader(source)

    made.ScalarImage = made.LabelMap = image
    made.Subject = lambda **images: images
    monkeypatch.setitem(sys.modules, "torchio", made)
    item, subject = se.SlabDataset(export)[1], se.SlabDataset(export).subjects()[1]
    voxels, place = subject["image"]
    assert np.array_equal(voxels, item["image"])
    assert np.array_equal(place, item["affine"])
    assert (subject["case"], subject["index"]) == ("case0", 1)
