"""Cutting only the box around labels or body, and writing it as one piece."""

from __future__ import annotations

import json
from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import RequestError
from slab_exporter.core.manifest import SCHEMA_PATH, read_manifest
from slab_exporter.core.options import REMAINDERS
from support.blocks import FILL, INSIDE, SHAPE, Trip, and_back, make_case, phantom, there
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti
from support.rois import write_roi

ORIENTATIONS = cycle(SIGNED_PERMUTATIONS[3::11])
TRIPS = [
    Trip(next(ORIENTATIONS), 20.0 * (n % 2), remainder, overlap, keep, crop_to=crop_to, margin=margin)
    for n, (remainder, (overlap, keep, crop_to, margin)) in enumerate(
        product(REMAINDERS, [(0, "all", "body", None), (1, "body", "labels", 2.0)])
    )
]


@pytest.mark.parametrize("trip", TRIPS, ids=lambda t: f"{t.remainder}-{t.crop_to}-{t.margin}")
def test_what_was_cut_comes_back_into_the_whole_grid(tmp_path, trip):
    case = make_case(tmp_path / "in", "case", trip)
    there([case], tmp_path / "out", trip)
    and_back(case, tmp_path / "out" / "case", trip)


@pytest.fixture
def files(tmp_path):
    image, labels = phantom()
    far = np.zeros(SHAPE, np.uint8)
    far[9, 4, 1] = 1
    place = affine(signs=(-1, 1, 1), oblique=20)
    (tmp_path / "in").mkdir()
    paths = {"image": save_nifti(tmp_path / "in" / "ct.nii.gz", image, place)}
    paths["organs"] = save_nifti(tmp_path / "organs.nii.gz", labels, place)
    paths["far"] = save_nifti(tmp_path / "far.nii.gz", far, place)
    paths["empty"] = save_nifti(tmp_path / "empty.nii.gz", np.zeros(SHAPE, np.uint8), place)
    return paths


@pytest.mark.parametrize("name", ["nii.gz", "nii", "nrrd", "dicom"])
def test_one_piece_holds_exactly_the_box_and_lies_where_it_was(tmp_path, files, name):
    out = tmp_path / "out"
    (manifest,) = se.export(
        files["image"], out, labels={"organs": files["organs"]}, crop_to="labels", crop=True, format=name
    ).manifests
    (piece,) = manifest.slabs
    assert (piece.box.start, piece.box.stop) == INSIDE["labels"]
    assert piece.image.startswith("images/ct_crop-0")
    assert manifest.plan.kind == "crop"
    assert not any(report.differences for report in se.verify(out))
    source = nib.load(files["image"])
    if name.startswith("nii"):
        found = nib.load(out / "ct" / piece.image)
        expected = source.slicer[3:6, 2:4, 5:9]
        np.testing.assert_array_equal(np.asanyarray(found.dataobj), np.asanyarray(expected.dataobj))
        np.testing.assert_allclose(found.affine, expected.affine, rtol=0, atol=1e-4)
    whole = se.stitch(out / "ct", tmp_path / "whole.nii.gz")
    held = np.full(SHAPE, FILL, np.int16)
    held[3:6, 2:4, 5:9] = np.asanyarray(source.dataobj)[3:6, 2:4, 5:9]
    np.testing.assert_array_equal(np.asanyarray(nib.load(whole.path).dataobj), held)
    organs = se.stitch(out / "ct", tmp_path / "organs_back.nii.gz", labels="organs")
    np.testing.assert_array_equal(np.asanyarray(nib.load(organs.path).dataobj), phantom()[1])


def test_the_box_is_that_of_all_label_maps_together(tmp_path, files):
    sets = {name: files[name] for name in ("organs", "far", "empty")}
    (manifest,) = se.export(files["image"], tmp_path / "out", labels=sets, crop_to="labels", thickness=4).manifests
    assert (manifest.plan.limits.start, manifest.plan.limits.stop) == ((3, 2, 1), (10, 5, 9))
    assert [slab.box.extent[4:] for slab in manifest.slabs] == [(1, 4), (5, 8)]
    assert not any(report.differences for report in se.verify(tmp_path / "out"))


