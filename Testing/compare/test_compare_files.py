"""compare on files: its words, its fixes, its refusals, and the original story."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation
from support.phantoms import SIGNED_PERMUTATIONS, affine, lopsided_phantom, save_nifti

SHAPE = (22, 20, 18)


def ornt_of(orientation):
    axes, signs = orientation
    return np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)


def assert_agrees_everywhere(path, reference, other_shape=None):
    """Every voxel of a file lies where the reference has the same value, by nibabel's matrices alone."""
    image, whole = nib.load(path), nib.load(reference)
    found = np.asanyarray(image.dataobj)
    index = np.stack(np.meshgrid(*map(np.arange, found.shape), indexing="ij"), -1)
    there = nib.affines.apply_affine(np.linalg.inv(whole.affine) @ image.affine, index)
    nearest = np.round(there).astype(int)
    np.testing.assert_allclose(there, nearest, atol=1e-3)
    np.testing.assert_array_equal(found, np.asanyarray(whole.dataobj)[tuple(np.moveaxis(nearest, -1, 0))])
    return image


@pytest.fixture
def reference(tmp_path):
    return save_nifti(tmp_path / "reference.nii.gz", lopsided_phantom(SHAPE), affine(signs=(-1, 1, 1), oblique=6.0))


def test_the_fixed_file_agrees_with_the_reference_at_every_voxel(tmp_path, reference, run_cli):
    geometry = nib.load(reference).affine
    for n, orientation in enumerate(SIGNED_PERMUTATIONS):
        part = lopsided_phantom(SHAPE)[:, :, 5:14] if n % 2 else lopsided_phantom(SHAPE)
        other = save_nifti(tmp_path / "other.nii", apply_orientation(part, ornt_of(orientation)), geometry)
        fixed = tmp_path / f"fixed{n}.nii.gz"
        arguments = ("compare", reference, other, "--fix", fixed)
        if n == 0:
            assert run_cli(*arguments)[0] == 0
            assert_agrees_everywhere(fixed, reference)
            continue
        code, out, err = run_cli(*arguments, "--json")
        found = json.loads(out)
        assert found["certain"]
        if found["verdict"] == "mirrored":
            assert code == 1
            assert "--flip" in err
            assert not fixed.exists()
            assert run_cli(*arguments, "--flip")[0] == 0
            before, after = nib.load(other), assert_agrees_everywhere(fixed, reference)
            # the voxels were reversed, the handedness kept
            assert np.linalg.det(before.affine[:3, :3]) * np.linalg.det(after.affine[:3, :3]) > 0
        else:
            assert code == 0
            after = assert_agrees_everywhere(fixed, reference)
            np.testing.assert_array_equal(np.asanyarray(after.dataobj), np.asanyarray(nib.load(other).dataobj))
        assert run_cli("compare", reference, fixed)[0] == 0


def test_a_fix_keeps_what_the_header_says(tmp_path, reference, run_cli):
    image = nib.Nifti1Image(np.rot90(lopsided_phantom(SHAPE)).copy(), np.diag([-1.0, 1.0, 1.0, 1.0]))
    image.header["descrip"] = b"rotated"
    nib.save(image, tmp_path / "other.nii.gz")
    assert run_cli("compare", reference, tmp_path / "other.nii.gz", "--fix", tmp_path / "m.nii.gz")[0] == 0
    fixed = assert_agrees_everywhere(tmp_path / "m.nii.gz", reference)
    assert fixed.header["descrip"] == b"rotated"
    assert fixed.get_data_dtype() == np.int16
    assert int(fixed.header["sform_code"]) > 0


def test_nrrd_on_either_side(tmp_path, reference, run_cli):
    import SimpleITK as sitk

    image = sitk.ReadImage(str(reference))
    rotated = sitk.PermuteAxes(image, [2, 0, 1])[:, ::-1]
    sitk.WriteImage(rotated, str(tmp_path / "rotated.nrrd"))
    for pair in ((reference, tmp_path / "rotated.nrrd"), (tmp_path / "rotated.nrrd", reference)):
        code, out, _ = run_cli("compare", *pair)
        assert code == 0
        assert "only the storage order differs" in out
    rotated.SetOrigin((0, 0, 0))
    sitk.WriteImage(rotated, str(tmp_path / "moved.nrrd"))
    code, out, _ = run_cli("compare", reference, tmp_path / "moved.nrrd", "--fix", tmp_path / "back.nrrd")
    assert code == 0
    assert "shifted by" in out
    assert run_cli("compare", reference, tmp_path / "back.nrrd")[0] == 0


