"""A series that is sent again between the scan and the reading: new voxels never get the old geometry."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import slab_exporter as se
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import SeriesOptions
from slab_exporter.dicom.reading import headers
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import combined_sha256, series_sha256
from slab_exporter.dicom.writing.attributes import SourceHeaders
from support.dicom_phantoms import ORIGIN, SPACING, change, uid, voxels, write_series
from support.dicom_series import only
from support.trees import tree

CHANGED = r"003 was changed after its series had been found: .* Run again when the series is whole\."


@pytest.mark.parametrize(
    "attribute",
    [
        {"ImagePositionPatient": [ORIGIN[0], ORIGIN[1], ORIGIN[2] + 3 * SPACING[2] + 531]},
        {"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]},
        {"PixelSpacing": [1.5, 1.5]},
        {"RescaleSlope": 2},
        {"RescaleIntercept": -1024},
        {"BitsStored": 12},
        {"PixelRepresentation": 0},
        {"Columns": 9, "Rows": 7},
        {"InstanceNumber": 9},
        {"SeriesInstanceUID": "1.2.3"},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_a_header_that_is_another_one_is_refused(tmp_path, attribute):
    series = only(write_series(tmp_path, voxels()))
    change(tmp_path / "003", **attribute)
    with pytest.raises(InputError, match=CHANGED):
        load_series(series, SeriesOptions())


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2"])
def test_it_is_noticed_whatever_the_encoding(tmp_path, syntax):
    write_series(tmp_path, voxels())
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path, enforce_file_format=True, implicit_vr=syntax.endswith("1.2"), little_endian=True)
    series = only(tmp_path)
    np.testing.assert_array_equal(load_series(series, SeriesOptions()).voxels_kji, voxels())
    change(tmp_path / "003", RescaleIntercept=5)
    with pytest.raises(InputError, match=CHANGED):
        load_series(series, SeriesOptions())


def test_a_slice_that_shrank_or_went_is_one_sentence(tmp_path):
    series = only(write_series(tmp_path, voxels()))
    content = (tmp_path / "003").read_bytes()
    (tmp_path / "003").write_bytes(content[:200])
    with pytest.raises(InputError, match=CHANGED):
        load_series(series, SeriesOptions())
    (tmp_path / "003").unlink()
    with pytest.raises(InputError, match="003 cannot be read"):
        load_series(series, SeriesOptions())


def test_other_pixels_behind_the_same_header_are_the_ones_that_are_summed(tmp_path):
    """Voxels and check sum come from one reading, whichever pixels it meets."""
    series = only(write_series(tmp_path, voxels()))
    content = (tmp_path / "003").read_bytes()
    (tmp_path / "003").write_bytes(content[: -voxels()[3].nbytes] + (voxels()[3] + 1).tobytes())
    volume = load_series(series, SeriesOptions())
    expected = voxels()
    expected[3] += 1
    np.testing.assert_array_equal(volume.voxels_kji, expected)
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()]
    assert volume.sha256 == combined_sha256(sums) == series_sha256(series)


def test_a_file_that_is_written_while_it_is_scanned_is_damaged(tmp_path, monkeypatch):
    write_series(tmp_path, voxels())

    def written_meanwhile(path, _slices, _behind):
        if path.name == "003":
            change(path, ImagePositionPatient=[0, 0, 0])

    monkeypatch.setattr(headers, "_require_pixels", written_meanwhile)
    assert "003 was changed while it was being read" in only(tmp_path).verdict.reason


def test_attributes_of_slabs_are_not_taken_from_what_was_sent_later(tmp_path):
    series = only(write_series(tmp_path, voxels()))
    source = SourceHeaders()
    assert source.read(series.slices[0]).PatientID == "P1"
    change(Path(series.slices[1].path), PatientID="P2")
    with pytest.raises(InputError, match="was changed after its series had been found"):
        source.read(series.slices[1])


def two_series(folder, away=0.0):
    """Two patients; the second one's images lie ``away`` mm further up and hold other values if that is not 0."""
    write_series(folder / "a", voxels(), SeriesInstanceUID=uid("a"), PatientID="A")
    heights = [ORIGIN[2] + away + n * SPACING[2] for n in range(6)]
    values = voxels() + np.int16(7 * (away != 0))
    write_series(folder / "b", values, heights, SeriesInstanceUID=uid("b"), PatientID="B")


def test_a_series_sent_again_while_an_earlier_case_is_being_worked_on_is_refused(tmp_path):
    two_series(tmp_path / "in")
    out = tmp_path / "out"

    def send_again(event):
        if event.kind == "case-started" and event.case.startswith("A"):
            two_series(tmp_path / "in", 531.0)

    asked = {"thickness": 3, "jobs": 1}
    result = se.export(tmp_path / "in", out, progress=send_again, **asked)
    assert [manifest.case[0] for manifest in result.manifests] == ["A"]
    assert "was changed after its series had been found" in str(result.failures[0].error)
    again = se.export(tmp_path / "in", out, resume=True, **asked)
    (made,) = [manifest for manifest in again.manifests if manifest.case[0] == "B"]
    assert made.geometry.affine_ras[2, 3] == pytest.approx(ORIGIN[2] + 531)
    assert all(not report.differences for report in se.verify(out))


def test_the_earlier_export_stays_where_its_series_changes_during_a_resume(tmp_path):
    two_series(tmp_path / "in")
    out = tmp_path / "out"
    se.export(tmp_path / "in", out, thickness=3, jobs=1)
    before = {name: data for name, data in tree(out).items() if name.startswith("B")}

    def send_again(event):
        if event.kind == "case-skipped":
            two_series(tmp_path / "in", 531.0)

    result = se.export(tmp_path / "in", out, thickness=3, jobs=1, resume=True, progress=send_again)
    assert "The earlier export of this case stays as it was." in str(result.failures[0].error)
    assert {name: data for name, data in tree(out).items() if name.startswith("B")} == before
    assert json.loads(before[next(name for name in before if name.endswith("manifest.json"))])["case"][0] == "B"
