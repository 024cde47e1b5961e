"""stitch, compare and where on DICOM series of real scanners, against pydicom and dcm2niix."""

from __future__ import annotations

import json

import numpy as np
import pytest
from slab_exporter.volumes.choice import FileChoice
from slab_exporter.volumes.reading import open_volume

pytest.importorskip("slab_exporter.dicom.reading.load", reason="this version reads no DICOM series")

SERIES = {
    "ct_head_ge8800": ".nii.gz",
    "ct_torchio_flipped_rows": ".nii.gz",
    "mr_siemens_prisma_sagittal_HFS": ".nii.gz",
    "mr_siemens_sag_5slice": ".nii",
}


@pytest.mark.parametrize("name", SERIES)
def test_a_series_and_its_nifti_by_dcm2niix_are_the_same_place(real_data, run_cli, name):
    pair = real_data / "dicom" / name, real_data / "dicom_ref" / f"{name}{SERIES[name]}"
    for reference, other in (pair, pair[::-1]):
        code, out, _ = run_cli("compare", reference, other, "--json")
        assert code == 0
        found = json.loads(out)
        assert (found["verdict"], found["certain"]) == ("same-place", True)
        assert found["intensity"]["kind"] == "equal"
        assert found["relations"][0]["distance_mm"] < 1e-2


@pytest.mark.parametrize("format_", ["dicom", "nii.gz"])
@pytest.mark.parametrize(
    "options",
    [
        ("--thickness", 32, "--overlap", 4),
        ("--thickness", 16, "--axis", "coronal", "--remainder", "pad"),
        ("--thickness", 20, "--axis", "i", "--remainder", "shift"),
    ],
)
def test_a_series_comes_back_as_it_was(real_data, runtime, tmp_path, run_cli, format_, options):
    source = real_data / "dicom" / "ct_torchio_flipped_rows"
    code, _, err = run_cli("export", source, "-o", tmp_path / "out", "--format", format_, "--quiet", *options)
    assert code == 0, err
    assert run_cli("stitch", tmp_path / "out", "-o", tmp_path / "back")[0] == 0
    (path,) = (tmp_path / "back").iterdir()
    back, original = open_volume(runtime, FileChoice(path)), open_volume(runtime, FileChoice(source))
    np.testing.assert_array_equal(back.voxels_kji, original.voxels_kji)
    assert back.voxels_kji.dtype == original.voxels_kji.dtype
    assert back.geometry.corner_distance(original.geometry) < 1e-4


def test_the_position_of_a_slice_is_where_its_first_voxel_is(real_data, run_cli):
    import pydicom

    folder = real_data / "dicom" / "ct_head_ge8800"
    datasets = [pydicom.dcmread(path) for path in sorted(folder.iterdir())[:3]]
    for dataset in datasets:
        position = [float(v) for v in dataset.ImagePositionPatient]
        code, out, _ = run_cli("where", folder, "--lps", *(repr(v) for v in position), "--json")
        assert code == 0
        found = json.loads(out)
        assert found["voxel"][:2] == [0, 0]
        np.testing.assert_allclose(found["ijk"], np.round(found["ijk"]), atol=1e-3)
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        assert found["value"] == dataset.pixel_array[0, 0] * slope + intercept