def test_the_avg152_pair_is_the_same_place_and_mirrored_as_soon_as_a_header_is_lost(real_data, tmp_path, run_cli):
    """Both files show the same brain at the same place; their arrays are mirror images of one another."""
    folder = real_data / "nifti" / "avg152_pair"
    left, right = folder / "avg152T1_LR_nifti.nii.gz", folder / "avg152T1_RL_nifti.nii.gz"
    code, out, _ = run_cli("compare", left, right)
    assert code == 0
    assert "columns reversed (as an array the mirror image, left-right)" in out
    assert "only the storage order differs" in out
    swapped = nib.Nifti1Image(np.asanyarray(nib.load(right).dataobj), nib.load(left).affine)
    nib.save(swapped, tmp_path / "swapped.nii.gz")
    code, out, _ = run_cli("compare", left, tmp_path / "swapped.nii.gz")
    assert code == 1
    assert "MIRRORED left-right: right and left are exchanged" in out


def test_what_is_not_certain_is_not_fixed(tmp_path, reference, run_cli):
    half = lopsided_phantom(SHAPE)
    symmetric = save_nifti(tmp_path / "symmetric.nii", np.maximum(half, half[::-1]), affine())
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    other = save_nifti(tmp_path / "noise.nii", noise, affine())
    for pair, sentence in (((symmetric, symmetric), "symmetric"), ((reference, other), "no arrangement")):
        code, out, err = run_cli("compare", *pair, "--fix", tmp_path / "m.nii")
        assert code == 1
        assert sentence in err
        assert out
        assert not (tmp_path / "m.nii").exists()


def test_sources_and_existing_files_are_safe(tmp_path, reference, run_cli):
    before = reference.read_bytes()
    for target in (reference, tmp_path / "x.png"):
        code, _, err = run_cli("compare", reference, reference, "--fix", target, "--overwrite")
        assert code == 2
        assert len(err.strip().splitlines()) == 1
    (tmp_path / "there.nii").write_text("precious")
    assert run_cli("compare", reference, reference, "--fix", tmp_path / "there.nii")[0] == 2
    assert (tmp_path / "there.nii").read_text() == "precious"
    assert reference.read_bytes() == before
    assert run_cli("compare", reference, tmp_path / "absent.nii")[0] == 2


def test_a_frame_of_a_4d_file(tmp_path, reference, run_cli):
    frames = np.stack([np.zeros(SHAPE, np.int16), lopsided_phantom(SHAPE)[::-1]], axis=-1)
    nib.save(nib.Nifti1Image(frames, nib.load(reference).affine), tmp_path / "4d.nii")
    assert run_cli("compare", reference, tmp_path / "4d.nii")[0] == 2
    code, out, _ = run_cli("compare", reference, tmp_path / "4d.nii", "--frame", 1, "--json")
    assert code == 1
    assert json.loads(out)["verdict"] == "mirrored"


def test_the_original_story_is_diagnosed_and_fixed(tmp_path, run_cli):
    pytest.importorskip("dicom2nifti", reason="dicom2nifti is not installed (pip install slab-exporter[peers])")
    from support.naive_chain import batch_to_nifti, naive_dicom

    geometry = affine(signs=(-1, 1, 1), spacing=(0.75, 0.75, 2.0), origin=(180.0, -179.6, -412.0))
    reference = save_nifti(tmp_path / "ct.nii.gz", lopsided_phantom((40, 40, 30)), geometry)
    files = naive_dicom(reference, tmp_path / "dicom")
    batch = batch_to_nifti(files[10:20], tmp_path / "batch1.nii.gz")
    code, out, _ = run_cli("compare", reference, batch, "--json")
    assert code == 1
    found = json.loads(out)
    assert found["certain"]
    relation = found["relations"][0]
    whole, other = nib.load(reference), nib.load(batch)
    expression = relation["numpy"].removeprefix("other == ")
    np.testing.assert_array_equal(
        eval(expression, {"reference": np.asanyarray(whole.dataobj)}), np.asanyarray(other.dataobj)
    )
    # where the tool says that the centre went, from the two affines alone
    assert found["verdict"] in ("rotated", "mirrored")
    assert np.linalg.norm(relation["shift_ras_mm"]) > 100
    flag = ("--flip",) if found["verdict"] == "mirrored" else ()
    assert run_cli("compare", reference, batch, "--fix", tmp_path / "fixed.nii.gz", *flag)[0] == 0
    assert_agrees_everywhere(tmp_path / "fixed.nii.gz", reference)


