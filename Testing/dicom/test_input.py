"""DICOM folders through the whole export, judged by what dcm2niix made of the same series."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from support.dicom_phantoms import uid, voxels, write_image, write_series
from support.physical import assert_lies_in, nifti
from support.trees import tree

REGULAR = ["ct_head_ge8800", "ct_siemens_biograph_j2k", "ct_torchio_flipped_rows", "mr_siemens_prisma_sagittal_HFS",
           "mr_siemens_sag_5slice"]  # fmt: skip


def slabs_of(out):
    (path,) = out.glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    return manifest, [(slab, path.parent / slab["image"]) for slab in manifest["slabs"]]


def reference(real_data, name):
    return next(p for p in (real_data / "dicom_ref").iterdir() if p.name in (f"{name}.nii", f"{name}.nii.gz"))


@pytest.mark.parametrize("name", REGULAR)
def test_regular_series_lie_where_dcm2niix_puts_them(tmp_path, run_cli, real_data, name):
    code, _, error = run_cli("export", real_data / "dicom" / name, "-o", tmp_path / "out", "--thickness", 6)
    assert code == 0, error
    whole = nifti(reference(real_data, name))
    manifest, slabs = slabs_of(tmp_path / "out")
    count = 0
    for _, path in slabs:
        part = nifti(path)
        assert part[0].dtype.kind in "iu"
        assert_lies_in(part, whole, within_mm=2e-3)
        count += part[0].size
    assert count == whole[0].size
    assert all(slab["verified"] for slab, _ in slabs)
    assert manifest["source"]["files"] > 1
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ct_ge_hispeed_tilt_variable_gap", "tilted by 18.5 degrees"),
        ("ct_ge_hispeed_tilt_variable_gap", "slices 24 and 25 are 7.00 mm apart where the rest are 4.00 mm"),
        ("hdr_ct_siemens_tilt14_noisepixels", "tilted by 14.0 degrees"),
        ("mr_ge_signa_oblique", "7.07 mm apart where the rest are 6.97 mm"),
        ("mr_siemens_vida_enhanced", "4 volumes of 6 slices"),
        ("mr_philips_enhanced_b0", "2 volumes of 32 slices"),
    ],
)
def test_irregular_series_are_refused_with_the_number(tmp_path, run_cli, real_data, name, said):
    code, _, error = run_cli("export", real_data / "dicom" / name, "-o", tmp_path / "out")
    assert code == 2
    assert said in error


def test_an_uneven_series_within_the_tolerance_is_taken(tmp_path, run_cli, real_data):
    folder = real_data / "dicom" / "mr_ge_signa_oblique"
    assert run_cli("export", folder, "-o", tmp_path / "out", "--allow-uneven", 0.1)[0] == 0
    manifest, slabs = slabs_of(tmp_path / "out")
    assert "7.07 mm apart" in manifest["warnings"][0]
    expected = np.sort(nifti(reference(real_data, "mr_ge_signa_oblique"))[0], axis=None)
    np.testing.assert_array_equal(np.sort(nifti(slabs[0][1])[0], axis=None), expected)
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_tilted_series_is_resampled_when_asked_and_says_so(tmp_path, run_cli, real_data):
    folder = real_data / "dicom" / "ct_ge_hispeed_tilt_variable_gap"
    assert run_cli("export", folder, "-o", tmp_path / "out", "--resample")[0] == 0
    manifest, slabs = slabs_of(tmp_path / "out")
    assert manifest["source"]["resampled"]["tilt_degrees"] == pytest.approx(18.5, abs=0.01)
    assert "Resampled" in manifest["warnings"][0]
    image = nib.load(slabs[0][1])
    directions = image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), rtol=0, atol=1e-6)
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize(("frame", "file"), [(0, "mr_philips_enhanced_b0_e1"), (1, "mr_philips_enhanced_b0_e2_slope")])
def test_frames_of_an_enhanced_object_agree_with_dcm2niix(tmp_path, run_cli, real_data, frame, file):
    folder = real_data / "dicom" / "mr_philips_enhanced_b0"
    code, _, error = run_cli("export", folder, "-o", tmp_path / "out", "--frame", frame)
    assert code == 0, error
    values, affine = nifti(slabs_of(tmp_path / "out")[1][0][1])
    reference_values, reference_affine = nifti(reference(real_data, file))
    # dcm2niix scales Philips values another way; the picture is the same up to a factor and an offset.
    places = np.stack(np.indices(values.shape), -1).reshape(-1, 3) @ affine[:3, :3].T + affine[:3, 3]
    inverse = np.linalg.inv(reference_affine)
    index = places @ inverse[:3, :3].T + inverse[:3, 3]
    np.testing.assert_allclose(index, np.rint(index), rtol=0, atol=1e-3)
    other = reference_values[tuple(np.rint(index).astype(int).T)]
    assert np.corrcoef(values.reshape(-1), other)[0, 1] > 0.999999


@pytest.mark.parametrize("frame", [0, 3])
def test_volumes_of_several_enhanced_files_agree_with_dcm2niix(tmp_path, run_cli, real_data, frame):
    folder = real_data / "dicom" / "mr_siemens_vida_enhanced"
    assert run_cli("export", folder, "-o", tmp_path / "out", "--frame", frame)[0] == 0
    values, affine = nifti(reference(real_data, "mr_siemens_vida_enhanced"))
    assert_lies_in(nifti(slabs_of(tmp_path / "out")[1][0][1]), (values[..., frame], affine), within_mm=2e-3)
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_label_map_made_by_another_program_is_cut_alike(tmp_path, run_cli, real_data):
    """Its rows run the other way round; voxel for voxel it lies on the series."""
    labels = reference(real_data, "ct_siemens_biograph_j2k_labels")
    folder = real_data / "dicom" / "ct_siemens_biograph_j2k"
    code, _, error = run_cli("export", folder, "--labels", labels, "-o", tmp_path / "out", "--thickness", 7)
    assert code == 0, error
    manifest, slabs = slabs_of(tmp_path / "out")
    assert manifest["label_sources"]["labels"]["file_shape_ijk"] == [512, 512, 20]
    for slab, path in slabs:
        label = path.parents[1] / slab["labels"]["labels"]
        assert_lies_in(nifti(label), nifti(labels), within_mm=2e-3)
        np.testing.assert_allclose(nib.load(label).affine, nib.load(path).affine, rtol=0, atol=2e-3)
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_tree_of_patients_gives_a_case_a_series_and_names_what_is_left_out(tmp_path, run_cli):
    for patient in ("A", "B"):
        write_series(tmp_path / "in" / patient / "s", voxels(), PatientID=patient, SeriesInstanceUID=uid(patient))
    write_image(tmp_path / "in" / "scout", voxels()[0], (0, 0, 0), SeriesInstanceUID=uid("scout"), SeriesNumber=1,
                SeriesDescription="Topogram")  # fmt: skip
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0, error
    assert "Left out: Series 1 'Topogram'" in error
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_dir()) == [
        "A_20200102_3_phantom",
        "B_20200102_3_phantom",
    ]


def test_the_output_folder_below_the_input_is_not_read(tmp_path, run_cli):
    write_series(tmp_path / "ct", voxels())
    out = tmp_path / "out"
    assert run_cli("export", tmp_path, "-o", out, "--thickness", 4, "--format", "dicom")[0] == 0
    code = run_cli("export", tmp_path, "-o", out, "--thickness", 4, "--format", "dicom", "--resume")[0]
    assert code == 0
    assert len(list(out.glob("*/manifest.json"))) == 1


@pytest.mark.parametrize("place", [".", "out", "deep/er/out"])
def test_nothing_is_written_among_the_images_of_a_series(tmp_path, run_cli, place):
    folder = write_series(tmp_path / "ct", voxels())
    code, _, error = run_cli("export", folder, "-o", folder / place)
    assert code == 2
    assert "DICOM folder" in error or "same folder" in error
    assert not (folder / "out").exists()
    assert not (folder / "deep").exists()


def test_a_changed_source_file_is_noticed(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels())
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "out")[0] == 0
    path = tmp_path / "in" / "002"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    code, out, _ = run_cli("verify", tmp_path / "out")
    assert code == 1
    assert "changed since the export" in out


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"DICM" * 100])
def test_a_folder_without_dicom_is_one_sentence(tmp_path, run_cli, content):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").write_bytes(content)
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 2
    assert "holds no volume files" in error or "holds no DICOM images" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("hostile", ["../../../x", "..\\..\\x", "/etc/x", "y" * 10000, ".", "a\nb"])
def test_hostile_attributes_write_nothing_outside_the_output(tmp_path, run_cli, hostile):
    write_series(tmp_path / "in", voxels(), PatientID=hostile, SeriesDescription=hostile, StudyDate=None)
    before = set(tmp_path.rglob("*"))
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "deep" / "er" / "out")[0] == 0
    added = set(tmp_path.rglob("*")) - before
    assert all((tmp_path / "deep") in (p, *p.parents) for p in added)
    (folder,) = [p for p in (tmp_path / "deep" / "er" / "out").iterdir() if p.is_dir()]
    assert (folder / "manifest.json").is_file()


def test_many_series_run_in_processes_with_lists_dry_run_and_groups(tmp_path, run_cli):
    for patient in ("A", "B"):
        for number in (1, 2):
            write_series(tmp_path / "in" / patient / str(number), voxels(), PatientID=patient, SeriesNumber=number,
                         SeriesInstanceUID=uid(patient, number))  # fmt: skip
    code, out, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "none", "--thickness", 4, "--dry-run")
    assert code == 0, error
    assert "4 of 4 cases, 8 slabs" in out
    assert not (tmp_path / "none").exists()
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--thickness", 4, "--jobs", 2)
    assert code == 0, error
    groups = {e["slab"]["group"] for e in json.loads((tmp_path / "out" / "dataset.json").read_text())["training"]}
    assert groups == {"A", "B"}
    assert run_cli("verify", tmp_path / "out")[0] == 0
    (tmp_path / "list.csv").write_text("case,image\nfirst,in/A/1\nsecond,in/B/2\n")
    code, _, error = run_cli("export", tmp_path / "list.csv", "-o", tmp_path / "listed", "--format", "dicom")
    assert code == 0, error
    assert sorted(p.parent.name for p in (tmp_path / "listed").glob("*/manifest.json")) == ["first", "second"]
    (tmp_path / "list.csv").write_text("case,image\nboth,in/A\n")
    code, _, error = run_cli("export", tmp_path / "list.csv", "-o", tmp_path / "o3")
    assert code == 2
    assert "holds 2 DICOM series; name the folder of each" in error


def test_label_maps_are_found_by_the_name_of_the_case_or_of_the_folder(tmp_path, run_cli):
    from support.phantoms import save_nifti

    write_series(tmp_path / "in" / "pat7", voxels())
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "out")[0] == 0
    (image,) = (tmp_path / "out").glob("*/images/*.nii.gz")
    affine = nib.load(image).affine
    for folder, name in (("a", "P1_20200102_3_phantom"), ("b", "pat7")):
        (tmp_path / folder).mkdir()
        save_nifti(tmp_path / folder / f"{name}.nii.gz", np.ones((7, 9, 6), np.uint8), affine)
        code, _, error = run_cli(
            "export", tmp_path / "in", "--labels", tmp_path / folder, "-o", tmp_path / f"o{folder}"
        )
        assert code == 0, error
        assert len(list((tmp_path / f"o{folder}").glob("*/labels/*.nii.gz"))) == 1


def test_files_given_one_by_one_are_put_together_to_their_series(tmp_path, run_cli):
    write_series(tmp_path / "in" / "a", voxels())
    write_series(
        tmp_path / "in" / "b", voxels((4, 9, 7)), SeriesInstanceUID=uid("b"), SOPInstanceUID=lambda n: uid("b", n)
    )
    files = sorted((tmp_path / "in").glob("*/*"))
    code, _, error = run_cli("export", *files, "-o", tmp_path / "loose" / "out", "--thickness", 2)
    assert code == 0, error
    assert run_cli("export", tmp_path / "in", "-o", tmp_path / "folder" / "out", "--thickness", 2)[0] == 0
    assert tree(tmp_path / "loose") == tree(tmp_path / "folder")
    assert run_cli("verify", tmp_path / "loose" / "out")[0] == 0
    code, _, error = run_cli("export", tmp_path / "in" / "a" / "*", "-o", tmp_path / "pattern", "--thickness", 2)
    assert code == 0, error


def test_a_part_of_a_series_is_not_taken_for_the_whole(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels())
    files = sorted((tmp_path / "in").iterdir())
    code, _, error = run_cli("export", *files[:4], "-o", tmp_path / "out")
    assert code == 2
    assert f"4 of the {len(files)} images of" in error
    assert f"give the folder, {tmp_path / 'in'}, for all of them" in error
    assert not (tmp_path / "out").exists()
