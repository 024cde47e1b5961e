"""Every integer type comes out as it went in, of which Slicer reads some as floats and writes some not at all."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.stitch.stitching import StitchRequest, stitch_case
from support.phantoms import affine, save_nifti

TYPES = ["int8", "uint16", "uint32", "int64", "uint64"]
SHAPE = (6, 7, 9)


def values(dtype):
    """All bits in use, both ends of the type among them."""
    limits = np.iinfo(dtype)
    array = np.random.default_rng(0).integers(limits.min, limits.max, SHAPE, dtype, endpoint=True)
    array[0, 0, 0], array[1, 0, 0] = limits.min, limits.max
    return array


def exported(tmp_path, path, labels=None, **options):
    case = Case("a", path, {} if labels is None else {"labels": labels})
    slabs = SlabOptions(thickness=4, remainder="pad", fill=3)
    assert not export_cases([case], tmp_path / "out", ExportRequest(slabs=slabs, **options)).failures
    return tmp_path / "out" / "a" / "manifest.json"


@pytest.mark.parametrize("form", ["nii.gz", "nii", "nrrd"])
@pytest.mark.parametrize("dtype", TYPES)
def test_nifti_of_every_type_to_slabs_and_back(tmp_path, run_cli, dtype, form):
    array = values(dtype)
    source = save_nifti(tmp_path / "a.nii.gz", array, affine())
    manifest = exported(tmp_path, source, source, format=form)
    for slab in json.loads(manifest.read_text())["slabs"]:
        image = sitk.ReadImage(str(manifest.parent / slab["image"]))
        found = sitk.GetArrayViewFromImage(image).T
        start, stop = slab["ijk_start"][2], min(slab["ijk_stop"][2], SHAPE[2])
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found[:, :, : stop - start], array[:, :, start:stop])
        assert np.all(found[:, :, stop - start :] == 3)
    assert run_cli("verify", tmp_path / "out")[0] == 0
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest())
    back = np.asanyarray(nib.load(result.path).dataobj)
    assert (back.dtype, back.tobytes()) == (array.dtype, array.tobytes())


@pytest.mark.parametrize("extension", [".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", TYPES)
def test_other_formats_keep_large_whole_numbers(tmp_path, dtype, extension):
    array = values(dtype)
    path = tmp_path / f"a{extension}"
    sitk.WriteImage(sitk.GetImageFromArray(array.T.copy()), path)
    manifest = exported(tmp_path, path)
    slab = nib.load(manifest.parent / json.loads(manifest.read_text())["slabs"][0]["image"])
    found = np.asanyarray(slab.dataobj)
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, array[:, :, :4])
