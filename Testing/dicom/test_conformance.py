"""dciodvfy and dcentvfy over what is written: no Error line on any file."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
from support.dicom_phantoms import MR, voxels, write_series
from support.dicom_tools import dcentvfy_lines, dciodvfy_errors
from support.phantoms import affine, save_nifti


def images_of(out):
    paths = sorted(out.glob("*/images/*/*.dcm"))
    assert paths
    return paths


def assert_conformant(out, most=12):
    """dciodvfy takes its time: of long series about ``most`` images are judged, the first and the last among them."""
    paths = images_of(out)
    step = max(1, (len(paths) - 1) // most)
    assert dciodvfy_errors([*paths[:-1:step], paths[-1]]) == []
    assert dcentvfy_lines(paths) == []


@pytest.fixture
def nifti(tmp_path):
    return save_nifti(tmp_path / "head.nii.gz", voxels((8, 9, 7)).transpose(2, 1, 0), affine())


@pytest.mark.parametrize("modality", ["CT", "MR", "OT", "PT"])
def test_from_nifti(tmp_path, run_cli, nifti, modality):
    code, _, error = run_cli(
        "export", nifti, "-o", tmp_path / "out", "--format", "dicom", "--thickness", 3, "--modality", modality
    )
    assert code == 0, error
    assert_conformant(tmp_path / "out")
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_tail_of_one_image_is_a_series_too(tmp_path, run_cli, nifti):
    assert run_cli("export", nifti, "-o", tmp_path / "out", "--format", "dicom", "--thickness", 7)[0] == 0
    assert len(images_of(tmp_path / "out")) == 8
    assert_conformant(tmp_path / "out")
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_dicom_options_without_dicom_are_refused(tmp_path, run_cli, nifti):
    code, _, error = run_cli("export", nifti, "-o", tmp_path / "out", "--patient-name", "A")
    assert code == 2
    assert "are for --format dicom" in error


@pytest.mark.parametrize("oblique", [0, 25])
@pytest.mark.parametrize("options", [("--axis", "coronal"), ("--remainder", "pad"), ("--deidentify",)])
def test_options_keep_it_conformant(tmp_path, run_cli, options, oblique):
    if "--deidentify" in options:
        pytest.importorskip("dicomanonymizer", reason="the Python package dicom-anonymizer is not installed")
    path = save_nifti(
        tmp_path / "x.nii", voxels((8, 9, 7)).transpose(2, 1, 0), affine((1, 0, 2), (-1, 1, 1), oblique=oblique)
    )
    assert run_cli("export", path, "-o", tmp_path / "out", "--format", "dicom", "--thickness", 5, *options)[0] == 0
    assert_conformant(tmp_path / "out")


@pytest.mark.parametrize("options", [(), ("--deidentify",)])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ct_head_ge8800", ("--thickness", 40)),
        ("ct_siemens_biograph_j2k", ("--thickness", 7)),
        ("ct_torchio_flipped_rows", ()),
        ("mr_siemens_prisma_sagittal_HFS", ("--axis", "sagittal", "--thickness", 20)),
        ("mr_siemens_sag_5slice", ()),
        ("mr_siemens_vida_enhanced", ("--frame", 2)),
        ("mr_philips_enhanced_b0", ("--frame", 1, "--quantize")),
        ("mr_ge_signa_oblique", ("--allow-uneven", 0.1)),
        ("ct_ge_hispeed_tilt_variable_gap", ("--resample",)),
    ],
)
def test_from_scanners(tmp_path, run_cli, real_data, name, more, options):
    if "--deidentify" in options:
        pytest.importorskip("dicomanonymizer", reason="the Python package dicom-anonymizer is not installed")
    code, _, error = run_cli(
        "export", real_data / "dicom" / name, "-o", tmp_path / "out", "--format", "dicom", *more, *options
    )
    assert code == 0, error
    assert_conformant(tmp_path / "out")
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_an_invalid_attribute_of_the_source_is_left_behind(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels(), SOPClassUID=MR, Modality="MR", ScanningSequence="se bad!", PatientSex="XYZ",
                 PatientAge="old", StudyTime="99")  # fmt: skip
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom")[0] == 0
    assert_conformant(tmp_path / "out")


def headers(out):
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in images_of(out)]


def test_a_case_is_one_study_and_one_frame_of_reference_with_a_series_a_slab(tmp_path, run_cli, nifti):
    run_cli("export", nifti, "-o", tmp_path / "out", "--format", "dicom", "--thickness", 3)
    found = headers(tmp_path / "out")
    assert len({h.StudyInstanceUID for h in found}) == 1
    assert len({h.FrameOfReferenceUID for h in found}) == 1
    assert len({h.SeriesInstanceUID for h in found}) == 3
    assert len({h.SOPInstanceUID for h in found}) == 8
    assert {tuple(h.ImageType) for h in found} == {("DERIVED", "SECONDARY", "AXIAL")}
    assert len({(h.WindowCenter, h.WindowWidth) for h in found}) == 1
    assert "SourceImageSequence" not in found[0]
    assert "DerivationDescription" not in found[0]


def test_uids_repeat_and_new_uids_do_not(tmp_path, run_cli, nifti):
    def uids(name, *options):
        run_cli("export", nifti, "-o", tmp_path / name, "--format", "dicom", "--thickness", 3, *options)
        return [(h.StudyInstanceUID, h.SeriesInstanceUID, h.SOPInstanceUID) for h in headers(tmp_path / name)]

    first = uids("a")
    assert uids("b") == first
    assert not set(uids("c", "--new-uids")) & set(first)
    assert {u[0] for u in uids("d", "--patient-name", "Other")}.isdisjoint({u[0] for u in first})
    a, b = ([p.read_bytes() for p in images_of(tmp_path / name)] for name in "ab")
    assert a == b


def test_a_source_hands_on_patient_study_and_slice(tmp_path, run_cli):
    stated = {"Manufacturer": "ACME", "PatientName": "Ä^Ö", "SpecificCharacterSet": "ISO_IR 100"}
    times = {"AcquisitionTime": lambda n: f"1200{n:02d}", "XRayTubeCurrent": lambda n: 100 + n}
    write_series(tmp_path / "in", voxels(), **stated, **times)
    source = [pydicom.dcmread(p) for p in sorted((tmp_path / "in").iterdir())]
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", "--thickness", 4)
    assert code == 0
    assert "identify people (PatientName, PatientID" in error
    found = headers(tmp_path / "out")
    assert len(found) == len(source)
    for old, new in zip(source, found, strict=True):
        for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientID", "Manufacturer",
                        "XRayTubeCurrent", "AcquisitionTime", "ImagePositionPatient", "PixelSpacing"):  # fmt: skip
            assert new[keyword].value == old[keyword].value, keyword
        (reference,) = new.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == old.SOPInstanceUID
        assert new.SeriesInstanceUID != old.SeriesInstanceUID
        assert "cut by SlabExporter" in new.DerivationDescription


def test_placeholders_can_be_set(tmp_path, run_cli, nifti):
    run_cli("export", nifti, "-o", tmp_path / "out", "--format", "dicom", "--patient-name", "Doe^Jane",
            "--patient-id", "7", "--study-description", "Trial")  # fmt: skip
    first = headers(tmp_path / "out")[0]
    assert (str(first.PatientName), first.PatientID, first.StudyDescription) == ("Doe^Jane", "7", "Trial")
    code, _, error = run_cli("export", nifti, "-o", tmp_path / "o2", "--format", "dicom", "--patient-id", "a\\b")
    assert code == 2
    assert "without backslash" in error


def test_deidentified_slabs_name_nobody(tmp_path, run_cli):
    pytest.importorskip("dicomanonymizer", reason="the Python package dicom-anonymizer is not installed")
    secrets = {"PatientName": "Secret^Person", "PatientID": "SECRETID", "InstitutionName": "Secret Clinic",
               "StudyDescription": "Secret study", "SeriesDescription": "Secret series", "AccessionNumber": "SECRET1",
               "ReferringPhysicianName": "Secret^Doctor", "OperatorsName": "Secret^Op", "PatientBirthDate": "19610203",
               "AcquisitionDate": "20200102", "DeviceSerialNumber": "SECRET2", "PatientComments": "Secret"}  # fmt: skip
    write_series(tmp_path / "in", voxels(), **secrets)
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", "--deidentify")
    assert code == 0, error
    source = pydicom.dcmread(next((tmp_path / "in").iterdir()))
    assert not any("ecret" in str(p.relative_to(tmp_path)) for p in (tmp_path / "out").rglob("*"))
    for path in images_of(tmp_path / "out"):
        content = path.read_bytes()
        for secret in (b"ecret", b"SECRET", b"19610203", b"20200102", source.StudyInstanceUID.encode(),
                       source.FrameOfReferenceUID.encode(), source.SOPInstanceUID.encode()):  # fmt: skip
            assert secret not in content, secret
    first = headers(tmp_path / "out")[0]
    assert first.PatientIdentityRemoved == "YES"
    assert first.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert first.PatientID.startswith("anon-")


# --- values ---


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("uint8", (0, 255)), ("int16", (-32768, 32767)), ("uint16", (0, 65535)), ("int32", (-1024, 3071)),
        ("int32", (100_000, 165_535)), ("int32", (-70_000, -5_000)), ("float32", (-1024, 3071)),
        ("float64", (0, 65535)),
    ],
)  # fmt: skip
def test_whole_numbers_within_sixteen_bits_are_exact(tmp_path, run_cli, dtype, values):
    array = np.linspace(*values, 6 * 5 * 4).astype(np.int64).reshape(6, 5, 4).astype(dtype)
    path = save_nifti(tmp_path / "x.nii", array, affine())
    code, _, error = run_cli("export", path, "-o", tmp_path / "out", "--format", "dicom", "--modality", "CT")
    assert code == 0, error
    for k, image in enumerate(pydicom.dcmread(p) for p in images_of(tmp_path / "out")):
        found = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        np.testing.assert_array_equal(found, array[:, :, k].T)
    assert dciodvfy_errors(images_of(tmp_path / "out")) == []
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize(("dtype", "largest"), [("float32", 0.5), ("int32", 10_000_000)])
def test_what_does_not_fit_is_refused_and_rounded_only_when_asked(tmp_path, run_cli, dtype, largest):
    array = np.linspace(-largest, largest, 120).reshape(6, 5, 4).astype(dtype)
    path = save_nifti(tmp_path / "x.nii", array, affine())
    code, _, error = run_cli("export", path, "-o", tmp_path / "a", "--format", "dicom")
    assert code == 2
    assert "--quantize" in error
    code, _, error = run_cli("export", path, "-o", tmp_path / "b", "--format", "dicom", "--quantize")
    assert code == 0, error
    manifest = json.loads(next((tmp_path / "b").glob("*/manifest.json")).read_text())
    stated = manifest["plan"]["dicom"]["largest_error"]
    assert 0 < stated <= 2 * largest / 65534
    assert f"{stated:.6g}" in error
    for k, image in enumerate(pydicom.dcmread(p) for p in images_of(tmp_path / "b")):
        found = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        assert np.abs(found - array[:, :, k].T).max() <= stated * 1.0001
    assert run_cli("verify", tmp_path / "b")[0] == 0


def test_nan_is_refused(tmp_path, run_cli):
    path = save_nifti(tmp_path / "x.nii", np.full((4, 4, 4), np.nan, np.float32), affine())
    code, _, error = run_cli("export", path, "-o", tmp_path / "a", "--format", "dicom", "--quantize")
    assert code == 2
    assert "NaN" in error


def test_a_changed_or_missing_image_is_noticed(tmp_path, run_cli, nifti):
    run_cli("export", nifti, "-o", tmp_path / "out", "--format", "dicom")
    path = images_of(tmp_path / "out")[2]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "has been changed" in run_cli("verify", tmp_path / "out")[1]
    path.unlink()
    assert run_cli("verify", tmp_path / "out")[0] == 1


def test_slabs_of_dicom_are_replaced_and_resumed(tmp_path, run_cli, nifti):
    out = tmp_path / "out"
    assert run_cli("export", nifti, "-o", out, "--format", "dicom", "--thickness", 2)[0] == 0
    assert (
        "complete already" in run_cli("export", nifti, "-o", out, "--format", "dicom", "--thickness", 2, "--resume")[2]
    )
    assert run_cli("export", nifti, "-o", out, "--format", "dicom", "--thickness", 4, "--overwrite")[0] == 0
    assert len(list(out.glob("*/images/*"))) == 2
    assert not list(out.rglob(".partial*"))
    assert nib.load(nifti).shape == (7, 9, 8)


@pytest.mark.parametrize("options", [(), ("--remainder", "pad"), ("--axis", "sagittal")])
def test_slabs_of_dicom_are_stitched_back(tmp_path, run_cli, nifti, options):
    out = tmp_path / "out"
    assert (
        run_cli("export", nifti, "-o", out, "--format", "dicom", "--thickness", 3, "--modality", "CT", *options)[0] == 0
    )
    code, _, error = run_cli("stitch", out / "head", "-o", tmp_path / "back.nii.gz")
    assert code == 0, error
    source, back = nib.load(nifti), nib.load(tmp_path / "back.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.asanyarray(source.dataobj))
    np.testing.assert_allclose(back.affine, source.affine, rtol=0, atol=1e-4)
