"""Series with a fault that would change what is cut: refused with a sentence, never shortened or mixed."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.core.errors import InputError
from slab_exporter.dicom.reading.multiframe import flattened
from slab_exporter.dicom.reading.parsing import quiet_pydicom
from slab_exporter.dicom.reading.scan import find_series, reread, series_sha256
from slab_exporter.dicom.reading.series import Kind
from slab_exporter.dicom.writing.attributes import copied
from support.dicom_phantoms import MR, uid, voxels, write_image, write_series
from support.dicom_series import load, refusal


@pytest.mark.parametrize("kept", [140, 400, 600])
def test_a_series_whose_last_file_was_cut_off_is_refused_and_not_shortened(tmp_path, kept):
    write_series(tmp_path, voxels())
    last = tmp_path / "005"
    last.write_bytes(last.read_bytes()[:kept])
    text = refusal(tmp_path)
    assert "a file of it cannot be used" in text
    assert str(last) in text


def test_an_empty_file_called_dcm_is_an_image_that_was_lost(tmp_path):
    write_series(tmp_path, voxels())
    (tmp_path / "006.dcm").touch()
    assert "006.dcm" in refusal(tmp_path)


def test_an_unreadable_position_in_one_file_refuses_its_series_alone(tmp_path):
    write_series(tmp_path, voxels())
    write_series(tmp_path / "other", voxels(), SeriesInstanceUID=uid("other"), SeriesDescription="other")
    last = tmp_path / "005"
    last.write_bytes(last.read_bytes().replace(b"-399.5", b"-3x9.5"))
    other, series = find_series(tmp_path)
    assert other.verdict.kind is Kind.REGULAR
    assert series.verdict.kind is Kind.UNUSABLE
    assert str(last) in series.sentence()


def test_a_negative_number_of_frames_is_refused_in_a_sentence(tmp_path):
    write_series(tmp_path, voxels(), NumberOfFrames=-3)
    with pytest.raises(InputError, match="NumberOfFrames is -3"):
        find_series(tmp_path)


def test_compressed_pixels_under_a_native_transfer_syntax_are_refused(tmp_path):
    write_series(tmp_path, voxels(), TransferSyntaxUID="1.2.840.10008.1.2.4.90",
                 PixelData=pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + b"\0" * 500]))  # fmt: skip
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.1\0\0\0"))
    assert "contradicts itself: its pixels are compressed" in refusal(tmp_path)


def test_gdcm_does_not_turn_the_values_of_monochrome1_over(tmp_path, monkeypatch):
    values = voxels(low=0).astype(np.uint16)
    write_series(tmp_path, values, PhotometricInterpretation="MONOCHROME1")
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.compress(pydicom.uid.RLELossless)
        dataset.save_as(path)

    def without_decoder(dataset):
        raise RuntimeError("no decoder")

    monkeypatch.setattr(pydicom.Dataset, "pixel_array", property(without_decoder))
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, values)


# --- several volumes ---


def four_volumes(folder):
    """Two echoes of magnitude and phase; planes hold echo + 100 for phase."""
    for n in range(3):
        kinds = [(echo, part) for part in "MP" for echo in (1, 2)]
        for t, (echo, part) in enumerate(kinds[2:] + kinds[:2] if n % 2 else kinds):
            write_image(
                folder / f"{n}{t}", np.full((9, 7), echo + 100 * (part == "P"), np.int16), (0, 0, n * 2.5),
                InstanceNumber=n * 4 + t + 1, EchoTime=echo * 5, SOPClassUID=MR, Modality="MR",
                ImageType=["ORIGINAL", "PRIMARY", part],
            )  # fmt: skip
    return folder


def test_volumes_that_only_two_attributes_together_tell_apart_are_not_mixed(tmp_path):
    four_volumes(tmp_path)
    assert "told apart by ImageType and EchoTime" in refusal(tmp_path)
    values = [set(load(tmp_path, frame).voxels_kji.flat) for frame in range(4)]
    assert sorted(map(tuple, values)) == [(1,), (2,), (101,), (102,)]


def test_an_order_by_number_that_would_mix_echoes_is_refused(tmp_path):
    for n in range(4):
        for t in range(4):
            echo = (t + n) % 4 // 2
            write_image(tmp_path / f"{n}{t}", voxels()[0], (0, 0, n * 2.5), InstanceNumber=n * 4 + t, EchoTime=5 + echo)
    assert "by InstanceNumber mixes images of different EchoTime" in refusal(tmp_path)


# --- two studies that share a SeriesInstanceUID ---


def two_studies(folder, one, other):
    for study, place in (("a", one), ("b", other)):
        for n, plane in enumerate(voxels()):
            write_image(folder / place / f"{study}{n}", plane + ord(study), (0, 0, n * 2.5), InstanceNumber=n + 1,
                        StudyInstanceUID=uid(study), SOPInstanceUID=uid(study, n))  # fmt: skip
    return folder


def test_two_studies_that_share_a_series_uid_in_one_folder_are_two_cases(tmp_path):
    two_studies(tmp_path, "", "")
    assert len({case.name for case in find_cases([tmp_path], [])}) == 2


def test_a_series_is_found_again_beside_one_with_the_same_uid_by_its_check_sum(tmp_path):
    for series in find_series(two_studies(tmp_path, "x", "y")):
        again = reread(tmp_path, series.info.series_uid, series_sha256(series))
        assert again.info.key == series.info.key


# --- geometry and texts ---


def test_an_oblique_tilted_series_is_resampled_whatever_rounding_does(tmp_path):
    row, column = np.array([0.6, 0.8, 0]), np.array([0.8, -0.6, 0]) * [1, 1, 0]
    normal = np.cross(row, column)
    values = np.full((4, 16, 16), 100, np.int16)
    for n, plane in enumerate(values):
        drift = np.array(row) * -1e-7 * n + np.array(column) * 0.8 * n
        write_image(tmp_path / str(n), plane, n * 2.5 * normal + drift, InstanceNumber=n + 1,
                    ImageOrientationPatient=[*row, *column])  # fmt: skip
    assert load(tmp_path, resample=True).voxels_kji.max() == 100


@pytest.mark.parametrize("name", ["Ж" * 30, "山田^太郎=" + "やまだ" * 12])
def test_long_names_in_other_scripts_are_copied(tmp_path, name):
    path = write_image(tmp_path / "x", voxels()[0], (0, 0, 0), SpecificCharacterSet="ISO_IR 192", PatientName=name)
    with quiet_pydicom():
        assert str(copied(pydicom.dcmread(path), ["PatientName"]).PatientName) == name


def test_a_report_beside_a_series_is_no_damaged_image(tmp_path):
    write_series(tmp_path, voxels())
    write_image(tmp_path / "report", voxels()[0], None, Rows=None, Columns=None, PixelData=None, Modality="SR",
                SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")  # fmt: skip
    assert load(tmp_path).geometry.shape_ijk == (7, 9, 6)


# --- attributes that are no numbers, or absurd ones ---


def replace_in_all(folder, good, bad):
    for path in folder.iterdir():
        content = path.read_bytes()
        assert good in content
        path.write_bytes(content.replace(good, bad))


@pytest.mark.parametrize("bad", [b"N/A ", b"1.50"])
def test_an_instance_number_that_is_no_number_is_done_without(tmp_path, bad):
    write_series(tmp_path, voxels(), InstanceNumber=7777)
    replace_in_all(tmp_path, b"IS\x04\x007777", b"IS\x04\x00" + bad)
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, voxels())


def test_a_comma_in_a_number_is_named_with_its_attribute(tmp_path):
    write_series(tmp_path, voxels(), RescaleSlope="7.77")
    replace_in_all(tmp_path, b"7.77", b"7,77")
    with pytest.raises(InputError, match="RescaleSlope is '7,77', which is not numeric"):
        find_series(tmp_path)


def test_a_frame_of_reference_for_each_image_is_warned_about(tmp_path):
    write_series(tmp_path, voxels(), FrameOfReferenceUID=lambda n: uid("frame", n))
    assert "different FrameOfReferenceUIDs" in load(tmp_path).warnings[0]


def test_float_pixels_are_refused_by_name(tmp_path):
    write_series(tmp_path, voxels())
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.FloatPixelData = dataset.PixelData * 2
        del dataset.PixelData
        dataset.save_as(path)
    assert "holds FloatPixelData" in refusal(tmp_path)


def test_a_slice_far_away_does_not_fill_the_memory_when_resampled(tmp_path):
    write_series(tmp_path, voxels(), [0, 1, 2, 3, 4, 5000])
    text = refusal(tmp_path, resample=True)
    assert "7 x 9 x 5001 voxels instead of 7 x 9 x 6" in text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"RescaleSlope": "1e308"}, "RescaleSlope 1e+308"),
        ({"ImagePositionPatient": lambda n: ["0", "0", "1e300" if n else "0"]}, "farther away than any patient"),
        ({"PixelSpacing": ["1e300", "1"]}, "PixelSpacing of 000 is 1e+300"),
    ],
)
def test_absurd_numbers_are_refused_in_a_sentence(tmp_path, attributes, said):
    write_series(tmp_path, voxels(), **attributes)
    assert said in refusal(tmp_path)


# --- files that are DICOM although they do not look like it ---


def test_files_with_meta_information_but_without_preamble_are_found(tmp_path):
    write_series(tmp_path, voxels())
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[132:])
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, voxels())


def test_big_endian_files_without_meta_information_are_found(tmp_path):
    values = voxels()
    write_series(tmp_path, values.byteswap(), TransferSyntaxUID="1.2.840.10008.1.2.1")
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        buffer = pydicom.filebase.DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = False, False
        del dataset.file_meta
        pydicom.filewriter.write_dataset(buffer, pydicom.Dataset(dataset))
        path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, values)


def test_dicom_files_called_img_are_found_and_analyze_files_are_not_taken_for_them(tmp_path):
    write_series(tmp_path, voxels())
    for path in sorted(tmp_path.iterdir())[3:]:
        path.rename(path.with_suffix(".img"))
    (tmp_path / "analyze.img").write_bytes(b"\x08\0\x05\0" * 100)
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, voxels())


def test_an_enhanced_image_is_copied_with_what_its_frames_state(tmp_path):
    shared, first, second = (pydicom.Dataset() for _ in range(3))
    for item, group, content in (
        (shared, "MRTimingAndRelatedParametersSequence", {"RepetitionTime": 2000, "FlipAngle": 77}),
        (shared, "PixelMeasuresSequence", {"SliceThickness": 5}),
        (first, "FrameVOILUTSequence", {"WindowCenter": 10, "WindowWidth": 20}),
        (second, "FrameVOILUTSequence", {"WindowCenter": 30, "WindowWidth": 40}),
        (second, "MREchoSequence", {"EffectiveEchoTime": 7}),
    ):
        inner = pydicom.Dataset()
        for keyword, value in content.items():
            setattr(inner, keyword, value)
        setattr(item, group, [inner])
    whole = pydicom.Dataset()
    whole.EchoPulseSequence, whole.InversionRecovery = "SPIN", "YES"
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], [first, second]
    frame = flattened(whole, 1)
    assert (frame.RepetitionTime, frame.FlipAngle, frame.SliceThickness, frame.WindowCenter) == (2000, 77, 5, 30)
    assert (frame.EchoTime, frame.ScanningSequence) == (7, ["SE", "IR"])


# --- directions ---


def test_a_sheared_image_is_refused_by_how_far_its_corner_is_off(tmp_path):
    write_series(tmp_path, np.zeros((4, 512, 512), np.int16), ImageOrientationPatient=[1, 0, 0, 0.0009, 1, 0])
    assert "up to 0.414 mm from a rectangular volume" in refusal(tmp_path)
    assert "0.414 mm" in refusal(tmp_path, allow_uneven=0.4)
    assert "0.414 mm" in load(tmp_path, allow_uneven=0.42).warnings[0]


def test_directions_that_differ_a_little_are_warned_about_and_rounded_ones_are_not(tmp_path):
    turned, angle = [1, 0.00009, 0, -0.00009, 1, 0], np.radians(17)
    rounded = [round(v, 6) for v in (np.cos(angle), np.sin(angle), 0, -np.sin(angle), np.cos(angle), 0)]
    values = np.zeros((4, 512, 512), np.int16)
    write_series(tmp_path / "a", values, ImageOrientationPatient=lambda n: turned if n % 2 else [1, 0, 0, 0, 1, 0])
    write_series(tmp_path / "b", values, ImageOrientationPatient=rounded)
    assert "positions in the slabs are off by up to that" in load(tmp_path / "a").warnings[0]
    assert load(tmp_path / "b").warnings == ()
