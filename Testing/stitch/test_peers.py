"""Stitching against TorchIO's GridAggregator, on the same patches."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.stitch.predictions import Predictions
from slab_exporter.stitch.stitching import StitchRequest, stitch_case
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (8, 10, 40)


def test_the_same_patches_give_what_torchios_aggregator_gives(tmp_path):
    tio = pytest.importorskip("torchio", reason="TorchIO is not installed (pip install slab-exporter[peers])")
    torch = pytest.importorskip("torch")
    path = save_nifti(tmp_path / "case.nii.gz", index_phantom(SHAPE), affine())
    options = SlabOptions(thickness=16, overlap=4, remainder="shift")
    export_cases([Case("case", path, {})], tmp_path / "out", ExportRequest(slabs=options))
    manifest = tmp_path / "out" / "case" / "manifest.json"
    subject = tio.Subject(image=tio.ScalarImage(path))
    sampler = tio.GridSampler(subject, patch_size=(8, 10, 16), patch_overlap=(0, 0, 4))
    aggregator = tio.GridAggregator(sampler, overlap_mode="average")
    rng = np.random.default_rng(0)
    (tmp_path / "predictions").mkdir()
    ours = [slab["ijk_start"] for slab in json.loads(manifest.read_text())["slabs"]]
    theirs = [patch[tio.LOCATION][:3].tolist() for patch in sampler]
    assert sorted(ours) == sorted(theirs)
    for patch in sampler:
        location = patch[tio.LOCATION]
        prediction = rng.random((2, 8, 10, 16)).astype(np.float32)
        aggregator.add_batch(torch.from_numpy(prediction)[None], location[None])
        number = ours.index(location[:3].tolist())
        image = nib.Nifti1Image(np.moveaxis(prediction, 0, -1), np.eye(4))
        nib.save(image, tmp_path / "predictions" / f"case_slab-{number:03}.nii.gz")
    request = StitchRequest("mean", trust_names=True)
    result = stitch_case(manifest, tmp_path / "back.nii", request, Predictions(tmp_path / "predictions"))
    expected = np.moveaxis(aggregator.get_output_tensor().numpy(), 0, -1)
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), expected, atol=1e-6, rtol=0)
