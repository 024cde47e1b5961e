"""Images of one series that contradict each other: each volume is offered, or the series is refused by name."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.dicom.reading.scan import find_series, volumes_of
from slab_exporter.dicom.reading.series import Kind
from support.dicom_phantoms import MR, ORIGIN, SPACING, uid, voxels, write_image, write_series
from support.dicom_series import load, only, refusal

HALVES = [
    ("ConvolutionKernel", "B30f", "B70f", {}),
    ("KVP", "80", "140", {}),
    ("ContrastBolusAgent", None, "IOMERON", {}),
    ("FrameOfReferenceUID", uid("one"), uid("other"), {}),
    ("PhotometricInterpretation", "MONOCHROME1", "MONOCHROME2", {}),
    ("EchoTime", "4.6", "9.2", {"SOPClassUID": MR, "Modality": "MR"}),
    ("EchoNumbers", "1", "2", {"SOPClassUID": MR, "Modality": "MR"}),
    ("ImageType", ["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], {"SOPClassUID": MR, "Modality": "MR"}),
    ("RescaleType", "HU", "US", {}),
    ("Modality", "CT", "PT", {}),
    ("PixelSpacing", ["0.9", "0.7"], ["0.8", "0.7"], {}),
]


@pytest.mark.parametrize(("keyword", "one", "other", "all_images"), HALVES)
def test_halves_that_contradict_each_other_are_two_volumes(tmp_path, keyword, one, other, all_images):
    values = voxels()
    write_series(tmp_path, values, **all_images, **{keyword: lambda n: one if n < 3 else other})
    text = refusal(tmp_path)
    assert f"they are 2 volumes of 3 slices, told apart by {keyword}" in text
    assert "Choose one with --frame 0 to 1, or make a case of each with --split-series." in text
    for frame in (0, 1):
        volume = load(tmp_path, frame)
        np.testing.assert_array_equal(volume.voxels_kji, values[3 * frame : 3 * frame + 3])
        assert volume.geometry.affine_lps[2, 3] == pytest.approx(ORIGIN[2] + 3 * frame * SPACING[2])


@pytest.mark.parametrize(("keyword", "one", "other", "all_images"), HALVES)
def test_one_image_that_contradicts_the_others_is_refused_by_name(tmp_path, keyword, one, other, all_images):
    write_series(tmp_path, voxels(), **all_images, **{keyword: lambda n: other if n == 5 else one})
    text = refusal(tmp_path, 0)
    assert keyword in text
    assert "(005 for one)" in text


def test_an_image_at_the_place_of_another_leaves_the_volume_whole(tmp_path):
    values = voxels()
    write_series(tmp_path, values, ConvolutionKernel="B30f")
    write_image(tmp_path / "extra", values[2], (*ORIGIN[:2], ORIGIN[2] + 5), ConvolutionKernel="B70f", InstanceNumber=9)
    text = refusal(tmp_path)
    assert "1 complete volume of 6 slices at the same positions, told apart by ConvolutionKernel" in text
    assert "1 image is left out (extra for one), of no complete volume" in text
    assert "Take it with --frame 0" in text
    np.testing.assert_array_equal(load(tmp_path, 0).voxels_kji, values)


def test_a_rescale_that_some_images_lack_divides_them(tmp_path):
    write_series(tmp_path, voxels(), RescaleSlope=lambda n: 1 if n < 3 else None,
                 RescaleIntercept=lambda n: -1024 if n < 3 else None)  # fmt: skip
    assert "3 do not state RescaleSlope and RescaleIntercept (003 for one)" in refusal(tmp_path)


def test_rescales_that_differ_are_applied_and_said(tmp_path):
    values = voxels(low=0).astype(np.uint16)
    write_series(tmp_path, values, RescaleIntercept=lambda n: -1024 if n < 3 else 0)
    volume = load(tmp_path)
    np.testing.assert_array_equal(volume.voxels_kji[:, 0, 0], values[:, 0, 0].astype(int) - [1024, 1024, 1024, 0, 0, 0])
    assert "intercept -1024 to slope 1, intercept 0" in volume.warnings[0]


def test_acquisitions_between_each_other_s_slices_are_two_volumes_and_one_after_the_other_is_said(tmp_path):
    values = voxels()
    write_series(tmp_path / "a", values, AcquisitionNumber=lambda n: 1 + n % 2)
    assert "2 volumes of 3 slices between each other's, told apart by AcquisitionNumber" in refusal(tmp_path / "a")
    volume = load(tmp_path / "a", 1)
    np.testing.assert_array_equal(volume.voxels_kji, values[1::2])
    assert volume.geometry.spacing[2] == pytest.approx(2 * SPACING[2])
    write_series(tmp_path / "b", values, AcquisitionNumber=lambda n: 1 + n // 3)
    assert "stacked from 2 acquisitions" in load(tmp_path / "b").warnings[0]
    write_series(tmp_path / "c", values, AcquisitionNumber=lambda n: n)
    assert load(tmp_path / "c").warnings == ()


def test_echoes_of_times_rounded_differently_are_one_volume(tmp_path):
    write_series(tmp_path, voxels(), EchoTime=lambda n: "4.6" if n % 2 else "4.599999")
    assert load(tmp_path).geometry.shape_ijk == (7, 9, 6)


def test_volumes_that_are_complete_are_offered_where_others_were_cut_short(tmp_path):
    values = voxels((6, 9, 7))
    for time in (1, 2, 3):
        for n in range(6 if time < 3 else 4):
            write_image(tmp_path / f"{time}{n}", values[n] + time, (0, 0, n * 2.5), InstanceNumber=time * 6 + n,
                        TemporalPositionIdentifier=time)  # fmt: skip
    text = refusal(tmp_path)
    assert "2 complete volumes of 6 slices at the same positions, told apart by TemporalPositionIdentifier" in text
    assert "4 images are left out (30 for one), of no complete volume" in text
    np.testing.assert_array_equal(load(tmp_path, 1).voxels_kji, values + 2)
    assert "4 images" in " ".join(load(tmp_path, 1).warnings)


# --- stacks ---


def test_two_stacks_are_not_one_with_slices_missing(tmp_path):
    heights = [0, 2.5, 5, 90, 92.5, 95]
    values = voxels()
    write_series(tmp_path, values, heights)
    text = refusal(tmp_path)
    assert "it holds 2 stacks of 3 slices, 85.00 mm apart" in text
    assert "--resample" not in text
    volume = load(tmp_path, 1)
    np.testing.assert_array_equal(volume.voxels_kji, values[3:])
    assert volume.geometry.affine_lps[2, 3] == 90


def test_numbers_that_jump_with_the_gap_mean_missing_slices(tmp_path):
    write_series(tmp_path, voxels(), [0, 2.5, 5, 90, 92.5, 95], InstanceNumber=lambda n: n + 1 if n < 3 else n + 34)
    text = refusal(tmp_path)
    assert "33 slices are missing: slices 3 and 4 are 85.00 mm apart where the rest are 2.50 mm" in text
    assert "(002 and 003, counted from I to S)" in text


def test_slices_are_counted_along_their_own_normal(tmp_path):
    heights = [10, 7.5, 2.5, 0]
    write_series(tmp_path, voxels()[:4], heights, ImageOrientationPatient=[1, 0, 0, 0, -1, 0])
    assert "slices 2 and 3 are 5.00 mm apart where the rest are 2.50 mm (001 and 002, counted from S to I)" in refusal(
        tmp_path
    )


def test_stacks_of_two_directions_are_two_volumes(tmp_path):
    values = voxels()
    write_series(tmp_path, values[:3], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    for n in range(3, 6):
        write_image(tmp_path / f"{n}", values[n], (0, n * 3, 0), InstanceNumber=n + 1,
                    ImageOrientationPatient=[1, 0, 0, 0, 0, -1])  # fmt: skip
    assert "told apart by ImageOrientationPatient" in refusal(tmp_path)
    assert load(tmp_path, 1).geometry.spacing[2] == pytest.approx(3)


# --- concatenations, positions, identifiers ---


def concatenated(path, number, total):
    shared = pydicom.Dataset()
    plane = pydicom.Dataset()
    plane.PixelSpacing = [1, 1]
    shared.PixelMeasuresSequence = [plane]
    plane = pydicom.Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PlaneOrientationSequence = [plane]
    frames = []
    for n in range(3):
        position, frame = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = [0, 0, (number - 1) * 6 + n * 2]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    values = voxels((3, 9, 7), low=1000 * number)
    write_image(path, values.reshape(27, 7), None, Rows=9, NumberOfFrames=3, ImageOrientationPatient=None,
                PixelSpacing=None, SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=frames,
                ConcatenationUID=uid("all"), InConcatenationNumber=number, InConcatenationTotalNumber=total,
                SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1")  # fmt: skip
    return values


@pytest.mark.parametrize("total", [2, 3])
def test_a_concatenation_with_a_part_missing_is_refused(tmp_path, total):
    parts = [concatenated(tmp_path / f"part{number}", number, total) for number in range(1, total)]
    held = "part 1 of 2" if total == 2 else "parts 1, 2 of 3"
    assert f"of a concatenation: it holds {held}; 1 part is missing ({total})" in refusal(tmp_path)
    parts.append(concatenated(tmp_path / "last", total, total))
    np.testing.assert_array_equal(load(tmp_path).voxels_kji, np.concatenate(parts))


@pytest.mark.parametrize("attributes", [{"position": None}, {"NumberOfFrames": 4}])
def test_images_without_positions_are_refused_with_a_remedy_that_works(tmp_path, attributes):
    values = voxels((4, 9, 7))
    if "position" in attributes:
        write_series(tmp_path, values, ImagePositionPatient=None, ImageOrientationPatient=None)
    else:
        write_image(tmp_path / "one", values.reshape(36, 7), ORIGIN, Rows=9, NumberOfFrames=4)
    with pytest.raises(InputError) as caught:
        volumes_of(tmp_path, find_series(tmp_path))
    text = str(caught.value)
    assert "order and distance of the slices cannot be known" in text
    assert "Give the folder" not in text


def test_images_that_an_anonymiser_gave_one_uid_are_told_apart_by_their_positions(tmp_path):
    values = voxels()
    write_series(tmp_path / "a", values, SOPInstanceUID="anonymized", SeriesInstanceUID="anonymized")
    volume = load(tmp_path / "a")
    np.testing.assert_array_equal(volume.voxels_kji, values)
    assert "6 different images have the SOPInstanceUID 'anonymized'" in volume.warnings[0]
    write_series(tmp_path / "b", values, [0, 2, 4, 4, 6, 8], SOPInstanceUID="anonymized")
    assert "give each file one of its own" in refusal(tmp_path / "b")


# --- what readers overlook ---


def test_tiles_of_a_uih_scanner_are_refused_with_the_remedy(tmp_path):
    write_series(tmp_path, voxels(), Manufacturer="UIH", SOPClassUID=MR, Modality="MR")
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x50, "DS", "30")
        dataset.save_as(path)
    assert only(tmp_path).verdict.kind is Kind.UNUSABLE
    assert "laid out as tiles by a UIH scanner (SaveBySlc). Convert it first" in refusal(tmp_path)


def test_a_mapping_that_is_not_applied_and_a_reversed_epi_are_warned_about(tmp_path):
    mapping = pydicom.Dataset()
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 2.5, -10.0
    mapping.RealWorldValueFirstValueMapped = mapping.RealWorldValueLastValueMapped = 0
    write_series(tmp_path / "a", voxels(), RescaleSlope=None, RescaleIntercept=None,
                 RealWorldValueMappingSequence=[mapping])  # fmt: skip
    assert "RealWorldValueMapping (slope 2.5, intercept -10)" in load(tmp_path / "a").warnings[0]
    write_series(tmp_path / "b", voxels(), SOPClassUID=MR, Modality="MR")
    for path in (tmp_path / "b").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x9C, "LO", "research/ABCD/epi_pepolar")
        dataset.save_as(path)
    assert "reversed polarity (epi_pepolar)" in load(tmp_path / "b").warnings[0]


# --- "same voxels as" ---


def same_voxels_said(run_cli, folder) -> bool:
    code, out, error = run_cli("inspect", folder)
    assert code == 0, error
    return "same voxels as" in out


def test_series_are_the_same_only_if_every_volume_of_them_is(tmp_path, run_cli):
    values = voxels()
    for name in ("a", "b"):
        own = (values + (np.arange(6) == 5)[:, None, None] * (name == "b")).astype(np.int16)  # in the second volume
        write_series(
            tmp_path / name,
            own,
            [(n // 2) * 4 for n in range(6)],
            SeriesInstanceUID=uid(name),
            SOPInstanceUID=lambda n, name=name: uid(name, n),
            TemporalPositionIdentifier=lambda n: n % 2 + 1,
        )
    assert not same_voxels_said(run_cli, tmp_path)


def test_the_same_numbers_in_another_shape_are_not_the_same(tmp_path, run_cli):
    values = voxels((6, 9, 7))
    write_series(tmp_path / "a", values, SeriesInstanceUID=uid("a"))
    write_series(tmp_path / "b", values.reshape(6, 7, 9), SeriesInstanceUID=uid("b"), SOPInstanceUID=lambda n: uid(n))
    assert not same_voxels_said(run_cli, tmp_path)
    write_series(tmp_path / "c", values, SeriesInstanceUID=uid("c"), SOPInstanceUID=lambda n: uid("c", n))
    assert same_voxels_said(run_cli, tmp_path)
