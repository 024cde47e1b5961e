"""Bad input: one sentence, the right exit code, nothing half written."""

from __future__ import annotations

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (6, 7, 9)


@pytest.fixture
def healthy(tmp_path):
    return save_nifti(tmp_path / "healthy.nii.gz", index_phantom(SHAPE), affine())


def patched(path, target, offset, data):
    """A copy of a .nii.gz with bytes of its content replaced."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[offset : offset + len(data)] = data
    target.write_bytes(gzip.compress(bytes(content)))
    return target


def refused(run_cli, path, *options, code=2):
    """Export one file and return the sentence with which it is refused."""
    out = path.parent / "out"
    result, _, errors = run_cli("export", path, "-o", out, "--thickness", 4, *options)
    assert result == code
    assert "Traceback" not in errors
    lines = errors.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(".")
    assert not list(out.rglob("*.nii*"))
    assert not list(out.rglob("manifest.json"))
    return lines[0]


def test_missing_file(run_cli, tmp_path):
    assert "does not exist" in refused(run_cli, tmp_path / "no.nii.gz")


def test_empty_file(run_cli, tmp_path):
    path = tmp_path / "empty.nii.gz"
    path.touch()
    assert "empty (0 bytes)" in refused(run_cli, path)


def test_unknown_kind_of_file(run_cli, tmp_path):
    path = tmp_path / "notes.docx"
    path.write_text("hello")
    assert "not a volume file" in refused(run_cli, path)


@pytest.mark.parametrize("keep", [0.2, 0.9, 0.999])
def test_truncated_gzip(run_cli, healthy, keep):
    raw = healthy.read_bytes()
    healthy.write_bytes(raw[: int(len(raw) * keep)])
    assert "gzip data is" in refused(run_cli, healthy)


def test_corrupted_gzip(run_cli, healthy):
    raw = bytearray(healthy.read_bytes())
    raw[-6] ^= 0xFF  # the check sum
    healthy.write_bytes(bytes(raw))
    assert "corrupted" in refused(run_cli, healthy)


def test_header_promises_more_than_the_file_holds(run_cli, healthy, tmp_path):
    path = patched(healthy, tmp_path / "liar.nii.gz", 46, struct.pack("<h", 900))
    sentence = refused(run_cli, path)
    assert "6 x 7 x 900" in sentence or "6 x 900" in sentence


def test_uncompressed_file_cut_short(run_cli, tmp_path):
    path = save_nifti(tmp_path / "cut.nii", index_phantom(SHAPE), affine())
    path.write_bytes(path.read_bytes()[:-10])
    assert "truncated" in refused(run_cli, path)


def test_header_promises_more_than_memory_holds(run_cli, healthy, tmp_path):
    path = patched(healthy, tmp_path / "huge.nii.gz", 42, struct.pack("<3h", 32767, 32767, 32767))
    assert "of memory is free" in refused(run_cli, path)


def test_nrrd_that_promises_more_than_memory_holds(run_cli, tmp_path):
    path = tmp_path / "huge.nrrd"
    path.write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 90000 90000 9000\n"
        b"space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nendian: little\n"
        b"encoding: raw\nspace origin: (0,0,0)\n\n" + bytes(100)
    )
    assert "of memory is free" in refused(run_cli, path)


def test_nifti_2(run_cli, tmp_path):
    path = tmp_path / "two.nii.gz"
    nib.save(nib.Nifti2Image(index_phantom(SHAPE), affine()), path)
    sentence = refused(run_cli, path)
    assert "NIfTI-2" in sentence
    assert "NIfTI-1" in sentence


def test_4d_needs_a_frame(run_cli, tmp_path):
    path = tmp_path / "four.nii.gz"
    data = np.stack([index_phantom(SHAPE) + n for n in range(3)], axis=3)
    nib.save(nib.Nifti1Image(data, affine()), path)
    assert "--frame 0 to 2" in refused(run_cli, path)
    assert "--frame 3 does not exist" in refused(run_cli, path, "--frame", 3)
    code, _, _ = run_cli("export", path, "-o", tmp_path / "good", "--frame", 1, "--thickness", 9)
    assert code == 0
    slab = nib.load(next((tmp_path / "good").rglob("*.nii.gz")))
    np.testing.assert_array_equal(np.asanyarray(slab.dataobj), data[..., 1])


def test_sheared_sform(run_cli, tmp_path):
    path = tmp_path / "sheared.nii.gz"
    matrix = affine()
    matrix[1, 2] = 0.8
    image = nib.Nifti1Image(index_phantom(SHAPE), None)
    image.set_sform(matrix, 1)
    image.set_qform(affine(), 1)
    nib.save(image, path)
    sentence = refused(run_cli, path)
    assert "degrees off a right angle" in sentence
    assert "--nifti-transform qform" in sentence
    code, _, errors = run_cli("export", path, "-o", tmp_path / "good", "--nifti-transform", "qform")
    assert code == 0
    assert "disagree by up to" in errors


def test_sform_and_qform_that_disagree_are_told_and_can_be_chosen(run_cli, tmp_path):
    path = tmp_path / "two_minds.nii.gz"
    image = nib.Nifti1Image(index_phantom(SHAPE), None)
    matrices = {"sform": affine(), "qform": affine(signs=(-1, 1, 1), origin=(50, 60, 70))}
    image.set_sform(matrices["sform"], 1)
    image.set_qform(matrices["qform"], 1)
    nib.save(image, path)
    code, _, errors = run_cli("export", path, "-o", tmp_path / "default")
    assert code == 0
    assert "disagree by up to" in errors
    assert "mirror image" in errors
    for form, matrix in matrices.items():
        code, _, _ = run_cli("export", path, "-o", tmp_path / form, "--nifti-transform", form)
        assert code == 0
        slab = nib.load(next((tmp_path / form).rglob("*.nii.gz")))
        np.testing.assert_allclose(slab.affine, matrix, rtol=0, atol=1e-4)


def test_a_transform_that_is_not_there_cannot_be_chosen(run_cli, tmp_path):
    path = tmp_path / "plain.nii.gz"
    nib.save(nib.Nifti1Image(index_phantom(SHAPE), affine()), path)
    assert "has no qform" in refused(run_cli, path, "--nifti-transform", "qform")


def test_matrix_that_is_not_finite(run_cli, tmp_path, healthy):
    path = patched(healthy, tmp_path / "inf.nii.gz", 288, struct.pack("<f", float("inf")))
    sentence = refused(run_cli, path)
    assert "sform" in sentence
    assert "--nifti-transform qform" in sentence


def test_identity_affine_is_warned_of(run_cli, tmp_path):
    path = save_nifti(tmp_path / "lost.nii.gz", index_phantom(SHAPE), np.eye(4))
    code, _, errors = run_cli("export", path, "-o", tmp_path / "out")
    assert code == 0
    assert "identity" in errors


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("extension", ["nii.gz", "nii", "nrrd"])
def test_values_that_are_not_finite_stay_what_they_are(run_cli, tmp_path, value, extension):
    data = index_phantom(SHAPE, "float32")
    data[1, 2, 3] = data[5, 6, 8] = value
    path = save_nifti(tmp_path / "gaps.nii.gz", data, affine())
    code, _, errors = run_cli("export", path, "-o", tmp_path / "out", "--format", extension)
    assert (code, "Traceback" in errors) == (0, False)
    slab = next(p for p in (tmp_path / "out").rglob("*_slab-*") if p.is_file())
    if extension == "nrrd":
        found = sitk.GetArrayFromImage(sitk.ReadImage(str(slab))).T
    else:
        found = np.asanyarray(nib.load(slab).dataobj)
    np.testing.assert_array_equal(found, data)
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_colours_and_vectors(run_cli, tmp_path):
    rgb = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, affine()), tmp_path / "rgb.nii.gz")
    assert "RGB" in refused(run_cli, tmp_path / "rgb.nii.gz")
    vectors = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.float32), isVector=True)
    sitk.WriteImage(vectors, str(tmp_path / "vectors.nrrd"))
    assert "3 numbers a voxel" in refused(run_cli, tmp_path / "vectors.nrrd")


def test_compressed_metaimage_that_is_damaged(run_cli, tmp_path):
    path = tmp_path / "broken.mha"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(4000, dtype=np.int16).reshape(10, 20, 20)), str(path), True)
    raw = bytearray(path.read_bytes())
    raw[-200:-150] = bytes(50)
    path.write_bytes(bytes(raw))
    assert "damaged" in refused(run_cli, path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--thickness", "0"), "at least one slice"),
        (("--thickness", "-5"), "at least one slice"),
        (("--thickness", "99", "--remainder", "drop"), "nothing would be written"),
        (("--overlap", "4"), "do not advance"),
        (("--thickness-mm", "-1"), "must be positive"),
        (("--fill", "70000", "--remainder", "pad"), "does not fit"),
        (("--within", "nowhere.mrk.json"), "does not exist"),
    ],
)
def test_options_that_make_no_sense(run_cli, healthy, options, words):
    out = healthy.parent / "out"
    base = () if "--thickness" in options or "--thickness-mm" in options else ("--thickness", "4")
    code, _, errors = run_cli("export", healthy, "-o", out, *base, *options)
    assert code in (1, 2)
    assert words in errors
    assert not list(out.rglob("*_slab-*"))


def test_folder_in_use_is_refused_and_can_be_replaced(run_cli, healthy, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    code, _, errors = run_cli("export", healthy, "-o", out)
    assert (code, "not empty" in errors) == (2, True)
    assert [p.name for p in out.iterdir()] == ["diary.txt"]
    code, _, _ = run_cli("export", healthy, "-o", out, "--overwrite")
    assert code == 0
    assert (out / "diary.txt").read_text() == "mine"


def test_overwrite_leaves_no_slab_of_the_earlier_export(run_cli, healthy, tmp_path):
    out = tmp_path / "out"
    assert run_cli("export", healthy, "-o", out, "--thickness", 2)[0] == 0
    assert run_cli("export", healthy, "-o", out, "--thickness", 9, "--format", "nrrd", "--overwrite")[0] == 0
    assert [p.name for p in out.rglob("*_slab-*")] == ["healthy_slab-000.nrrd"]
    assert run_cli("verify", out)[0] == 0


def test_output_where_the_source_lies_is_refused(run_cli, healthy):
    code, _, errors = run_cli("export", healthy, "-o", healthy.parent, "--overwrite")
    assert (code, "choose another" in errors) == (2, True)


def test_output_that_is_a_file(run_cli, healthy, tmp_path):
    (tmp_path / "file").touch()
    code, _, errors = run_cli("export", healthy, "-o", tmp_path / "file")
    assert (code, "must be a folder" in errors) == (2, True)
    code, _, errors = run_cli("export", healthy, "-o", tmp_path / "file" / "out")
    assert (code, "cannot be written" in errors) == (2, True)


def test_names_with_spaces_and_letters_of_any_script(run_cli, tmp_path):
    folder = tmp_path / "Ordner mit Ümläuten 患者"
    folder.mkdir()
    path = save_nifti(folder / "Bauch 1 µ (copy).nii.gz", index_phantom(SHAPE), affine())
    code, _, _ = run_cli("export", path, "-o", tmp_path / "aus gabe é", "--thickness", 4)
    assert code == 0
    assert (tmp_path / "aus gabe é" / "Bauch 1 µ (copy)" / "manifest.json").is_file()
    assert run_cli("verify", tmp_path / "aus gabe é")[0] == 0


def test_two_cases_with_one_name_stay_apart(run_cli, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_nifti(tmp_path / name / "ct.nii.gz", index_phantom(SHAPE), affine())
    inputs = [tmp_path / "a" / "ct.nii.gz", tmp_path / "b" / "ct.nii.gz"]
    assert run_cli("export", *inputs, "-o", tmp_path / "out")[0] == 0
    assert sorted(p.parent.name for p in (tmp_path / "out").rglob("manifest.json")) == ["a", "b"]
    code, _, errors = run_cli("export", inputs[0], inputs[0], "-o", tmp_path / "again")
    assert (code, "given twice" in errors) == (2, True)


def test_one_bad_case_does_not_stop_the_others(run_cli, healthy, tmp_path):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"\x1f\x8bnonsense")
    code, output, _ = run_cli("export", bad, healthy, "-o", tmp_path / "out")
    assert code == 1
    assert (tmp_path / "out" / "healthy" / "manifest.json").is_file()
    assert "bad," in (tmp_path / "out" / "errors.csv").read_text()
    assert "1 failed" in output
