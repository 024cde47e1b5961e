"""Label slabs as DICOM SEG, read back by highdicom."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
from support.dicom_phantoms import voxels, write_series
from support.dicom_tools import dcentvfy_lines, dciodvfy_errors, require_package
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti

SHAPE = (7, 9, 12)


@pytest.fixture(scope="module")
def hd():
    return require_package("highdicom")


def label_map(seed=0):
    labels = np.random.default_rng(seed).choice([0, 0, 0, 1, 3, 117], SHAPE).astype(np.uint8)
    labels[:, :, 5] = 0
    return labels


def export(run_cli, folder, image_affine, labels, *options):
    image = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16) - 1000
    source = save_nifti(folder / "head.nii", image, image_affine)
    path = save_nifti(folder / "organs.nii", labels, image_affine)
    return run_cli("export", source, "--labels", f"organs={path}", "-o", folder / "out", "--format", "dicom",
                   "--thickness", 5, *options)  # fmt: skip


def slabs_of(out):
    (path,) = out.glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    return manifest, [(slab, path.parent) for slab in manifest["slabs"]]


def read_labels(hd, path, images, names):
    """Label values (planes in the order of ``images``) by highdicom alone."""
    seg = hd.seg.segread(path)
    numbers = seg.get_pixels_by_source_instance(
        source_sop_instance_uids=[image.SOPInstanceUID for image in images], combine_segments=True,
        assert_missing_frames_are_empty=True,
    )  # fmt: skip
    values = np.zeros(len(names) + 1, int)
    for number in range(1, len(names) + 1):
        values[number] = int(seg.get_segment_description(number).SegmentDescription.split()[-1])
    return values[numbers]


@pytest.mark.parametrize("orientation", range(0, 48, 5))
def test_highdicom_reads_the_labels_back_exactly(tmp_path, run_cli, hd, orientation):
    labels = label_map(orientation)
    code, _, error = export(run_cli, tmp_path, affine(*SIGNED_PERMUTATIONS[orientation], oblique=15), labels)
    assert code == 0, error
    manifest, slabs = slabs_of(tmp_path / "out")
    for slab, folder in slabs:
        images = [pydicom.dcmread(p) for p in sorted((folder / slab["image"]).iterdir())]
        found = read_labels(
            hd, folder / slab["labels"]["organs"], images, manifest["plan"]["dicom"]["segments"]["organs"]
        )
        box = tuple(slice(a, b) for a, b in zip(slab["ijk_start"], slab["ijk_stop"], strict=True))
        np.testing.assert_array_equal(found.transpose(2, 1, 0), labels[box])
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_segmentations_conform_and_share_study_and_frame_of_reference(tmp_path, run_cli, hd):
    assert export(run_cli, tmp_path, affine(), label_map())[0] == 0
    labels = sorted((tmp_path / "out").glob("*/organs/*.dcm"))
    images = sorted((tmp_path / "out").glob("*/images/*/*.dcm"))
    assert len(labels) == 3
    assert dciodvfy_errors(labels) == []
    assert dcentvfy_lines(images + labels) == []
    datasets = [pydicom.dcmread(p) for p in images + labels]
    assert len({d.StudyInstanceUID for d in datasets}) == 1
    assert len({d.FrameOfReferenceUID for d in datasets}) == 1
    assert len({d.SeriesInstanceUID for d in datasets}) == 6
    assert [s.SegmentNumber for s in datasets[-1].SegmentSequence] == [1, 2, 3]
    assert [s.SegmentLabel for s in datasets[-1].SegmentSequence] == ["Label 1", "Label 3", "Label 117"]


def test_the_same_input_gives_the_same_bytes(tmp_path, run_cli, hd):
    contents = []
    for name in "ab":
        (tmp_path / name).mkdir()
        export(run_cli, tmp_path / name, affine(), label_map())
        contents.append([p.read_bytes() for p in sorted((tmp_path / name / "out").rglob("*.dcm"))])
    assert contents[0] == contents[1]


def test_names_and_colours_come_from_a_table(tmp_path, run_cli, hd):
    table = tmp_path / "names.csv"
    table.write_text("LabelValue,Name,Color_R,Color_G,Color_B\n1,Liver,255,0,0\n117,Tumour,0,255,0\n")
    assert export(run_cli, tmp_path, affine(), label_map(), "--segments", table)[0] == 0
    seg = hd.seg.segread(sorted((tmp_path / "out").glob("*/organs/*.dcm"))[0])
    assert [seg.get_segment_description(n).segment_label for n in (1, 2, 3)] == ["Liver", "Label 3", "Tumour"]
    red = seg.get_segment_description(1).RecommendedDisplayCIELabValue
    assert np.allclose(hd.color.CIELabColor.from_dicom_value(tuple(red)).to_rgb(), (255, 0, 0), atol=2)


@pytest.mark.parametrize(("text", "said"), [("a,b\n1,2\n", "needs the columns"), ("LabelValue,Name\nx,y\n", "line 2")])
def test_a_table_that_makes_no_sense_is_one_sentence(tmp_path, run_cli, hd, text, said):
    (tmp_path / "names.csv").write_text(text)
    code, _, error = export(run_cli, tmp_path, affine(), label_map(), "--segments", tmp_path / "names.csv")
    assert code == 2
    assert said in error


def test_names_come_from_a_slicer_segmentation(tmp_path, run_cli, hd):
    sitk = pytest.importorskip("SimpleITK")
    image = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16) - 1000
    source = save_nifti(tmp_path / "head.nii", image, affine())
    picture = sitk.ReadImage(str(save_nifti(tmp_path / "l.nii", label_map(), affine())))
    picture.SetMetaData("Segment0_LabelValue", "117")
    picture.SetMetaData("Segment0_Name", "Kidney")
    picture.SetMetaData("Segment0_Color", "0 0 1")
    sitk.WriteImage(picture, str(tmp_path / "organs.seg.nrrd"))
    code, _, error = run_cli("export", source, "--labels", f"organs={tmp_path / 'organs.seg.nrrd'}", "-o",
                             tmp_path / "out", "--format", "dicom")  # fmt: skip
    assert code == 0, error
    seg = hd.seg.segread(next((tmp_path / "out").glob("*/organs/*.dcm")))
    assert seg.get_segment_description(3).segment_label == "Kidney"


def test_slabs_without_any_label_are_written_too(tmp_path, run_cli, hd):
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:4, 3:6, 0:2] = 1
    code, _, error = export(run_cli, tmp_path, affine(), labels)
    assert code == 0, error
    assert dciodvfy_errors(sorted((tmp_path / "out").glob("*/organs/*.dcm"))) == []


def test_an_empty_label_map_and_a_missing_package_fall_back_to_nifti(tmp_path, run_cli, hd, monkeypatch):
    code, _, error = export(run_cli, tmp_path, affine(), np.zeros(SHAPE, np.uint8))
    assert code == 0
    assert "written as NIfTI" in error
    from slab_exporter.pipeline.formats import dicom_series

    monkeypatch.setattr(dicom_series, "can_write_segmentations", lambda: False)
    code, _, error = export(run_cli, tmp_path, affine(), label_map(), "--overwrite")
    assert code == 0
    assert "pip install 'slab-exporter[dicom-seg]'" in error
    paths = sorted((tmp_path / "out").glob("*/organs/*.nii.gz"))
    assert len(paths) == 3
    np.testing.assert_array_equal(np.asanyarray(nib.load(paths[0]).dataobj), label_map()[:, :, :5])


def test_labels_of_a_dicom_source_refer_to_its_slabs(tmp_path, run_cli, hd):
    values = voxels((6, 9, 7))
    write_series(tmp_path / "in", values)
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "nii")[0] == 0
    reference = nib.load(next((tmp_path / "nii").glob("*/images/*.nii.gz")))
    labels = save_nifti(tmp_path / "l.nii", (np.asanyarray(reference.dataobj) % 3).astype(np.uint8), reference.affine)
    code, _, error = run_cli("export", tmp_path / "in", "--labels", labels, "-o", tmp_path / "out", "--format", "dicom",
                             "--thickness", 4)  # fmt: skip
    assert code == 0, error
    seg = hd.seg.segread(sorted((tmp_path / "out").glob("*/labels/*.dcm"))[0])
    images = [pydicom.dcmread(p) for p in sorted((tmp_path / "out").glob("*/images/*000/*.dcm"))]
    assert seg.PatientName == images[0].PatientName == "Test^Phantom"
    found = read_labels(hd, sorted((tmp_path / "out").glob("*/labels/*.dcm"))[0], images, [1, 2])
    np.testing.assert_array_equal(found, values[:4] % 3)


def test_highdicom_sees_no_name_that_it_would_warn_about(tmp_path, run_cli, hd, monkeypatch):
    seen = []
    monkeypatch.setattr(hd.base, "check_person_name", seen.append)
    assert export(run_cli, tmp_path, affine(), label_map())[0] == 0
    assert seen
    assert not any(map(str, seen))
    _, slabs = slabs_of(tmp_path / "out")
    paths = [folder / slab["labels"]["organs"] for slab, folder in slabs]
    assert {str(pydicom.dcmread(path).PatientName) for path in paths} == {"head"}
