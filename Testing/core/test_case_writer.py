"""The order in which files of a slab become ready must not matter."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import nibabel as nib
import numpy as np
from phantoms import affine, index_phantom, save_nifti
from SlabExporterLib import case_writer
from SlabExporterLib.cases import Case
from SlabExporterLib.export import export_cases
from SlabExporterLib.pure.request import ExportRequest, SlabOptions


class ReadyAtOnce(ThreadPoolExecutor):
    """A pool whose work is done before the caller goes on."""

    def submit(self, *args, **kwargs):
        future = super().submit(*args, **kwargs)
        future.exception()
        return future


def test_an_image_that_is_ready_before_its_label_map_is_cut_waits_for_it(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    image = save_nifti(tmp_path / "in" / "a.nii", index_phantom((5, 6, 12)), affine())
    label = save_nifti(tmp_path / "in" / "l.nii", index_phantom((5, 6, 12), "uint8"), affine())
    monkeypatch.setattr(case_writer, "ThreadPoolExecutor", ReadyAtOnce)
    request = ExportRequest(slabs=SlabOptions(thickness=4))
    result = export_cases([Case("a", image, {"labels": label})], tmp_path / "out", request)
    assert not result.failures
    manifest = json.loads((tmp_path / "out" / "a" / "manifest.json").read_text())
    for slab in manifest["slabs"]:
        assert set(slab["labels_sha256"]) == {"labels"}
        found = nib.load(tmp_path / "out" / "a" / slab["labels"]["labels"])
        assert np.asanyarray(found.dataobj).shape == (5, 6, 4)
