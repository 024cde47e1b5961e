"""Values that are no labels, ids beyond 2^53, and the value of voxels that no slab holds."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from support.phantoms import affine, index_phantom, save_nifti
from support.rois import write_roi

SHAPE = (5, 6, 8)


@pytest.fixture
def image(tmp_path):
    return save_nifti(tmp_path / "image.nii", index_phantom(SHAPE), affine())


LABELS = index_phantom(SHAPE) % 4
NOT_WHOLE = {
    "scaled": (LABELS.astype(np.float32) * np.float32(252 / 255), "holds 0.9882, 1.976, 2.965 (fractions)"),
    "near": (LABELS - np.where(LABELS > 0, np.float32(0.001), 0).astype(np.float32), "holds 0.999, 1.999, 2.999"),
    "nan": (np.where(LABELS > 0, LABELS, np.nan).astype(np.float32), "holds 60 NaN"),
}


@pytest.mark.parametrize("kind", NOT_WHOLE)
def test_labels_that_are_not_whole_are_said_with_their_values(run_cli, tmp_path, image, kind):
    values, said = NOT_WHOLE[kind]
    label = save_nifti(tmp_path / "seg.nii", values, affine())
    code, _, err = run_cli("export", image, "--labels", label, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0
    assert "seg.nii is not a label map: it " + said in err
    assert "0.999 becomes 0" in err
    warnings = json.loads((tmp_path / "out" / "image" / "manifest.json").read_text())["warnings"]
    assert any(said in text for text in warnings)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_whole_labels_are_taken_without_a_word(run_cli, tmp_path, image, dtype):
    label = save_nifti(tmp_path / "seg.nii", LABELS.astype(dtype), affine())
    code, _, err = run_cli("export", image, "--labels", label, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0
    assert "label map" not in err


@pytest.mark.parametrize(
    "voxels",
    [
        np.int64(720575940600000000) + np.arange(240).reshape(SHAPE),
        np.full(SHAPE, 2**63 - 1, np.int64),
        np.full(SHAPE, 1e20, np.float32),
        np.full(SHAPE, -3e38, np.float32),
        np.linspace(-3.4e38, 3.4e38, 240).reshape(SHAPE).astype(np.float32),
        np.full(SHAPE, 1e300, np.float64),
    ],
    ids=["ids", "largest", "constant", "lowest", "widest", "beyond float32"],
)
@pytest.mark.filterwarnings("error")
def test_pictures_of_huge_numbers_stop_no_export(run_cli, tmp_path, voxels):
    path = save_nifti(tmp_path / "ids.nii", voxels, affine())
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4, "--format", "nii")
    assert code == 0, err
    slabs = sorted((tmp_path / "out" / "ids" / "images").iterdir())
    found = np.concatenate([np.asanyarray(nib.load(slab).dataobj) for slab in slabs], axis=2)
    np.testing.assert_array_equal(found, voxels)
    assert len(list((tmp_path / "out" / "ids" / "preview").glob("*.png"))) == 3


def test_stitching_fills_what_lies_outside_an_roi_with_the_volumes_air(run_cli, tmp_path, runtime):
    """The slabs hold an organ of -700 and more; air is -1000."""
    voxels = np.full((12, 10, 16), -1000, np.int16)
    voxels[3:9, 2:8, 4:12] = -700 + index_phantom((6, 6, 8)) % 90
    path = save_nifti(tmp_path / "ct.nii.gz", voxels, affine())
    roi = write_roi(runtime, tmp_path / "organ.mrk.json", affine(), (3, 2, 4), (9, 8, 12))
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--within", roi, "--thickness", 4)
    assert code == 0, err
    manifest = tmp_path / "out" / "ct" / "manifest.json"
    assert json.loads(manifest.read_text())["plan"]["fill"] == -1000
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "whole.nii.gz")
    assert code == 0, err
    assert "voxels are in no slab; filled with -1000." in err
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "whole.nii.gz").dataobj), voxels)
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "other.nii.gz", "--fill", -2000)
    assert "filled with -2000." in err
    assert nib.load(tmp_path / "other.nii.gz").dataobj[0, 0, 0] == -2000