def test_either_form_of_either_file_can_be_chosen(tmp_path, run_cli):
    image = nib.Nifti1Image(lopsided_phantom(SHAPE), None)
    image.set_sform(affine(), 1)
    image.set_qform(affine(origin=(0, 0, 0)), 1)
    nib.save(image, tmp_path / "both.nii")
    pair = ("compare", tmp_path / "both.nii", tmp_path / "both.nii")
    codes = {}
    for first in ("sform", "qform"):
        for second in ("sform", "qform"):
            codes[first, second] = run_cli(*pair, "--reference-nifti-transform", first, "--nifti-transform", second)[0]
    assert codes == {(a, b): int(a != b) for a, b in codes}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_values_near_the_ends_of_float64_are_compared_like_others(tmp_path, unit, run_cli):
    values = lopsided_phantom(SHAPE) * (unit / 1000)
    first = save_nifti(tmp_path / "a.nii", values, affine())
    second = save_nifti(tmp_path / "b.nii", values[::-1] * 2 + unit, affine())
    code, out, _ = run_cli("compare", first, second, "--json")
    assert code == 1
    found = json.loads(out)
    assert (found["verdict"], found["intensity"]["kind"]) == ("mirrored", "rescaled")
    assert found["intensity"]["intercept"] == pytest.approx(unit, rel=1e-6)
    assert run_cli("compare", first, first)[0] == 0


def test_a_single_slice_is_confirmed_whichever_way_its_thin_axis_runs(tmp_path, reference, run_cli):
    """Reversing an axis of one voxel changes no voxel: the affine has the word, but not on the other two axes."""
    geometry = nib.load(reference).affine
    moved = geometry @ nib.affines.from_matvec(np.eye(3), (0, 0, 7))
    part = lopsided_phantom(SHAPE)[:, :, 7:8]
    for flip in (1, -1):
        slab = save_nifti(tmp_path / f"slab{flip}.nii", part, moved @ np.diag([1, 1, flip, 1]))
        for whole in (reference, slab):
            code, out, _ = run_cli("compare", whole, slab)
            assert code == 0, out
            assert "AMBIGUOUS" not in out
        mirrored = save_nifti(tmp_path / "mirrored.nii", part[::-1], moved @ np.diag([1, 1, flip, 1]))
        code, out, _ = run_cli("compare", reference, mirrored, "--json")
        assert code == 1
        assert json.loads(out)["verdict"] == "mirrored"
    assert run_cli("compare", tmp_path / "slab1.nii", tmp_path / "slab-1.nii")[0] == 0
    rolled = save_nifti(tmp_path / "rolled.nii", np.moveaxis(part, 2, 0), geometry)
    assert json.loads(run_cli("compare", reference, rolled, "--json")[1])["certain"]


def test_neighbouring_large_whole_numbers_are_two_values(tmp_path, run_cli):
    values = np.full(SHAPE, 2**64 - 1, np.uint64) - (lopsided_phantom(SHAPE) > 0).astype(np.uint64)
    path = tmp_path / "v.nii"
    nib.save(nib.Nifti1Image(values, affine(), dtype=np.uint64), path)
    code, out, _ = run_cli("compare", path, path)
    assert code == 0, out


def test_shifts_of_a_micro_ct_are_told_in_its_own_digits(run_cli, tmp_path):
    """Voxels of 5 micrometres, the copy's affine one of them to the right."""
    voxels = np.random.default_rng(4).integers(0, 4000, (24, 22, 20)).astype(np.int16)
    place = np.diag([0.005, 0.005, 0.005, 1])
    reference = save_nifti(tmp_path / "a.nii", voxels, place)
    place[0, 3] = 0.005
    other = save_nifti(tmp_path / "b.nii", voxels, place)
    code, text, _ = run_cli("compare", reference, other)
    assert code == 1
    assert "the patient appears shifted by (0.005, 0, 0) mm (to R, A, S)" in text
