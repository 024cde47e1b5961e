"""What people reported about label maps and predictions: the files as they had them, and what is right for each."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from support.phantoms import affine, index_phantom, save_nifti
from support.segment_files import write_seg_nrrd

SHAPE = (5, 6, 8)
MATRIX = affine(spacing=(2.0, 3.0, 4.0))


@pytest.fixture
def image(tmp_path) -> Path:
    return save_nifti(tmp_path / "image.nii", index_phantom(SHAPE), MATRIX)


def labels_of(out: Path) -> np.ndarray:
    (folder,) = (path.parent for path in out.glob("*/manifest.json"))
    files = [slab["labels"]["labels"] for slab in json.loads((folder / "manifest.json").read_text())["slabs"]]
    return np.concatenate([np.asanyarray(nib.load(folder / file).dataobj) for file in files], axis=2)


def test_the_same_label_map_in_lps_is_reordered_beside_a_nifti_image(run_cli, tmp_path, image):
    values = (index_phantom(SHAPE) % 7).astype(np.uint8)
    ornt = nib.orientations.axcodes2ornt(("L", "P", "S"))
    turned = nib.Nifti1Image(values, MATRIX).as_reoriented(
        nib.orientations.ornt_transform(nib.io_orientation(MATRIX), ornt)
    )
    nib.save(turned, tmp_path / "label_LPS.nii")
    out = tmp_path / "out"
    code, _, said = run_cli("export", image, "--labels", tmp_path / "label_LPS.nii", "-o", out, "--thickness", 3)
    assert code == 0, said
    np.testing.assert_array_equal(labels_of(out), values)


def test_a_segmentation_that_slicer_cropped_is_padded_with_background(run_cli, tmp_path, image):
    mask = np.zeros(SHAPE, bool)
    mask[1:3, 2:5, 2:6] = True
    path = write_seg_nrrd(tmp_path / "cropped.seg.nrrd", {"liver": mask}, MATRIX)
    out = tmp_path / "out"
    code, _, said = run_cli("export", image, "--labels", path, "-o", out, "--thickness", 4)
    assert code == 0, said
    np.testing.assert_array_equal(labels_of(out), mask.astype(np.uint8))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([0, 0.988, 1.976, 3.012], "0.988, 1.976, 3.012 (fractions)"),
        ([0.999, 1.999, 2.999], "0.999, 1.999, 2.999 (fractions)"),
        ([np.nan, 1.0, 2.0], "NaN"),
        ([0, -1, 1], "-1 (negative)"),
    ],
)
def test_values_that_are_no_labels_are_named(run_cli, tmp_path, image, values, named):
    rng = np.random.default_rng(3)
    label = save_nifti(tmp_path / "l.nii", rng.choice(np.array(values, np.float32), SHAPE), MATRIX)
    code, _, said = run_cli("export", image, "--labels", label, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0
    assert "is not a label map: it holds" in said
    assert named in said


def test_an_image_given_as_a_label_map_is_said(run_cli, tmp_path, image):
    values = np.arange(np.prod(SHAPE) * 20, dtype=np.int32).reshape(*SHAPE[:2], -1)
    big = save_nifti(tmp_path / "big.nii", values.astype(np.int16), MATRIX)
    label = save_nifti(tmp_path / "l.nii", values, MATRIX)
    code, _, said = run_cli("export", big, "--labels", label, "-o", tmp_path / "out")
    assert code == 0
    assert "is not a label map: it holds 4800 different values" in said


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        (np.eye(4), "identity (lost)"),
        (MATRIX, "the same grid as REFERENCE's"),
        (affine(spacing=(2.0, 3.0, 4.0), origin=(0, 0, 0)), "its origin is (0, 0, 0): the position was lost"),
        (
            np.diag([-1.0, 1, 1, 1]) @ MATRIX,
            "mirrored left-right: with those coordinates negated it",
        ),
        (MATRIX @ nib.affines.from_matvec(np.eye(3), (0.5, 0.5, 0.5)), "shifted by half a voxel"),
    ],
)
def test_compare_speaks_of_grids_where_contents_cannot_be_related(run_cli, tmp_path, matrix, told):
    rng = np.random.default_rng(5)
    image = save_nifti(tmp_path / "image.nii", rng.integers(0, 999, (12, 13, 14)).astype(np.int16), MATRIX)
    label = save_nifti(tmp_path / "label.nii", rng.integers(0, 2, (12, 13, 14)).astype(np.uint8), matrix)
    _, shown, _ = run_cli("compare", image, label)
    assert told in shown
