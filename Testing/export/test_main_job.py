"""The main job end to end, judged by nibabel and SimpleITK."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, save_nifti

SHAPES = [(7, 9, 11), (12, 5, 4)]


def corners(affine_ras, shape):
    index = np.array([[i, j, k] for i in (0, shape[0] - 1) for j in (0, shape[1] - 1) for k in (0, shape[2] - 1)])
    return index @ affine_ras[:3, :3].T + affine_ras[:3, 3]


def assert_slabs_equal_source(out, case, source_path):
    """Every slab, read by nibabel, against its box in the source, read by nibabel."""
    source = nib.load(source_path)
    voxels = np.asanyarray(source.dataobj)
    manifest = json.loads((out / case / "manifest.json").read_text())
    assert manifest["slabs"]
    for slab in manifest["slabs"]:
        image = nib.load(out / case / slab["image"])
        box = tuple(slice(a, b) for a, b in zip(slab["ijk_start"], slab["ijk_stop"], strict=True))
        found = np.asanyarray(image.dataobj)
        assert found.dtype == voxels.dtype
        np.testing.assert_array_equal(found, voxels[box])
        expected = source.affine @ nib.affines.from_matvec(np.eye(3), slab["ijk_start"])
        distance = np.linalg.norm(corners(image.affine, found.shape) - corners(expected, found.shape), axis=1)
        assert distance.max() < 1e-4


def all_orientations(folder, dtype, oblique):
    """A NIfTI in each of the 48 orientations, of two shapes in turn, as cases."""
    folder.mkdir()
    cases = []
    for n, (axes, signs) in enumerate(SIGNED_PERMUTATIONS):
        path = folder / f"case{n}.nii"
        save_nifti(path, index_phantom(SHAPES[n % 2], dtype), affine(axes, signs, oblique=oblique))
        cases.append(Case(path.stem, path, {}))
    return cases


@pytest.mark.parametrize("oblique", [0.0, 20.0])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_all_48_orientations_come_out_where_they_were(tmp_path, dtype, oblique):
    cases = all_orientations(tmp_path / "in", dtype, oblique)
    result = export_cases(cases, tmp_path / "out", ExportRequest(slabs=SlabOptions(thickness=4)))
    assert not result.failures
    for case in cases:
        assert_slabs_equal_source(tmp_path / "out", case.name, case.image)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_all_48_orientations_through_nrrd(tmp_path, dtype):
    cases = all_orientations(tmp_path / "in", dtype, 20.0)
    request = ExportRequest(slabs=SlabOptions(thickness=3, remainder="shift", axis="coronal"), format="nrrd")
    assert not export_cases(cases, tmp_path / "out", request).failures
    for case in cases:
        source = sitk.ReadImage(str(case.image))
        for slab in json.loads((tmp_path / "out" / case.name / "manifest.json").read_text())["slabs"]:
            image = sitk.ReadImage(str(tmp_path / "out" / case.name / slab["image"]))
            start, stop = slab["ijk_start"], slab["ijk_stop"]
            i, j, k = (slice(a, b) for a, b in zip(start, stop, strict=True))
            np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(source)[k, j, i])
            assert image.GetPixelID() == source.GetPixelID()
            for corner in ((0, 0, 0), tuple(b - a - 1 for a, b in zip(start, stop, strict=True))):
                expected = source.TransformIndexToPhysicalPoint(
                    [int(a + c) for a, c in zip(start, corner, strict=True)]
                )
                found = image.TransformIndexToPhysicalPoint(corner)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
