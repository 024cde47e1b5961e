"""Sources that break the rules of DICOM: what is copied into slabs keeps them, and the rest comes from each plane."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import RequestError
from slab_exporter.core.options import DicomOptions, SeriesOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import only_series
from support.dicom_phantoms import MR, uid, voxels, write_image, write_series
from support.dicom_tools import dciodvfy_errors, require_package
from support.phantoms import affine, save_nifti

AS_MR = {"SOPClassUID": MR, "Modality": "MR", "ImageType": ["ORIGINAL", "PRIMARY", "M"], "ScanningSequence": "GR"}


@pytest.fixture
def slabs(tmp_path, run_cli):
    """The images of a folder's slabs, after dciodvfy has found no error in them."""

    def export(*options, folder="in"):
        out = tmp_path / f"out of {folder}"
        code, _, error = run_cli("export", tmp_path / folder, "-o", out, "--format", "dicom", *options)
        assert code == 0, error
        paths = sorted(out.glob("*/images/*/*.dcm"))
        assert dciodvfy_errors([paths[0], paths[-1]]) == []
        return [pydicom.dcmread(path) for path in paths]

    return export


@pytest.mark.parametrize("third", ["", "axial", "A VERY LONG IMAGE TYPE", "B\u00e4r"])
def test_an_image_type_that_breaks_the_rules_is_replaced_by_the_class_s_own(tmp_path, slabs, third):
    write_series(tmp_path / "in", voxels(), ImageType=["ORIGINAL", "PRIMARY", third])
    assert slabs()[0].ImageType == ["DERIVED", "SECONDARY", "AXIAL"]


def test_several_values_where_one_is_allowed_are_left_behind(tmp_path, slabs):
    write_series(
        tmp_path / "in", voxels(), SliceThickness=[5, 5], KVP=[120, 80], PatientID=["A", "B"], StationName=["a", "b"],
        PatientPosition=["HFS", "FFS"], FocalSpots=[1.2, 0.7], SoftwareVersions=["a", "b"],
    )  # fmt: skip
    image = slabs()[0]
    assert (image.KVP, image.PatientID, image.PatientPosition) == (None, "", "")
    assert "StationName" not in image
    assert (image.FocalSpots, image.SoftwareVersions) == ([1.2, 0.7], ["a", "b"])


def test_a_matrix_with_too_few_numbers_is_left_behind(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), **AS_MR, AcquisitionMatrix=[0, 1, 2])
    assert "AcquisitionMatrix" not in slabs()[0]


@pytest.mark.parametrize(
    ("stated", "kept"),
    [({"TriggerTime": "10"}, "absent"), ({"ScanOptions": "CG"}, None), ({"ScanOptions": "CG", "TriggerTime": 7}, 7)],
)
def test_trigger_time_stands_where_the_heart_triggered_and_nowhere_else(tmp_path, slabs, stated, kept):
    write_series(tmp_path / "in", voxels(), **AS_MR, **stated)
    assert {image.get("TriggerTime", "absent") for image in slabs()} == {kept}


def test_an_animal_s_species_is_copied_with_what_belongs_to_it(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), PatientSpeciesDescription="Canine")
    image = slabs()[0]
    assert (image.PatientSpeciesDescription, image.PatientBreedDescription) == ("Canine", "")


def test_names_of_too_many_parts_are_left_behind_or_refused(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), PatientName="A^B^C^D^E^F", ReferringPhysicianName="a^b")
    image = slabs()[0]
    assert (str(image.PatientName), str(image.ReferringPhysicianName)) == ("", "a^b")
    for name in ("A^B^C^D^E^F", "a=b=c=d"):
        with pytest.raises(RequestError, match="up to 5 parts"):
            DicomOptions(patient_name=name)


def test_a_modality_of_spaces_is_refused_and_spaces_around_one_do_not_count(tmp_path, slabs, run_cli):
    write_series(tmp_path / "in", voxels(), Modality=None, SOPClassUID=MR)
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "no", "--format", "dicom", "--modality", " ")
    assert code == 2
    assert "The modality cannot be ''" in error
    assert slabs("--modality", "CT ")[0].SOPClassUID.name == "CT Image Storage"


# --- what belongs to one image ---


def test_what_one_image_states_does_not_get_into_the_others(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), XRayTubeCurrent=lambda n: 200 if n == 0 else None)
    assert [image.get("XRayTubeCurrent") for image in slabs()] == [200, None, None, None, None, None]


def test_slabs_do_not_depend_on_the_names_of_the_files(tmp_path, slabs):
    def window(n):
        return 100 * n

    for folder in ("in", "renamed"):
        write_series(tmp_path / folder, voxels(), WindowCenter=window, WindowWidth=50, SOPInstanceUID=lambda n: uid(n))
    for n, path in enumerate(sorted((tmp_path / "renamed").iterdir())):
        path.rename(path.with_name(f"z{9 - n}"))
    assert slabs()[0].WindowCenter == slabs(folder="renamed")[0].WindowCenter == 200


def test_a_volume_chosen_by_frame_has_its_own_window_and_technique(tmp_path, slabs):
    for n in range(6):
        own = {"InversionTime": 100 + n % 2, "WindowCenter": 7 + n % 2, "WindowWidth": 9, "ScanningSequence": "IR"}
        write_image(tmp_path / "in" / str(n), voxels()[n], (0, 0, n // 2 * 3), InstanceNumber=n, **(AS_MR | own))
    image = slabs("--frame", 1)[0]
    assert (image.WindowCenter, image.InversionTime) == (8, 101)


# --- texts of our own ---


def test_names_made_of_file_names_are_cut_by_bytes(tmp_path, run_cli):
    path = save_nifti(tmp_path / f"{'山' * 30}.nii.gz", voxels().transpose(2, 1, 0), affine())
    assert run_cli("export", path, "-o", tmp_path / "out", "--format", "dicom", "--modality", "CT")[0] == 0
    (first, *_) = sorted(tmp_path.glob("out/*/images/*/*.dcm"))
    assert dciodvfy_errors([first]) == []
    assert pydicom.dcmread(first).PatientID == "山" * 21


def test_descriptions_of_the_source_are_cut_by_bytes(tmp_path, slabs):
    write_series(tmp_path / "in", voxels(), SeriesDescription="é" * 60, SpecificCharacterSet="ISO_IR 192")
    assert slabs()[0].SeriesDescription == "é" * 25 + " slab 000 of 1"


def test_a_table_of_segments_that_is_not_there_is_refused_without_labels_too(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels())
    asked = ("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", "--segments", tmp_path / "no.csv")
    code, _, error = run_cli(*asked)
    assert code == 2
    assert "no.csv does not exist" in error


def test_segmentations_leave_the_images_of_later_slabs_as_they_are(tmp_path, slabs, run_cli):
    require_package("highdicom")
    write_series(tmp_path / "in", voxels())
    volume = load_series(only_series(tmp_path / "in"), SeriesOptions())
    label = save_nifti(tmp_path / "label.nii.gz", np.ones((7, 9, 6), np.uint8), volume.geometry.affine_ras)
    images = slabs("--thickness", 2, "--labels", label, "--jobs", 1)
    assert {image.SliceThickness for image in images} == {None}


def test_identifiers_that_are_left_behind_are_named_in_a_warning(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels(), PatientID="x" * 70, AccessionNumber="1" * 17, OperatorsName="")
    code, out, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom")
    assert code == 0, error
    assert "The source's PatientID, AccessionNumber break the rules of DICOM" in out + error
