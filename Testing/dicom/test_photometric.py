"""MONOCHROME1 and lossy compression: what slabs say of their values stays true."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom
import pytest
from support.dicom_phantoms import voxels, write_series

UNSIGNED = voxels(low=0).astype(np.uint16)


def images_of(out):
    return [pydicom.dcmread(path) for path in sorted(out.glob("*/images/*/*.dcm"))]


@pytest.mark.parametrize("values", [voxels(), UNSIGNED])
def test_monochrome1_goes_through_dicom_and_back(tmp_path, run_cli, values):
    write_series(tmp_path / "in", values, PhotometricInterpretation="MONOCHROME1")
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", "--thickness", 2)
    assert code == 0, error
    assert {image.PhotometricInterpretation for image in images_of(tmp_path / "out")} == {"MONOCHROME1"}
    assert run_cli("verify", tmp_path / "out")[0] == 0
    code, _, error = run_cli("stitch", tmp_path / "out", "-o", tmp_path / "back")
    assert code == 0, error
    (path,) = (tmp_path / "back").iterdir()
    np.testing.assert_array_equal(np.asarray(nib.load(path).dataobj).T, values)


@pytest.mark.parametrize(("shift", "options"), [(0.8, ("--resample",)), (0, ("--thickness", 4, "--remainder", "pad"))])
def test_planes_that_are_no_source_image_keep_what_the_source_says_of_its_values(tmp_path, run_cli, shift, options):
    write_series(
        tmp_path / "in", UNSIGNED, shift=shift, PhotometricInterpretation="MONOCHROME1", LossyImageCompression="01",
        LossyImageCompressionRatio=10, LossyImageCompressionMethod="ISO_10918_1",
    )  # fmt: skip
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", *options)
    assert code == 0, error
    for image in images_of(tmp_path / "out"):
        assert image.PhotometricInterpretation == "MONOCHROME1"
        assert (image.LossyImageCompression, image.LossyImageCompressionRatio) == ("01", 10)
        assert ("linear interpolation" in image.DerivationDescription) == ("--resample" in options)


def test_resume_makes_a_slab_again_that_lost_an_image(tmp_path, run_cli):
    write_series(tmp_path / "in", voxels())
    asked = ("export", tmp_path / "in", "-o", tmp_path / "out", "--format", "dicom", "--thickness", 3)
    assert run_cli(*asked)[0] == 0
    lost = sorted(tmp_path.glob("out/*/images/*/0002.dcm"))[0]
    lost.unlink()
    assert run_cli(*asked, "--resume")[0] == 0
    assert lost.exists()
