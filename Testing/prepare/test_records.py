"""Entries of a manifest about a prepared volume: by the schema, read back as written, refused where senseless."""

from __future__ import annotations

import copy
import json

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import InputError
from slab_exporter.core.manifest import SCHEMA_PATH, read_manifest
from support.phantoms import affine, lopsided_phantom, save_nifti

WAYS = [
    {"orient": "PIL"},
    {"spacing": (1, 0, 2), "interpolation": "bspline"},
    {"like": True},
    {"orient": "RAS", "spacing": 1.5},
]


@pytest.fixture
def ct(tmp_path):
    return save_nifti(tmp_path / "ct.nii", lopsided_phantom((12, 11, 10)), affine((1, 0, 2), (1, -1, 1), oblique=8))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "+".join(way))
def test_it_keeps_to_the_schema_and_reads_back_as_it_was_written(tmp_path, ct, way):
    if "like" in way:
        way = {
            "like": save_nifti(
                tmp_path / "r.nii", np.zeros((6, 6, 6), np.uint8), nib.load(ct).affine @ np.diag([2, 2, 2, 1])
            )
        }
    se.export(ct, tmp_path / "out", thickness=4, **way)
    text = (tmp_path / "out" / "ct" / "manifest.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(SCHEMA_PATH.read_text()))
    assert read_manifest(tmp_path / "out" / "ct").to_text() == text


def _without(*place):
    def change(document):
        inner = document["prepared"]
        for name in place[:-1]:
            inner = inner[name]
        del inner[place[-1]]

    return change


def _with(value, *place):
    def change(document):
        inner = document["prepared"]
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value

    return change


SENSELESS = [
    _without("shape_ijk"),
    _without("orient", "axes"),
    _without("resample", "interpolation"),
    _with([0, 1, 1], "orient", "axes"),
    _with([1, 1, 2], "orient", "signs"),
    _with("cubic", "resample", "interpolation"),
    _with(["linear"], "resample", "interpolation"),
    _with([1, 1], "resample", "spacing_mm"),
    _with("1,x,1", "resample", "spacing_mm"),
    _with([1, 1, -1], "resample", "spacing_mm"),
    _with(["a", 0, 0], "resample", "smoothed_mm"),
    _with([0, 10, 10], "shape_ijk"),
    _with([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], "affine_ras"),
    _with("much", "resample", "outside"),
    lambda document: document.update(prepared=[]),
    lambda document: document.update(prepared="RAS"),
]


@pytest.mark.parametrize("change", SENSELESS)
def test_senseless_entries_are_refused_in_one_sentence(tmp_path, ct, change):
    se.export(ct, tmp_path / "out", thickness=4, orient="RAS", spacing=1.5)
    path = tmp_path / "out" / "ct" / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_manifest(path)


def test_a_grid_that_contradicts_the_source_is_stitched_nowhere(tmp_path, ct):
    se.export(ct, tmp_path / "out", thickness=4, orient="RAS", spacing=1.5)
    path = tmp_path / "out" / "ct" / "manifest.json"
    right = json.loads(path.read_text())
    for change in (_with([1, 1, 1], "resample", "spacing_mm"), _with([2, 1, 0], "orient", "axes")):
        document = copy.deepcopy(right)
        change(document)
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match="The manifest's"):
            se.stitch(path, tmp_path / "back.nii", grid="source")
        assert not (tmp_path / "back.nii").exists()
        assert se.verify(path.parent)[0].differences


def test_a_point_of_a_resampled_volume_is_told_in_both_grids(tmp_path, ct):
    se.export(ct, tmp_path / "out", thickness=4, orient="RAS", spacing=1.5)
    manifest = read_manifest(tmp_path / "out" / "ct")
    place = se.where(tmp_path / "out" / "ct", ijk=(6, 5, 4))
    cut = tuple(np.rint(manifest.geometry.ijk(place.ras)).astype(int))
    (hit,) = place.slabs
    slab = np.asanyarray(nib.load(tmp_path / "out" / "ct" / hit.image).dataobj)
    assert place.value == slab[hit.voxel]
    assert place.to_json()["prepared"]["voxel"] == list(cut)
    assert f", value {place.value:g}" in next(line for line in place.to_text().splitlines() if "what was cut" in line)
    assert "nearest voxel            (6, 5, 4)\n" in place.to_text()
