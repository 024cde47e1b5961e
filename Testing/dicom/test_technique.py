"""What DICOM slabs take from their source beside voxels: window, technique, identifiers; slabs of one row."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pydicom
import pytest
from slab_exporter.core.options import SeriesOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.multiframe import flattened
from slab_exporter.dicom.reading.parsing import quiet_pydicom
from slab_exporter.dicom.reading.scan import only_series
from slab_exporter.dicom.writing.attributes import copied
from slab_exporter.dicom.writing.classes import MR_IMAGE
from support.dicom_phantoms import MR, ORIGIN, SPACING, uid, voxels, write_series
from support.dicom_tools import dciodvfy_errors, require_package, require_program
from support.phantoms import save_nifti

AS_MR = {
    "SOPClassUID": MR,
    "Modality": "MR",
    "ImageType": ["ORIGINAL", "PRIMARY", "M"],
    "ScanningSequence": "SE",
    "SequenceVariant": "NONE",
    "EchoTime": "4.6",
    "RepetitionTime": "500",
    "EchoNumbers": 1,
}


@pytest.fixture
def slabs(tmp_path, run_cli):
    """The headers of the slabs of tmp_path/in, one list a slab."""

    def export(*options):
        code, out, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", *options)
        assert code == 0, out + error
        folders = sorted((tmp_path / "out").glob("*/images/*"))
        with quiet_pydicom():
            return [[pydicom.dcmread(path) for path in sorted(folder.iterdir())] for folder in folders]

    return export


def test_the_window_is_the_series_median_and_not_the_lowest_image_s(tmp_path, slabs):
    widths = [8, 1000, 1300, 1200, 1100, 5000]
    write_series(tmp_path / "in", voxels(), WindowWidth=lambda n: widths[n], WindowCenter=lambda n: widths[n] // 2)
    found = {(image.WindowCenter, image.WindowWidth) for slab in slabs("--thickness", 4) for image in slab}
    assert found == {(550, 1100)}


def test_images_without_a_usable_window_do_not_count(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), WindowWidth=lambda n: [0, None, 70][n % 3], WindowCenter=30)
    assert slabs()[0][0].WindowWidth == 70


AXES = {"coronal": 1, "sagittal": 2}


def places(slab, axis):
    """Rows or columns of the source that a slab holds, from its positions."""
    image, along = slab[0], {"coronal": 1, "sagittal": 0}[axis]
    start = round((float(image.ImagePositionPatient[along]) - ORIGIN[along]) / SPACING[along])
    count = image.Rows if axis == "coronal" else image.Columns
    return range(start, start + count)


@pytest.mark.parametrize(("axis", "thickness"), [("coronal", 4), ("sagittal", 3), ("coronal", 1)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_slabs_of_one_row_or_column_verify(tmp_path, run_cli, slabs, axis, thickness, photometric):
    values = voxels((6, 9, 7))
    write_series(tmp_path / "in", values, PhotometricInterpretation=photometric)
    found = slabs("--axis", axis, "--thickness", thickness)
    joined = np.concatenate([np.stack([i.pixel_array for i in slab]) for slab in found], axis=AXES[axis])
    # Slabs are numbered P to A and L to R; in the images j runs to P and i to L.
    order = [n for slab in found for n in places(slab, axis)]
    np.testing.assert_array_equal(joined, np.take(values, order, axis=AXES[axis]))
    assert sorted(order) == list(range(values.shape[AXES[axis]]))
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_slab_of_one_row_that_was_changed_is_noticed(tmp_path, run_cli, slabs):
    write_series(tmp_path / "in", voxels())
    slabs("--axis", "coronal", "--thickness", 4)
    path = next((tmp_path / "out").glob("*/images/*-002/0001.dcm"))
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    assert run_cli("verify", tmp_path / "out")[0] == 1


@pytest.mark.parametrize(("axis", "thickness"), [("coronal", 4), ("sagittal", 3), ("coronal", 1)])
@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_segmentations_of_planes_of_a_few_pixels_read_back(tmp_path, run_cli, slabs, axis, thickness, count):
    hd = require_package("highdicom")
    write_series(tmp_path / "in", voxels((count, 9, 7)))
    geometry = load_series(only_series(tmp_path / "in"), SeriesOptions()).geometry
    labels = np.random.default_rng(count).integers(0, 3, (7, 9, count)).astype(np.uint8)
    path = save_nifti(tmp_path / "label.nii.gz", labels, geometry.affine_ras)
    found = slabs("--axis", axis, "--thickness", thickness, "--labels", path)
    (manifest,) = (tmp_path / "out").glob("*/manifest.json")
    for images, slab in zip(found, json.loads(manifest.read_text())["slabs"], strict=True):
        start, stop = slab["ijk_start"], slab["ijk_stop"]
        part = labels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        segmentation = hd.seg.segread(manifest.parent / slab["labels"]["labels"])
        read = segmentation.get_pixels_by_source_instance([i.SOPInstanceUID for i in images], combine_segments=True,
                                                          assert_missing_frames_are_empty=True)  # fmt: skip
        values = {s.SegmentNumber: int(s.SegmentDescription.split()[-1]) for s in segmentation.SegmentSequence}
        back = np.vectorize(lambda number, known=values: known.get(number, 0))(read)
        np.testing.assert_array_equal(back.transpose(2, 1, 0), part)


def test_padded_images_have_the_technique_of_their_slab(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), **AS_MR, SliceThickness="2")
    *_, last = slabs("--thickness", 4, "--remainder", "pad")
    assert len(last) == 4
    assert {(i.RepetitionTime, i.EchoTime, i.EchoNumbers, i.ScanningSequence) for i in last} == {(500, 4.6, 1, "SE")}
    assert "SourceImageSequence" not in last[-1]


def test_dcm2niix_keeps_a_padded_slab_together(tmp_path, slabs):
    dcm2niix = require_program("dcm2niix", "dcm2niix")
    write_series(tmp_path / "in", voxels((6, 16, 16)), **AS_MR)
    slabs("--thickness", 4, "--remainder", "pad")
    (folder,) = (tmp_path / "out").glob("*/images/*-001")
    (tmp_path / "nii").mkdir()
    subprocess.run([dcm2niix, "-o", tmp_path / "nii", "-f", "slab", folder], check=True, capture_output=True)
    assert len(list((tmp_path / "nii").glob("*.nii*"))) == 1


def test_inversion_time_is_taken_from_an_enhanced_image_and_present_where_it_is_not_known():
    shared, timing = pydicom.Dataset(), pydicom.Dataset()
    timing.InversionTimes = [900.0]
    shared.MRModifierSequence = [timing]
    whole = pydicom.Dataset()
    whole.EchoPulseSequence, whole.InversionRecovery = "SPIN", "YES"
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], [pydicom.Dataset()]
    assert copied(flattened(whole, 0), MR_IMAGE.technique).InversionTime == 900
    del shared.MRModifierSequence
    kept = copied(flattened(whole, 0), MR_IMAGE.technique)
    assert "InversionTime" in kept
    assert kept.InversionTime is None


def test_inversion_recovery_without_a_time_conforms(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), **(AS_MR | {"ScanningSequence": ["IR", "SE"]}))
    slab = slabs("--remainder", "pad", "--thickness", 8)[0]
    assert all("InversionTime" in image for image in slab)
    assert dciodvfy_errors(sorted((tmp_path / "out").glob("*/images/*/*.dcm"))[:1]) == []


def test_a_decimal_of_seventeen_characters_is_shortened_and_not_emptied(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), **(AS_MR | {"RepetitionTime": "500", "EchoTime": "4.6000000"}))
    for path in (tmp_path / "in").iterdir():
        content = path.read_bytes()
        longer = content.replace(b"DS\x0a\x004.6000000 ", b"DS\x12\x004.600000000000001 ")
        assert longer != content
        path.write_bytes(longer)
    found = slabs()[0][0]
    assert str(found["EchoTime"].value.original_string) == "4.6"
    assert found.EchoTime == pytest.approx(4.6, abs=1e-12)


def test_an_identifier_that_is_not_valid_is_replaced_with_a_word(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels(), StudyInstanceUID="1.2.study", SOPInstanceUID=lambda n: uid("i", n))
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom")
    assert code == 0
    assert "The source's StudyInstanceUID '1.2.study' is not a valid UID: the slabs have another" in error
