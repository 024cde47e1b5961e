"""Series are judged before they are loaded, and load with their places in the patient."""

from __future__ import annotations

import pickle
from contextlib import suppress

import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.options import SeriesOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import find_series, reread, series_sha256
from slab_exporter.dicom.reading.series import Kind
from support.dicom_phantoms import ORIGIN, SPACING, change, uid, voxels, write_image, write_series
from support.dicom_series import load, only, refusal


def test_a_regular_series_loads_with_its_values_and_places(tmp_path):
    values = voxels()
    volume = load(write_series(tmp_path, values))
    np.testing.assert_array_equal(volume.voxels_kji, values)
    assert volume.voxels_kji.dtype == np.int16
    assert volume.geometry.is_right_handed
    np.testing.assert_allclose(volume.geometry.affine_lps[:3, 3], ORIGIN, rtol=0, atol=1e-9)
    np.testing.assert_allclose(volume.geometry.spacing, SPACING, rtol=0, atol=1e-9)
    assert volume.geometry.orientation == "LPS"


def test_file_order_does_not_matter_and_k_runs_along_the_normal(tmp_path):
    values = voxels()
    heights = [ORIGIN[2] - n * SPACING[2] for n in range(len(values))]
    volume = load(write_series(tmp_path, values, heights))
    np.testing.assert_array_equal(volume.voxels_kji, values[::-1])
    assert volume.geometry.affine_lps[2, 3] == pytest.approx(heights[-1])


def test_a_series_can_be_pickled_and_found_again(tmp_path):
    series = only(write_series(tmp_path / "a" / "b", voxels()))
    assert pickle.loads(pickle.dumps(series)) == series
    again = reread(tmp_path, series.info.series_uid, "")
    assert series_sha256(again) == series_sha256(series) == load_series(series, SeriesOptions()).sha256


def test_the_checksum_does_not_depend_on_file_names(tmp_path):
    a = only(write_series(tmp_path / "a", voxels(), SOPInstanceUID=lambda n: uid(n)))
    for n, path in enumerate(sorted((tmp_path / "a").iterdir())):
        path.rename(path.with_name(f"z{99 - n}"))
    assert series_sha256(only(tmp_path / "a")) == load_series(only(tmp_path / "a"), SeriesOptions()).sha256
    assert series_sha256(only(tmp_path / "a")) != "" != a.folder


