"""Which images become channels of one case, and what is said where they do not."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import slab_exporter as se
from pydicom.uid import generate_uid
from slab_exporter.cases.find import find_cases, match_summary
from slab_exporter.core.errors import RequestError
from support.channels import BRATS, PLACE, brats, channel_phantom
from support.dicom_phantoms import voxels, write_series
from support.phantoms import save_nifti
from support.trees import touch


def shown(cases, folder: Path) -> dict[str, dict[str, str]]:
    """Case -> channel -> path below the folder; of label sets likewise."""
    found = {}
    for case in cases:
        names = (case.channel, *case.channels)
        images = {name: one.image for name, one in zip(names, case.images, strict=True)} | case.labels
        found[case.name] = {name: path.relative_to(folder).as_posix() for name, path in images.items()}
    return found


def test_without_asking_nothing_is_grouped(tmp_path):
    folder = touch(tmp_path, "liver_0_0000.nii.gz", "liver_0_0001.nii.gz", "P1_t1.nii.gz", "P1_flair.nii.gz")
    assert [case.channels for case in find_cases([folder], [])] == [{}] * 4


def test_nnunets_names_are_channels_in_the_order_of_their_numbers(tmp_path):
    names = ("liver_1", "liver_10", "liver_2")
    images = [f"imagesTr/{name}_{n:04d}.nii.gz" for name in names for n in range(3)]
    folder = touch(tmp_path, *images, *(f"labelsTr/{name}.nii.gz" for name in names))
    cases = find_cases([folder], [], channels=["auto"])
    assert shown(cases, folder) == {
        name: {f"{n:04d}": f"imagesTr/{name}_{n:04d}.nii.gz" for n in range(3)} | {"labels": f"labelsTr/{name}.nii.gz"}
        for name in ("liver_1", "liver_2", "liver_10")
    }
    assert match_summary(cases)[0] == "3 cases of 3 channels (0000, 0001, 0002)"
    assert len({case.group for case in cases}) == 3


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("BraTS-GLI-00005-100/BraTS-GLI-00005-100-{}.nii.gz", ("t1n", "t1c", "t2w", "t2f")),
        ("BraTS20_Training_001/BraTS20_Training_001_{}.nii", ("t1", "t1ce", "t2", "flair")),
        ("P7/{}.nii.gz", ("t1", "t2", "flair")),
    ],
)
def test_brats_names_are_channels_in_the_order_of_the_data_set(tmp_path, name, kinds):
    again = name.replace("5-100", "6-100").replace("001", "002").replace("P7", "P8")
    folder = touch(tmp_path, *(text.format(kind) for text in (name, again) for kind in (*kinds, "seg")))
    cases = find_cases([folder], [], channels=["auto"])
    assert len(cases) == 2
    first = shown(cases, folder)[Path(name).parent.name]
    assert first == {kind: name.format(kind) for kind in kinds} | {"labels": name.format("seg")}
    assert list(first)[:-1] == list(kinds)


def test_patterns_name_channels_in_their_order(tmp_path):
    folder = touch(
        tmp_path, *(f"{p}/mri/{p}.{k}.nrrd" for p in ("anna", "bob") for k in ("post", "pre", "sub")), "masks/anna.nrrd"
    )
    told = []
    cases = find_cases(
        [folder],
        [f"{folder}/masks/{{case}}.nrrd"],
        warn=told.append,
        channels=["pre={case}/mri/{case}.pre.nrrd", "post={case}/mri/{case}.post.nrrd"],
    )
    assert shown(cases[:1], folder) == {
        "anna": {"pre": "anna/mri/anna.pre.nrrd", "post": "anna/mri/anna.post.nrrd", "labels": "masks/anna.nrrd"}
    }
    assert "bob.nrrd" in cases[1].problem
    assert any("2 images fit no pattern of a channel and are left out" in text for text in told)


@pytest.mark.parametrize("pattern", ["{}=*/{}.nii.gz", "{}={}.nii.gz", "{}={}", "{}=?nna/{}.nii.gz"])
def test_folders_may_tell_the_cases_apart(tmp_path, pattern):
    folder = touch(tmp_path, *(f"{p}/{k}.nii.gz" for p in ("anna", "enna") for k in ("a", "b")))
    cases = find_cases([folder], [], channels=[pattern.format(kind, kind) for kind in ("b", "a")])
    assert [case.name for case in cases] == (["a", "e"] if "?" in pattern else ["anna", "enna"])
    assert [[case.channel, *case.channels] for case in cases] == [["b", "a"]] * 2


def test_what_is_missing_or_there_twice_is_the_problem_of_its_case(tmp_path):
    folder = touch(tmp_path, "a_x.nii", "a_y.nii", "b_y.nii", "c_x.nii", "c_y.nii", "c_y.nrrd")
    cases = find_cases([folder], [], channels=["x={case}_x", "y={case}_y"])
    problems = {case.name: case.problem for case in cases}
    assert problems["a"] is None
    assert problems["b"] == f"b in {folder} has no image of the channel 'x' (it has: y)."
    assert problems["c"].startswith("c has 2 images of the channel 'y': ")


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        (["x=*.nii", "y=a*.nii"], "fits the patterns of the channels x and y; each image must fit one."),
        (["x=*.nii", "x=*.nrrd"], "Two channels are called 'x'"),
        (["auto", "x=*.nii"], "stands alone"),
        (["t1"], "is neither 'auto', '4d' nor NAME=PATTERN"),
        (["t1="], "is neither 'auto', '4d' nor NAME=PATTERN"),
        (["images=*.nii"], "cannot be called 'images'"),
        (["a/b=*.nii"], "cannot be called 'a/b'"),
        (["all=*.nii"], "cannot be called 'all'"),
        (["x={patient}.nii"], "holds '{patient}'; use {case}"),
        (["x=z*.nii"], "None of 2 images fits a pattern of a channel"),
        (["auto"], "finds no channels"),
        (["4d"], "finds no 4D file among 2 images"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(tmp_path, channels, sentence):
    with pytest.raises(RequestError) as refused:
        find_cases([touch(tmp_path, "a1.nii", "b1.nii")], [], channels=channels)
    assert sentence in str(refused.value)


def test_the_volumes_of_a_4d_file_are_channels(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    stack = np.stack([channel_phantom(n) for n in range(4)], axis=-1)
    save_nifti(folder / "BRATS_001.nii.gz", stack, PLACE)
    se.export(folder, tmp_path / "out", channels="4d", thickness=5)
    assert se.read_manifest(tmp_path / "out" / "BRATS_001").channel_names == ("0000", "0001", "0002", "0003")
    item = se.SlabDataset(tmp_path / "out")[0]
    box = tuple(slice(a, b) for a, b in zip(item["ijk_start"], item["ijk_stop"], strict=True))
    np.testing.assert_array_equal(item["image"], np.moveaxis(stack[box], -1, 0))
    assert not se.verify(tmp_path / "out")[0].differences
    back = nib.load(se.stitch(tmp_path / "out" / "BRATS_001", tmp_path / "b.nii.gz", channel="all").path)
    np.testing.assert_array_equal(np.asarray(back.dataobj), stack)
    with pytest.raises(RequestError, match="Choose either"):
        se.export(folder, tmp_path / "other", channels="4d", frame=1)


@pytest.mark.parametrize("first", ["image,image_t2", "image_t1,image_t2"])
def test_columns_of_a_list_are_channels_where_they_hold_volumes(tmp_path, first):
    brats(tmp_path, 2, ("t1", "t2"), labels=False)
    rows = [f"{n},P{n}_t1.nii.gz,P{n}_t2.nii.gz,good" for n in range(2)] + ["3,P0_t1.nii.gz,,bad"]
    (tmp_path / "list.csv").write_text("\n".join([f"case,{first},image_quality", *rows]))
    result = se.export(tmp_path / "list.csv", tmp_path / "out", jobs=1)
    assert [manifest.channel_names[1] for manifest in result.manifests] == ["t2", "t2"]
    assert result.manifests[0].channel == ("image" if first.startswith("image,") else "t1")
    (failure,) = result.failures
    assert str(failure.error).endswith("list.csv, line 4: the column 'image_t2' is empty.")
    with open(tmp_path / "out" / "slabs.csv", newline="") as file:
        assert {row["image_quality"] for row in csv.DictReader(file)} == {"good"}
    image = se.SlabDataset(tmp_path / "out")[0]["image"]
    np.testing.assert_array_equal(image, np.stack([channel_phantom(n) for n in range(2)]))


def test_dicom_series_are_channels(tmp_path):
    for patient in ("A", "B"):
        for number, kind in enumerate(("t1", "t2")):
            folder = tmp_path / "in" / patient / kind
            uids = {"PatientID": patient, "SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid()}
            write_series(folder, voxels() + np.int16(number), SOPInstanceUID=lambda _: generate_uid(), **uids)
    out = tmp_path / "out"
    result = se.export(tmp_path / "in", out, channels={"t1": "*/t1", "t2": "*/t2"}, thickness=3, format="dicom", jobs=1)
    assert not result.failures, result.failures[0].error
    assert [manifest.case for manifest in result.manifests] == ["A", "B"]
    assert [report.differences for report in se.verify(out)] == [(), ()]
    image = se.SlabDataset(out)[0]["image"]
    np.testing.assert_array_equal(image[1], image[0] + 1)


def test_series_of_channels_share_study_and_frame_of_reference(tmp_path):
    brats(tmp_path / "in", 1, BRATS[:2], labels=False)
    patterns = {name: f"*_{name}.nii.gz" for name in BRATS[:2]}
    result = se.export(tmp_path / "in", tmp_path / "out", channels=patterns, format="dicom")
    assert not result.failures, result.failures[0].error
    slab = result.manifests[0].slabs[0]
    heads = [pydicom.dcmread(next((tmp_path / "out" / "P0" / path).iterdir())) for path in slab.images]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "StudyDescription"):
        assert heads[0][keyword] == heads[1][keyword]
    for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SeriesDescription"):
        assert heads[0][keyword] != heads[1][keyword]
    assert heads[1].SeriesDescription.startswith("t1ce ")


def test_the_command_line_groups_and_shows_it_beforehand(tmp_path, run_cli):
    source = brats(tmp_path / "in")
    code, out, err = run_cli("export", source, "-o", tmp_path / "out", "--channels", "auto", "--dry-run", "--json")
    assert code == 0, err
    assert '"channels": {"t1": ' in out
    assert not (tmp_path / "out").exists()
    code, _, err = run_cli("export", source, "-o", tmp_path / "out", "--channels", "auto", "--jobs", "1")
    assert code == 0, err
    assert "2 cases of 4 channels (t1, t1ce, t2, flair); label set 'labels': 2 by" in err
    code, _, err = run_cli("stitch", tmp_path / "out" / "P1", "-o", tmp_path / "b.nii.gz", "--channel", "flair")
    assert code == 0, err
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "b.nii.gz").dataobj), channel_phantom(3, 1))
    (source / "P1_flair.nii.gz").unlink()
    code, _, err = run_cli("export", source, "-o", tmp_path / "o2", "--channels", "auto", "--jobs", "1")
    assert code == 1
    assert "has no image of the channel 'flair' (it has: t1, t1ce, t2)" in err
    code, _, err = run_cli("export", source, "-o", tmp_path / "o3", "--channels", "t9=*_t9.nii.gz")
    assert code == 2
    assert not (tmp_path / "o3").exists()
    code, _, err = run_cli("export", source, "-o", tmp_path / "o4", "--options", tmp_path / "out" / "options.json")
    assert code == 1
    assert (tmp_path / "o4" / "P0" / "flair").is_dir()
