"""The order in which files of a slab become ready must not matter, and what CropVolume cut is the source's."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_files import RunOptions, export_cases
from slab_exporter.pipeline import cut
from support.phantoms import affine, index_phantom, save_nifti
from support.trees import tree


@pytest.mark.parametrize("jobs", [1, None])
def test_an_image_that_is_ready_before_its_label_map_is_cut_waits_for_it(tmp_path, jobs):
    """With one job no thread helps: each file is ready before the next one is cut."""
    (tmp_path / "in").mkdir()
    image = save_nifti(tmp_path / "in" / "a.nii", index_phantom((5, 6, 12)), affine())
    label = save_nifti(tmp_path / "in" / "l.nii", index_phantom((5, 6, 12), "uint8"), affine())
    request = ExportRequest(slabs=SlabOptions(thickness=4))
    case = Case("a", image, {"labels": label})
    result = export_cases([case], tmp_path / "out", request, run=RunOptions(jobs=jobs))
    assert not result.failures
    manifest = json.loads((tmp_path / "out" / "a" / "manifest.json").read_text())
    assert len(manifest["slabs"]) == 3
    for slab in manifest["slabs"]:
        assert set(slab["labels_sha256"]) == {"labels"}
        found = nib.load(tmp_path / "out" / "a" / slab["labels"]["labels"])
        assert np.asanyarray(found.dataobj).shape == (5, 6, 4)


def test_helper_threads_do_not_change_a_byte(tmp_path):
    image = save_nifti(tmp_path / "a.nii.gz", index_phantom((40, 50, 60)), affine())
    request = ExportRequest(slabs=SlabOptions(thickness=8, overlap=2))
    for name, jobs in (("alone", 1), ("helped", None)):
        export_cases([Case("a", image, {})], tmp_path / name, request, run=RunOptions(jobs=jobs))
    assert tree(tmp_path / "alone") == tree(tmp_path / "helped")


@pytest.mark.parametrize("axis", ["axial", "coronal"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda cut: cut + (np.arange(cut.size).reshape(cut.shape) == 9).astype(cut.dtype), "1 of "),
        (lambda cut: cut.astype(np.int32), "cut int32 of "),
    ],
)
def test_other_voxels_than_the_source_s_are_never_written(tmp_path, monkeypatch, axis, fault, words):
    """Not even where nothing is read back."""
    image, real = save_nifti(tmp_path / "a.nii.gz", index_phantom((5, 6, 7)), affine()), cut.voxels_kji
    monkeypatch.setattr(cut, "voxels_kji", lambda node: fault(real(node)))
    request = ExportRequest(slabs=SlabOptions(thickness=4, axis=axis), verify=False)
    result = export_cases([Case("a", image, {})], tmp_path / "out", request)
    assert "Slicer's CropVolume" in str(result.failures[0])
    assert words in str(result.failures[0])
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_infinities_of_both_signs_are_written_without_a_warning(tmp_path, recwarn):
    voxels = index_phantom((5, 6, 4), "float32")
    voxels[0, 0, :2], voxels[1, 1, :2] = np.inf, -np.inf
    image = save_nifti(tmp_path / "a.nii.gz", voxels, affine())
    result = export_cases([Case("a", image, {})], tmp_path / "out", ExportRequest(slabs=SlabOptions(thickness=2)))
    assert [slab.statistics["mean"] for slab in result.manifests[0].slabs] == [
        None,
        pytest.approx(voxels[..., 2:].mean()),
    ]
    assert not [str(one.message) for one in recwarn]