def test_the_manifest_says_what_was_limited_and_stays_as_it_was_without(tmp_path, files):
    jsonschema = pytest.importorskip("jsonschema")
    labels = {"organs": files["organs"]}
    se.export(files["image"], tmp_path / "out", labels=labels, crop_to="labels", margin=2.5, block="5,4,6")
    document = json.loads((tmp_path / "out" / "ct" / "manifest.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    assert document["plan"]["limited"] == {"crop_to": "labels", "margin_mm": 2.5, "one_piece": False}
    assert document["plan"]["ijk_limits"] == [[0, 0, 4], [10, 7, 10]]  # 4, 3 and 1 voxels more
    assert document["plan"]["asked"]["limit"] == {"crop_to": "labels", "margin": 2.5}
    assert read_manifest(tmp_path / "out" / "ct").to_json() == document
    plain = se.export(files["image"], tmp_path / "plain", thickness=4).manifests[0].to_json()["plan"]
    assert "limited" not in plain
    assert not {"limit", "crop"} & {*plain["asked"], *plain["asked"]["slabs"]}


def test_an_empty_label_map_fails_its_case_alone(tmp_path, files):
    second = save_nifti(tmp_path / "in" / "mr.nii.gz", phantom()[0], affine())
    save_nifti(tmp_path / "in" / "mr_seg.nii.gz", phantom()[1], affine())
    save_nifti(tmp_path / "in" / "ct_seg.nii.gz", np.zeros(SHAPE, np.uint8), affine(signs=(-1, 1, 1), oblique=20))
    result = se.export(tmp_path / "in", tmp_path / "out", crop_to="labels", crop=True)
    assert [manifest.case for manifest in result.manifests] == [second.name.removesuffix(".nii.gz")]
    (failure,) = result.failures
    assert failure.case == "ct"
    assert "ct_seg.nii.gz is labelled, and crop_to='labels' would leave nothing to cut." in str(failure.error)
    assert not (tmp_path / "out" / "ct").exists()


def test_an_image_without_a_body_fails_with_a_sentence(tmp_path):
    path = save_nifti(tmp_path / "flat.nii.gz", np.full(SHAPE, 7, np.int16), affine())
    (failure,) = se.export(path, tmp_path / "out", crop_to="body").failures
    assert "flat.nii.gz holds no body: all of its voxels are equal, and crop_to='body'" in str(failure.error)


def test_cropping_to_labels_needs_some(tmp_path, files):
    with pytest.raises(RequestError, match="needs label maps; add labels="):
        se.export(files["image"], tmp_path / "out", crop_to="labels")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("crop_to", ["labels", "body"])
def test_verify_says_if_the_box_is_another(tmp_path, files, crop_to):
    se.export(files["image"], tmp_path / "out", labels={"organs": files["organs"]}, crop_to=crop_to, crop=True)
    path = tmp_path / "out" / "ct" / "manifest.json"
    document = json.loads(path.read_text())
    document["plan"]["limited"]["margin_mm"] = 1.0
    path.write_text(json.dumps(document))
    (report,) = se.verify(tmp_path / "out")
    (sentence,) = report.differences
    assert f"the box around the {crop_to} is" in sentence
    assert sentence.startswith("the manifest limits the slabs to")


def test_verify_looks_at_an_roi_that_is_still_the_same_file(tmp_path, files, runtime):
    place = affine(signs=(-1, 1, 1), oblique=20)
    roi = write_roi(runtime, tmp_path / "roi.mrk.json", place, (2, 3, 4), (8, 9, 7))
    se.export(files["image"], tmp_path / "out", within=roi, crop=True)
    assert not any(report.differences for report in se.verify(tmp_path / "out"))
    path = tmp_path / "out" / "ct" / "manifest.json"
    document = json.loads(path.read_text())
    assert document["plan"]["ijk_limits"] == [[2, 3, 4], [8, 9, 7]]
    assert document["plan"]["limited"] == {"crop_to": None, "margin_mm": None, "one_piece": True}
    document["plan"]["ijk_limits"][0][0] = 1
    path.write_text(json.dumps(document))
    (report,) = se.verify(tmp_path / "out")
    assert "the box inside roi.mrk.json is" in report.differences[0]


def test_each_case_has_its_own_roi_by_pattern_or_by_list(tmp_path, runtime):
    boxes = {"a": ((1, 2, 3), (5, 6, 7)), "b": ((4, 4, 1), (9, 8, 5))}
    (tmp_path / "rois").mkdir()
    for name, (start, stop) in boxes.items():
        save_nifti(tmp_path / f"{name}.nii.gz", phantom()[0], affine())
        write_roi(runtime, tmp_path / "rois" / f"{name}.mrk.json", affine(), start, stop)
    inputs = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    pattern = tmp_path / "rois" / "{case}.mrk.json"
    result = se.export(inputs, tmp_path / "out", within=pattern, crop=True, deidentify=True)
    assert [(m.slabs[0].box.start, m.slabs[0].box.stop) for m in result.manifests] == list(boxes.values())
    assert "mrk" not in (tmp_path / "out" / "case-0001" / "manifest.json").read_text()
    (tmp_path / "cases.csv").write_text("image,within\na.nii.gz,rois/b.mrk.json\nb.nii.gz,\n")
    result = se.export(tmp_path / "cases.csv", tmp_path / "listed", thickness=4)
    whole = ((0, 0, 0), SHAPE)
    assert [(m.plan.limits.start, m.plan.limits.stop) for m in result.manifests] == [boxes["b"], whole]
    assert result.manifests[0].plan.within == "../../rois/b.mrk.json"
    again = se.export(tmp_path / "cases.csv", tmp_path / "listed", thickness=4, resume=True)
    assert not again.failures
    with pytest.raises(RequestError, match="names an ROI for a in its column 'within'"):
        se.export(tmp_path / "cases.csv", tmp_path / "other", crop_to="body")
    (tmp_path / "rois" / "a.mrk.json").unlink()
    result = se.export(inputs, tmp_path / "missing", within=pattern, thickness=4)
    assert [failure.case for failure in result.failures] == ["a"]
    assert "a.mrk.json does not exist" in str(result.failures[0].error)


def test_blocks_inside_an_roi_come_back(tmp_path, files, runtime):
    place = affine(signs=(-1, 1, 1), oblique=20)
    roi = write_roi(runtime, tmp_path / "roi.mrk.json", place, (2, 1, 2), (9, 8, 9))
    for remainder in REMAINDERS:
        out = tmp_path / remainder
        (manifest,) = se.export(
            files["image"], out, within=roi, block="4,4,4", overlap=1, remainder=remainder
        ).manifests
        assert not any(report.differences for report in se.verify(out))
        assert all(slab.box.start >= (2, 1, 2) for slab in manifest.slabs)
        result = se.stitch(out / "ct", tmp_path / f"{remainder}.nii.gz")
        voxels = np.asanyarray(nib.load(result.path).dataobj)
        np.testing.assert_array_equal(voxels, phantom()[0])  # 4 + 4 - 1 = 7 voxels of the body, air outside
