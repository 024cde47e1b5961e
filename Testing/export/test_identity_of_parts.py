"""Deidentified exports of series that are damaged or hold several volumes: no word of them goes out either."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from export.test_identity import Secrets, add_private, found, needs, secret_attributes
from support.dicom_phantoms import ORIGIN, uid, voxels, write_image

TIMES, PLACES = 3, 5


def series_of_times(folder: Path, secrets: Secrets) -> Path:
    """A series of two whole times and of one that was cut short; names of files hold words, and spaces.

    Of one more file nothing but zeros is left, and one was cut off within its header.
    """
    place = folder / secrets.word() / f"{secrets.word()} {secrets.word()}"
    attributes = secret_attributes(secrets)
    number = 0
    for time in range(TIMES):
        for k in range(PLACES if time < TIMES - 1 else 2):
            number += 1
            path = place / f"{secrets.word()} {secrets.word()} {number:03d}.dcm"
            own = {"TemporalPositionIdentifier": time + 1, "InstanceNumber": number, "Modality": "MR"}
            own |= {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "SOPInstanceUID": secrets.known(uid("parts", number))}
            position = (ORIGIN[0], ORIGIN[1], ORIGIN[2] + 3 * k)
            write_image(path, voxels((1, 9, 7), 100 * number)[0], position, **(attributes | own))
            add_private(path, secrets)
    (place / f"{secrets.word()} {secrets.word()} 013.dcm").write_bytes(bytes(2000))
    whole = next(place.iterdir()).read_bytes()
    (place / f"{secrets.word()} {secrets.word()} 014.dcm").write_bytes(whole[:900])
    return place


def told(text: str, secrets: Secrets) -> bool:
    return any(word in text for word in secrets.words)


@pytest.mark.parametrize("kind", ["nii.gz", "nrrd", "dicom"])
def test_no_word_of_a_damaged_series_of_several_volumes_is_found(tmp_path, run_cli, kind):
    needs(kind)
    secrets = Secrets()
    place = series_of_times(tmp_path / "in", secrets)
    out, key = tmp_path / "out", tmp_path / "key.csv"
    asked = ("export", place, "-o", out, "--format", kind, "--thickness", 3, "--split-series", "--allow-damaged")
    code, _, error = run_cli(*asked, "--deidentify", "--key-file", key)
    assert code == 0, error
    assert "2 images are left out" in error, "the user is told what the files are called"
    assert told(error, secrets)
    assert found(out, secrets.words) == []
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["case-0001", "case-0002"]
    rows = list(csv.DictReader(key.open()))
    assert [row["name"].rsplit("_frame-", 1)[1] for row in rows] == ["0", "1"]
    assert [row["case"] for row in rows] == ["case-0001", "case-0002"]
    assert {row["source"] for row in rows} == {str(place)}
    assert {row["group"] for row in rows} == {"group-0001"}
    for n, name in enumerate(("case-0001", "case-0002")):
        source = json.loads((out / name / "manifest.json").read_text())["source"]
        assert (source["path"], source["frame"]) == (None, n)
        assert source["allow_damaged"] == "images are lost or damaged"
        assert "series_instance_uid" not in source
    assert run_cli("verify", out)[0] == 0
    code, _, error = run_cli(*asked, "--deidentify", "--key-file", key, "--resume")
    assert (code, error.count("complete already")) == (0, 2)
    assert found(out, secrets.words) == []


def test_the_values_of_a_deidentified_part_are_those_of_its_time(tmp_path, run_cli):
    import nibabel as nib

    place, out = series_of_times(tmp_path / "in", Secrets()), tmp_path / "out"
    asked = ("--split-series", "--allow-damaged", "--deidentify", "--quiet")
    assert run_cli("export", place, "-o", out, *asked)[0] == 0
    slab = nib.load(out / "case-0002" / "images" / "case-0002_slab-000.nii.gz")
    expected = np.stack([voxels((1, 9, 7), 100 * (PLACES + k + 1))[0] for k in range(PLACES)])
    np.testing.assert_array_equal(np.asanyarray(slab.dataobj).T, expected)


@pytest.mark.parametrize("name", ["Mary Smith 3.dcm", "Mary,Smith;3", "1", "Smith: 2. (b).dcm"])
def test_a_file_is_not_named_whatever_its_name_is_made_of(tmp_path, run_cli, name):
    """A sentence about an image that was left out ends with its file's name."""
    for time in range(3):
        for k in range(4 if time < 2 else 1):
            path = tmp_path / "in" / (name if time == 2 else f"{time}{k}.x")
            own = {"TemporalPositionIdentifier": time + 1, "InstanceNumber": 10 * time + k}
            write_image(path, voxels((1, 5, 6), 7 * time + k)[0], (0, 0, 3 * k), **own)
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--split-series", "--deidentify")
    assert code == 0, error
    assert f"1 image is left out ({name} for one)" in error
    for path in (tmp_path / "out").glob("*/manifest.json"):
        warnings = json.loads(path.read_text())["warnings"]
        assert not [text for text in warnings if "left out" in text]
        assert [text for text in warnings if "not kept" in text]
    assert name == "1" or found(tmp_path / "out", [name, "Smith"]) == []
