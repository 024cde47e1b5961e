"""Images that contradict each other: none is lost or stacked in silence, and each refusal has a remedy that works."""

from __future__ import annotations

import numpy as np
import pytest
from support.dicom_phantoms import change, voxels, write_image, write_series
from support.dicom_series import load, refusal


def test_the_complete_volume_among_images_that_agree_is_offered_and_the_rest_said(tmp_path):
    """Four images state one agent, three of them at one time; two state none."""
    values = voxels()
    write_series(tmp_path, values, [0, 5, 10, 0, 5, 10], ContentTime=lambda n: f"10150{n // 3}",
                 ContrastBolusAgent=lambda n: "IOMERON" if n in (1, 3, 4, 5) else None)  # fmt: skip
    text = refusal(tmp_path)
    assert "2 volumes of 2 or 3 slices, told apart by ContrastBolusAgent; 1 image is left out (001 for one)" in text
    np.testing.assert_array_equal(load(tmp_path, 0).voxels_kji, values[[0, 2]])
    np.testing.assert_array_equal(load(tmp_path, 1).voxels_kji, values[3:])
    assert "1 image is left out (001 for one)" in load(tmp_path, 1).warnings[0]


def test_no_volume_of_one_slice_is_offered(tmp_path):
    write_series(tmp_path, voxels(), [0, 2, 4, 2, 0, 4], ContentTime=lambda n: f"10150{n // 3}",
                 KVP=lambda n: 80 if n in (1, 3) else 120)  # fmt: skip
    assert "its images differ in KVP: 4 state KVP 120, 2 state KVP 80 (001 for one)" in refusal(tmp_path, 0)


def test_volumes_are_in_the_same_order_in_every_process(tmp_path):
    """An anonymiser gave all images one number; the order of a set of texts changes from process to process."""
    for n in range(12):
        own = {"InstanceNumber": 1, "ContentTime": f"1015{n // 2:02}"}
        write_image(tmp_path / f"{n:02}", voxels()[0] + np.int16(n // 2), (0, 0, n % 2), **own)
    assert [int(load(tmp_path, frame).voxels_kji[0, 0, 0]) for frame in range(6)] == [n - 1000 for n in range(6)]


def test_a_localizer_among_axial_images_is_no_slice_of_theirs(tmp_path):
    write_series(tmp_path, voxels(), ImageType=lambda n: ["ORIGINAL", "PRIMARY", "AXIAL" if n else "LOCALIZER"])
    assert "5 are not localizers (ImageType), 1 are localizers (ImageType) (000 for one)" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"TemporalPositionIdentifier": lambda n: 1 + n // 3}, "stacked from 2 times (TemporalPositionIdentifier)"),
        (
            {"ImageType": lambda n: ["ORIGINAL" if n else "DERIVED", "PRIMARY", "AXIAL"]},
            r"differ in ImageType: 5 state ORIGINAL\PRIMARY\AXIAL, 1 state DERIVED\PRIMARY\AXIAL",
        ),
    ],
)
def test_times_and_kinds_of_images_that_are_stacked_are_said(tmp_path, attributes, said):
    write_series(tmp_path, voxels(), **attributes)
    assert said in load(tmp_path).warnings[0]


@pytest.mark.parametrize("remedy", ["a folder of their own", "correct KVP in their headers"])
def test_the_remedies_for_a_contradiction_work(tmp_path, remedy):
    values = voxels()
    write_series(tmp_path / "all", values, KVP=lambda n: 80 if n == 5 else 120)
    assert remedy in refusal(tmp_path / "all")
    if "folder" in remedy:
        _put_aside(tmp_path, "005")
    else:
        change(tmp_path / "all" / "005", KVP=120)
    np.testing.assert_array_equal(load(tmp_path / "all").voxels_kji, values[: 5 if "folder" in remedy else 6])


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_an_image_without_its_place_is_refused_with_a_remedy_that_works(tmp_path, keyword):
    values = voxels()
    write_series(tmp_path / "all", values)
    write_image(tmp_path / "all" / "006", values[0], (0, 0, 0), **{keyword: None})
    text = refusal(tmp_path / "all")
    assert f"1 of its 7 images do not state {keyword} (the first is 006). Put images like it into a folder" in text
    _put_aside(tmp_path, "006")
    np.testing.assert_array_equal(load(tmp_path / "all").voxels_kji, values)


def test_a_count_of_slices_is_no_evidence_where_images_are_tiles_or_have_no_place(tmp_path):
    """As UIH scanners write them (SaveBySlc): what is wrong is that they are tiles, not that images are missing."""
    write_series(tmp_path, voxels(), NumberOfSlices=17, ImagePositionPatient=None)
    text = refusal(tmp_path)
    assert "do not state ImagePositionPatient" in text
    assert "NumberOfSlices" not in text


def _put_aside(folder, name) -> None:
    (folder / "own").mkdir()
    (folder / "all" / name).rename(folder / "own" / name)
