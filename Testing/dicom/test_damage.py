"""A series of which an image is lost or damaged is refused by name, or taken without it when that is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import SeriesOptions
from slab_exporter.core.text import command_words, in_words
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import find_series, series_of_files
from slab_exporter.dicom.reading.series import Kind
from support.dicom_phantoms import uid, voxels, write_series
from support.dicom_series import only

ALLOWED = SeriesOptions(allow_damaged=True)


def refusal(series) -> str:
    with pytest.raises(InputError) as caught:
        load_series(series, SeriesOptions())
    return in_words(caught.value.sentence, command_words)


def last_of(folder):
    return max(folder.iterdir())


DAMAGES = {
    "cut to a few bytes": lambda content: content[:100],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "beginning lost": lambda content: bytes(200) + content[200:],
    "cut inside its file meta": lambda content: content[:180],
    "cut inside its pixels": lambda content: content[:-20],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("series", [1, 3])
def test_an_image_at_the_end_that_is_damaged_does_not_shorten_the_volume(tmp_path, damage, series):
    values = voxels()
    for n in range(series):
        write_series(tmp_path / f"{n}", values, SeriesInstanceUID=uid("series", n), SeriesNumber=n)
        for path in (tmp_path / f"{n}").iterdir():
            path.rename(tmp_path / f"IM{100 * n + int(path.name):04d}")
        (tmp_path / f"{n}").rmdir()
    last = last_of(tmp_path)
    last.write_bytes(DAMAGES[damage](last.read_bytes()))
    *others, found = find_series(tmp_path)
    assert all(one.verdict.kind is Kind.REGULAR for one in others)
    text = refusal(found)
    assert str(last) in text
    assert "To take the rest, use --allow-damaged." in text
    volume = load_series(found, ALLOWED)
    np.testing.assert_array_equal(volume.voxels_kji, values[:-1])
    assert str(last) in volume.warnings[0]
    assert str(last) in volume.record["allow_damaged"]


@pytest.mark.parametrize("kept", [250, 700])
def test_a_file_cut_before_or_inside_its_series_uid_is_known_by_its_neighbours(tmp_path, kept):
    write_series(tmp_path / "a", voxels(), SeriesInstanceUID=uid("a"))
    write_series(tmp_path / "b", voxels(), SeriesInstanceUID=uid("b"), SOPInstanceUID=lambda n: uid("b", n))
    for path in (tmp_path / "b").iterdir():
        path.rename(tmp_path / "a" / f"1{path.name}")
    last = last_of(tmp_path / "a")
    content = last.read_bytes()
    last.write_bytes(content[: content.index(uid("b").encode()) - 4 if kept == 250 else None][:kept])
    kinds = {one.info.series_uid: one.verdict.kind for one in find_series(tmp_path)}
    assert kinds == {uid("a"): Kind.REGULAR, uid("b"): Kind.UNUSABLE}


def test_files_that_were_never_meant_to_be_images_change_nothing(tmp_path):
    write_series(tmp_path, voxels())
    for name in ("README", "notes1.txt", "000.json", "Thumbs.db", "LICENSE"):
        (tmp_path / name).write_bytes(b"not an image")
    assert only(tmp_path).verdict.kind is Kind.REGULAR


def test_an_image_of_another_name_is_known_by_its_size(tmp_path):
    write_series(tmp_path, voxels())
    (tmp_path / "copy").write_bytes(bytes((tmp_path / "000").stat().st_size))
    assert "exactly as large as an image beside it" in refusal(only(tmp_path))


def test_images_called_img_are_known_too(tmp_path):
    write_series(tmp_path, voxels())
    for path in sorted(tmp_path.iterdir()):
        path.rename(path.with_suffix(".img"))
    last_of(tmp_path).write_bytes(bytes(500))
    assert "005.img" in refusal(only(tmp_path))


def test_files_given_one_by_one_are_as_incomplete_as_their_folder(tmp_path):
    write_series(tmp_path, voxels())
    (tmp_path / "006").touch()
    (series,) = series_of_files(sorted(tmp_path.iterdir())[:6])
    assert "006 is empty" in refusal(series)


# --- what the headers say ---


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"ImagesInAcquisition": 7}, "its images state ImagesInAcquisition 7, but it has 6 images"),
        ({"NumberOfSeriesRelatedInstances": 8}, "NumberOfSeriesRelatedInstances 8, but it has 6 files"),
        ({"NumberOfSlices": 7}, "its images state NumberOfSlices 7, but it has 6 positions"),
        ({"InstanceNumber": lambda n: n + 2}, "InstanceNumber begins with 2 (000)"),
        (
            {"InstanceNumber": lambda n: (1, 5, 2, 6, 3, 7)[n]},
            "InstanceNumber 4 is missing, between 3 (004) and 5 (001)",
        ),
    ],
)
def test_counts_and_numbers_that_the_images_do_not_reach_are_evidence(tmp_path, attributes, said):
    write_series(tmp_path, voxels(), **attributes)
    assert said in refusal(only(tmp_path))
    np.testing.assert_array_equal(load_series(only(tmp_path), ALLOWED).voxels_kji, voxels())


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImagesInAcquisition": 1},
        {"NumberOfSlices": 6},
        {"NumberOfTemporalPositions": 5},
        {"InstanceNumber": lambda n: n + 101},
        {"InstanceNumber": lambda n: 2 * n + 1},
        {"InstanceNumber": lambda n: 6 - n},
        {"InstanceNumber": lambda n: (1, 4, 2, 5, 3, 6)[n]},
        {"InstanceNumber": lambda n: n if n < 3 else n + 1},
    ],
)
def test_counts_that_are_reached_and_numbers_that_prove_nothing_lost_are_not(tmp_path, attributes):
    write_series(tmp_path, voxels(), **attributes)
    assert only(tmp_path).verdict.kind is Kind.REGULAR


def test_times_that_are_missing_are_counted(tmp_path):
    write_series(tmp_path, voxels(), [(n // 2) * 4 for n in range(6)], NumberOfTemporalPositions=3,
                 TemporalPositionIdentifier=lambda n: n % 2 + 1)  # fmt: skip
    assert "NumberOfTemporalPositions 3, but it has 2 times" in refusal(only(tmp_path))
    assert load_series(only(tmp_path), ALLOWED, 1).frame == 1


# --- through the whole export ---


def test_what_was_accepted_stands_in_manifest_and_report_and_verifies(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels())
    (tmp_path / "in" / "005").write_bytes(bytes(300))
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 2
    assert "005 does not begin like DICOM" in error
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--allow-damaged")
    assert code == 0, error
    (path,) = (tmp_path / "out").glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    assert "005 does not begin like DICOM" in manifest["source"]["allow_damaged"]
    assert manifest["warnings"][0].startswith("Incomplete, accepted by --allow-damaged: a file of it cannot be used")
    assert "accepted by --allow-damaged" in (tmp_path / "out" / "report.html").read_text()
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_each_volume_of_a_series_becomes_a_case(tmp_path, run_cli):
    values = voxels()
    write_series(tmp_path / "in", values, [0, 2.5, 5, 90, 92.5, 95])
    asked = ("export", tmp_path / "in", "-o", tmp_path / "out", "--split-series")
    code, _, error = run_cli(*asked, "--frame", 1)
    assert code == 2
    assert "Choose either --frame 1 or --split-series" in error
    code, _, error = run_cli(*asked)
    assert code == 0, error
    manifests = sorted((tmp_path / "out").glob("*/manifest.json"))
    assert [path.parent.name for path in manifests] == [f"P1_20200102_3_phantom_frame-{n}" for n in (0, 1)]
    assert [json.loads(path.read_text())["source"]["frame"] for path in manifests] == [0, 1]
    groups = {
        entry["slab"]["group"] for entry in json.loads((tmp_path / "out" / "dataset.json").read_text())["training"]
    }
    assert groups == {"P1"}
    assert run_cli("verify", tmp_path / "out")[0] == 0
    code, _, error = run_cli(*asked, "--resume")
    assert code == 0, error


def test_a_deidentified_case_says_that_images_are_lost_and_names_no_file(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels(), [0, 4, 8, 12.05, 16, 20])
    for path in (tmp_path / "in").iterdir():
        path.rename(path.with_name(f"SMITH{path.name}"))
    (tmp_path / "in" / "SMITH006").write_bytes(bytes(300))
    asked = ("--allow-damaged", "--allow-uneven", 1, "--deidentify")
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", *asked)
    assert code == 0, error
    (path,) = (tmp_path / "out").glob("*/manifest.json")
    assert json.loads(path.read_text())["source"]["allow_damaged"] == "images are lost or damaged"
    for file in (tmp_path / "out").rglob("*"):
        assert b"SMITH" not in (file.read_bytes() if file.is_file() else file.name.encode())
