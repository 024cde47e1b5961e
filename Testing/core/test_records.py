"""Records of a manifest: what is read is what was written, and what is damaged is one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import Box
from slab_exporter.core.manifest import read_manifest

AFFINE = [[-0.7, 0.0, 0.0, 91.123456789], [0.0, 0.7, 0.0, -4.5], [0.0, 0.0, 1.25, -1042.1], [0.0, 0.0, 0.0, 1.0]]
SOURCE = {
    "path": "../ct.nii.gz",
    "sha256": "0" * 64,
    "shape_ijk": [4, 5, 6],
    "dtype": "int16",
    "orientation": "LAS",
    "affine_ras": AFFINE,
    "loaded_affine_ras": (np.array(AFFINE) @ np.diag([1.0, 1, -1, 1])).tolist(),
    "frame": 2,
    "nifti_transform": "sform",
}
SERIES = {
    "path": "../series",
    "sha256": "1" * 64,
    "shape_ijk": [4, 5, 6],
    "dtype": "int16",
    "orientation": "LAS",
    "affine_ras": AFFINE,
    "segments": [{"value": 7, "name": "Leber"}],
    "series_instance_uid": "1.2.3",
    "files": 6,
    "allow_uneven_mm": 0.5,
    "resampled": {"method": "linear", "step_mm": 1.25},
    "file_shape_ijk": [4, 5, 6],
    "file_affine_ras": AFFINE,
}
PLAN = {
    "axis": "axial",
    "index_axis": "k",
    "numbered": "I to S",
    "thickness": 4,
    "thickness_mm": 5.0,
    "overlap": 1,
    "remainder": "drop",
    "fill": -1000.0,
    "within": "../liver.mrk.json",
    "ijk_limits": [[0, 0, 1], [4, 5, 6]],
    "uncovered": [5, 6],
    "notes": ["Slice 5 is in no slab."],
    "format": "dicom",
    "compression": "fast",
    "asked": {"slabs": {"thickness": 4}},
    "dicom": {"modality": "CT", "largest_error": 0.25},
}
SLAB = {
    "index": 0,
    "image": "images/ct_slab-000.nii.gz",
    "labels": {"organs": "organs/ct_slab-000.nii.gz"},
    "ijk_start": [0, 0, 1],
    "ijk_stop": [4, 5, 5],
    "shape_ijk": [4, 5, 4],
    "affine_ras": AFFINE,
    "sha256": "2" * 64,
    "labels_sha256": {"organs": "3" * 64},
    "verified": True,
    "statistics": {"min": -3},
}


def document(**changes):
    whole = {
        "schema": "slab-exporter/1",
        "case": "ct",
        "created_with": {"slab_exporter": "9.0"},
        "source": SOURCE,
        "label_sources": {"organs": SERIES},
        "plan": PLAN,
        "slabs": [SLAB],
        "warnings": ["one"],
    }
    return whole | changes


def read(tmp_path, content):
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    return read_manifest(tmp_path)


def test_a_manifest_reads_back_as_it_was_written_in_content_and_order(tmp_path):
    text = json.dumps(document(), indent=1) + "\n"
    assert read(tmp_path, document()).to_text() == text


def test_records_are_typed(tmp_path):
    manifest = read(tmp_path, document())
    assert manifest.source.geometry.shape_ijk == (4, 5, 6)
    assert manifest.geometry.orientation == "LAS"
    assert (manifest.source.frame, manifest.source.nifti_transform, manifest.source.node) == (2, "sform", None)
    organs = manifest.label_sources["organs"]
    assert (organs.series_instance_uid, organs.files, organs.allow_uneven_mm) == ("1.2.3", 6, 0.5)
    assert organs.segments == ((7, "Leber"),)
    assert organs.file_geometry is not None
    assert manifest.plan.limits == Box((0, 0, 1), (4, 5, 6))
    assert (manifest.plan.fill, manifest.plan.uncovered, manifest.plan.largest_error) == (-1000.0, (5, 6), 0.25)


def test_what_a_later_version_adds_survives(tmp_path):
    later = document(
        source={**SOURCE, "resolution": {"level": 0}},
        plan={**PLAN, "blocks": [[0, 1], [2, 3]]},
        label_sources={"organs": {**SERIES, "drawn_by": "A"}},
    )
    assert read(tmp_path, later).to_json() == later


def test_what_an_earlier_version_did_not_say_has_a_neutral_value(tmp_path):
    bare = {key: SOURCE[key] for key in ("path", "shape_ijk", "affine_ras")}
    manifest = read(tmp_path, document(source=bare, plan={}, label_sources={}))
    assert (manifest.source.sha256, manifest.source.dtype, manifest.source.frame) == (None, None, None)
    assert (manifest.plan.fill, manifest.plan.notes, manifest.plan.asked) == (None, (), None)
    assert (manifest.plan.index_axis, manifest.plan.largest_error) == ("k", 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": {**SOURCE, "path": 5}},
        {"source": {key: value for key, value in SOURCE.items() if key != "path"}},
        {"source": {**SOURCE, "shape_ijk": [4, 5]}},
        {"source": {**SOURCE, "affine_ras": [[0.0] * 4] * 4}},
        {"source": {**SOURCE, "frame": "2"}},
        {"source": {**SOURCE, "sha256": 7}},
        {"source": []},
        {"label_sources": {"organs": None}},
        {"label_sources": {"organs": {**SERIES, "file_affine_ras": "x"}}},
        {"plan": {**PLAN, "index_axis": "x"}},
        {"plan": {**PLAN, "index_axis": None}},
        {"plan": {**PLAN, "fill": "air"}},
        {"plan": {**PLAN, "fill": True}},
        {"plan": {**PLAN, "notes": 3}},
        {"plan": {**PLAN, "ijk_limits": [[0, 0, 1]]}},
        {"plan": {**PLAN, "dicom": {"largest_error": []}}},
    ],
)
def test_what_is_of_the_wrong_kind_is_one_sentence(tmp_path, changes):
    with pytest.raises(InputError, match=r"manifest\.json") as caught:
        read(tmp_path, document(**changes))
    assert "\n" not in str(caught.value)


def test_the_sentence_names_the_entry(tmp_path):
    with pytest.raises(InputError, match=r"an entry is missing or of the wrong kind \(frame is '2'\)\.$"):
        read(tmp_path, document(source={**SOURCE, "frame": "2"}))