def test_series_of_several_patients_in_one_tree_are_told_apart(tmp_path):
    for patient in ("A", "B"):
        for number in (1, 2):
            write_series(
                tmp_path / patient / "x" / str(number), voxels(), PatientID=patient, SeriesNumber=number,
                SeriesInstanceUID=uid(patient, number), StudyInstanceUID=uid(patient),
            )  # fmt: skip
    (tmp_path / "A" / "notes.txt").write_text("no DICOM")
    write_image(tmp_path / "A" / "report", voxels()[0], None, Rows=None, Columns=None, PixelData=None, Modality="SR",
                SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", SeriesInstanceUID=uid("sr"))  # fmt: skip
    series = find_series(tmp_path)
    assert [s.name for s in series] == [f"{p}_20200102_{n}_phantom" for p in "AB" for n in (1, 2)]
    assert "1 SR" in series[0].warnings[0]


@pytest.mark.parametrize(("slope", "intercept", "dtype"), [(1, -1024, "int16"), (2, 0, "int16"), (0.5, 0, "float32")])
def test_rescaled_values_stay_whole_where_they_are(tmp_path, slope, intercept, dtype):
    stored = voxels(low=0).astype(np.uint16)
    volume = load(write_series(tmp_path, stored, RescaleSlope=slope, RescaleIntercept=intercept))
    np.testing.assert_array_equal(volume.voxels_kji, stored.astype(float) * slope + intercept)
    assert volume.voxels_kji.dtype == (dtype if intercept < 0 or slope != 2 else stored.dtype)


def test_a_slope_for_each_slice_is_applied_slice_by_slice(tmp_path):
    stored = voxels(low=0).astype(np.uint16)
    volume = load(write_series(tmp_path, stored, RescaleSlope=lambda n: 1 + n))
    np.testing.assert_array_equal(volume.voxels_kji, stored * np.arange(1, 7)[:, None, None])
    assert volume.voxels_kji.dtype.kind in "iu"


def test_twelve_bits_in_sixteen_are_masked_and_signed(tmp_path):
    values = voxels(low=-200)
    stored = (values & 0x0FFF) | 0x5000  # an overlay in the unused bits
    volume = load(write_series(tmp_path, stored.astype(np.int16), BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(volume.voxels_kji, values)


def test_oblique_planes_lie_where_their_positions_say(tmp_path):
    row, column = np.array([0.8, 0.6, 0]), np.array([0, 0, -1.0])
    normal = np.cross(row, column)
    values = voxels()
    for n, plane in enumerate(values):
        write_image(tmp_path / f"{n}", plane, np.array(ORIGIN) + n * 3 * normal,
                    ImageOrientationPatient=[*row, *column], InstanceNumber=n)  # fmt: skip
    geometry = load(tmp_path).geometry
    point = geometry.affine_lps @ [2, 3, 4, 1]
    expected = np.array(ORIGIN) + 2 * SPACING[0] * row + 3 * SPACING[1] * column + 4 * 3 * normal
    np.testing.assert_allclose(point[:3], expected, rtol=0, atol=1e-8)


# --- what is not regular ---


def heights_with(gaps):
    return list(np.concatenate([[0.0], np.cumsum(gaps)]) + ORIGIN[2])


def test_uneven_slices_are_refused_with_the_numbers(tmp_path):
    write_series(tmp_path, voxels(), heights_with([4, 4, 5.5, 4, 4]))
    text = refusal(tmp_path)
    assert "slices 3 and 4 are 5.50 mm apart where the rest are 4.00 mm" in text
    assert "'phantom'" in text
    assert "--allow-uneven 0.6" in text


def test_uneven_slices_within_the_tolerance_are_taken_with_a_warning(tmp_path):
    values = voxels()
    write_series(tmp_path, values, heights_with([4, 4, 4.1, 4, 4]))
    volume = load(tmp_path, allow_uneven=0.1)
    np.testing.assert_array_equal(volume.voxels_kji, values)
    assert "4.10 mm" in volume.warnings[0]
    assert "more than --allow-uneven 0.01 accepts" in refusal(tmp_path, allow_uneven=0.01)


def test_rounded_positions_are_not_uneven(tmp_path):
    heights = [round(ORIGIN[2] + n * 0.7031, 2) for n in range(6)]
    assert only(write_series(tmp_path, voxels(), heights)).verdict.kind is Kind.REGULAR


def test_missing_slices_are_named_and_interpolated_when_asked(tmp_path):
    values = voxels()
    write_series(tmp_path, values[[0, 1, 3, 4, 5]], heights_with([4, 8, 4, 4]))
    text = refusal(tmp_path)
    assert "1 slice is missing: slices 2 and 3 are 8.00 mm apart where the rest are 4.00 mm" in text
    assert "--resample" in text
    volume = load(tmp_path, resample=True)
    np.testing.assert_array_equal(volume.voxels_kji, values)  # the values grow linearly
    assert volume.record["resampled"]["reason"] == "slices missing"


def test_a_tilted_gantry_is_refused_and_resampled_to_where_the_planes_lie(tmp_path):
    """A function that is linear in the patient comes out the same at every point that planes cover."""
    shift = SPACING[2] * np.tan(np.radians(20))
    shape = (8, 40, 20)
    k, j, i = np.indices(shape)
    x, y, z = ORIGIN[0] + i * SPACING[0], ORIGIN[1] + j * SPACING[1] + k * shift, ORIGIN[2] + k * SPACING[2]

    def ramp(x, y, z):
        return 20 * (x + 100) + 35 * (y - 30) + 10 * (z + 420)

    write_series(tmp_path, np.rint(ramp(x, y, z)).astype(np.int16), shift=shift)
    text = refusal(tmp_path)
    assert "tilted by 20.0 degrees" in text
    assert "--resample" in text
    assert "tilted" in refusal(tmp_path, allow_uneven=100)
    volume = load(tmp_path, resample=True)
    assert volume.geometry.shear < 1e-9
    geometry = volume.geometry
    kk, jj, ii = np.indices(geometry.shape_ijk[::-1])
    lps = np.stack([ii, jj, kk], -1) @ geometry.affine_lps[:3, :3].T + geometry.affine_lps[:3, 3]
    begin = ORIGIN[1] + (lps[..., 2] - ORIGIN[2]) / SPACING[2] * shift
    covered = (lps[..., 1] > begin + 0.01) & (lps[..., 1] < begin + (shape[1] - 1) * SPACING[1] - 0.01)
    assert covered.mean() > 0.7
    error = np.abs(volume.voxels_kji - ramp(*np.moveaxis(lps, -1, 0)))[covered]
    assert error.max() <= 1.01
    assert volume.record["resampled"]["tilt_degrees"] == pytest.approx(20, abs=0.01)


def test_tilt_and_uneven_gaps_together_are_resampled_too(tmp_path):
    values = np.full((5, 12, 10), 100, np.int16)
    for n, z in enumerate(heights_with([2, 2, 3, 2])):
        write_image(tmp_path / str(n), values[n], (ORIGIN[0], ORIGIN[1] - (z - ORIGIN[2]) * 0.3, z), InstanceNumber=n)
    assert "tilted" in refusal(tmp_path)
    volume = load(tmp_path, resample=True)
    assert volume.geometry.shape_ijk[2] == 5
    assert volume.voxels_kji[:, volume.voxels_kji.shape[1] // 2].min() == 100


def test_four_volumes_in_one_series_are_chosen_by_frame(tmp_path):
    values = voxels((12, 9, 7))
    heights = [ORIGIN[2] + (n % 3) * 4 for n in range(12)]
    write_series(tmp_path, values, heights, TemporalPositionIdentifier=lambda n: 4 - n // 3)
    text = refusal(tmp_path)
    assert "4 volumes of 3 slices" in text
    assert "TemporalPositionIdentifier" in text
    assert "--frame 0 to 3" in text
    np.testing.assert_array_equal(load(tmp_path, 3).voxels_kji, values[:3])
    assert load(tmp_path, 3).frame == 3
    assert "--frame 4 does not exist" in refusal(tmp_path, 4)


def test_instance_numbers_tell_volumes_apart_where_nothing_else_does(tmp_path):
    values = voxels((6, 9, 7))
    write_series(tmp_path, values, [ORIGIN[2] + (n // 2) * 4 for n in range(6)])
    np.testing.assert_array_equal(load(tmp_path, 1).voxels_kji, values[1::2])


def test_surplus_images_at_one_position_are_refused(tmp_path):
    write_series(tmp_path, voxels(), heights_with([4, 4, 0, 4, 4]))
    assert "2 images lie at the position of slice 3 (002 and 003 for two)" in refusal(tmp_path)


def test_copies_of_files_are_left_out(tmp_path):
    write_series(tmp_path / "a", voxels())
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "copy").write_bytes((tmp_path / "a" / "002").read_bytes())
    volume = load(tmp_path)
    assert volume.geometry.shape_ijk == (7, 9, 6)
    assert "1 file is a copy" in volume.warnings[0]
    change(tmp_path / "b" / "copy", InstanceNumber=77)
    assert "have one SOPInstanceUID but differ" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"PixelSpacing": lambda n: [1, 1] if n == 2 else [2, 2]}, "5 have pixels of 2\\2 mm, 1 have pixels of 1\\1"),
        ({"ImageOrientationPatient": lambda n: [1, 0, 0, 0, 0, -1] if n else [1, 0, 0, 0, 1, 0]}, "not parallel"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaics"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizers"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colours"),
        ({"ImagePositionPatient": None}, "do not state ImagePositionPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not two perpendicular unit vectors"),
        ({"BitsAllocated": 16, "BitsStored": 40}, "stores 40 bits in 16"),
        ({"PixelSpacing": [0, 0]}, "is 0\\0"),
    ],
)
def test_what_is_no_single_grey_volume_is_refused_with_a_reason(tmp_path, attributes, said):
    assert said in refusal(write_series(tmp_path, voxels(), **attributes))


def test_images_of_two_sizes_are_refused(tmp_path):
    write_series(tmp_path, voxels())
    write_image(tmp_path / "scout", voxels((1, 20, 30))[0], ORIGIN, InstanceNumber=99)
    assert "6 have 7 x 9 pixels, 1 have 30 x 20 pixels (scout for one)" in refusal(tmp_path)


def test_colour_images_are_refused(tmp_path):
    plane = np.zeros((4, 5 * 3), np.uint8)
    write_series(tmp_path, np.stack([plane] * 3), SamplesPerPixel=3, PhotometricInterpretation="RGB", Columns=5,
                 PlanarConfiguration=0)  # fmt: skip
    assert "RGB, 3 numbers per pixel" in refusal(tmp_path)


def test_one_image_is_no_volume(tmp_path):
    write_series(tmp_path, voxels()[:1])
    assert "holds one image" in refusal(tmp_path)


def test_options_are_checked():
    with pytest.raises(RequestError, match="positive mm"):
        SeriesOptions(allow_uneven=-1)
    with pytest.raises(RequestError, match="either"):
        SeriesOptions(allow_uneven=1, resample=True)


# --- files that lie ---


def test_a_truncated_file_is_said_to_be_truncated(tmp_path):
    write_series(tmp_path, voxels())
    path = tmp_path / "003"
    path.write_bytes(path.read_bytes()[:-20])
    text = refusal(tmp_path)
    assert "003" in text
    assert "truncated" in text or "damaged" in text


def test_a_file_that_promises_more_than_memory_is_refused_before_it_is_read(tmp_path):
    write_series(tmp_path, voxels(), Rows=65535, Columns=65535)
    text = refusal(tmp_path)
    assert "GB" in text or "truncated" in text


def test_a_file_that_promises_a_billion_frames_makes_its_series_unusable(tmp_path):
    write_series(tmp_path, voxels())
    write_image(tmp_path / "liar", voxels()[0], ORIGIN, NumberOfFrames=2_000_000_000)
    assert "promises 2000000000 frames" in refusal(tmp_path)


def test_unknown_compression_names_the_package(tmp_path, monkeypatch):
    def without_decoder(dataset):
        raise RuntimeError("no decoder")

    monkeypatch.setattr(pydicom.Dataset, "pixel_array", property(without_decoder))
    syntax = "1.2.840.10008.1.2.4.91"
    pixels = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + b"\0" * 40])
    write_series(tmp_path, voxels(), TransferSyntaxUID=syntax, PixelData=pixels)
    text = refusal(tmp_path)
    assert "JPEG 2000" in text
    assert "pylibjpeg-openjpeg" in text


def test_gdcm_decodes_where_pydicom_has_no_decoder(tmp_path, monkeypatch, real_data):
    (series,) = find_series(real_data / "dicom" / "ct_siemens_biograph_j2k")
    normally = load_series(series, SeriesOptions()).voxels_kji

    def without_decoder(dataset):
        raise RuntimeError("no decoder")

    monkeypatch.setattr(pydicom.Dataset, "pixel_array", property(without_decoder))
    np.testing.assert_array_equal(load_series(series, SeriesOptions()).voxels_kji, normally)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files_give_a_volume_or_a_sentence(tmp_path, seed):
    """Bytes of headers and pixels changed, cut off, exchanged: never another exception."""
    write_series(tmp_path, voxels((3, 9, 7)))
    path = tmp_path / "001"
    original = path.read_bytes()
    random = np.random.default_rng(seed)
    for _ in range(80):
        content = bytearray(original)
        for _ in range(random.integers(1, 12)):
            content[random.integers(128, len(content))] = random.integers(0, 256)
        if random.random() < 0.3:
            content = content[: random.integers(0, len(content))]
        path.write_bytes(content)
        with suppress(InputError):
            for series in find_series(tmp_path):
                load_series(series, SeriesOptions(resample=True))


def test_a_folder_without_dicom_has_no_series(tmp_path):
    (tmp_path / "a").write_bytes(b"\0" * 4000)
    (tmp_path / "b").write_text("hello")
    assert find_series(tmp_path) == ()


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "..", "a/b\\c:d", "x" * 10000, "CON", "\u202eexe.mcd", "\0"])
def test_hostile_descriptions_make_harmless_names(tmp_path, hostile):
    write_series(tmp_path, voxels(), SeriesDescription=hostile, PatientID=hostile, SeriesNumber=None, StudyDate="")
    name = only(tmp_path).name
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert 0 < len(name.encode()) <= 121
