"""Which files of an export are loaded back into a scene."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.manifest import Manifest, SlabRecord
from slab_exporter.core.records import PlanRecord, SourceRecord
from slab_exporter.pipeline.exported_files import slab_files


def manifest(image="images/a_slab-000.nii.gz") -> Manifest:
    box = Box((0, 0, 0), (2, 2, 2))
    labels = {"organs": "organs/a_slab-000.nii.gz"}
    geometry = VolumeGeometry((2, 2, 2), np.eye(4))
    record = SlabRecord(0, image, labels, box, geometry, "", {}, True, {})
    return Manifest("a", SourceRecord(None, geometry, dtype="int64"), PlanRecord(), (record,))


@pytest.fixture
def folder(tmp_path):
    for relative in ("images/a_slab-000.nii.gz", "organs/a_slab-000.nii.gz"):
        (tmp_path / relative).parent.mkdir()
        (tmp_path / relative).touch()
    return tmp_path


def test_images_and_labels_are_found_beside_the_manifest_and_named_apart(folder):
    files = slab_files(folder / "manifest.json", manifest(), labels=True)
    assert [(f.name, f.is_label) for f in files] == [("a_slab-000", False), ("a_slab-000 organs", True)]
    assert [f.dtype for f in files] == ["int64", None]  # it says nothing of the label map's source
    assert [f.path for f in slab_files(folder, manifest(), labels=False)] == [folder / "images/a_slab-000.nii.gz"]


def test_a_missing_slab_and_a_dicom_folder_are_named(folder):
    with pytest.raises(InputError, match="is missing"):
        slab_files(folder, manifest("images/a_slab-001.nii.gz"), labels=False)
    (folder / "images" / "a_slab-002").mkdir()
    with pytest.raises(InputError, match="Slicer's DICOM module"):
        slab_files(folder, manifest("images/a_slab-002"), labels=False)
