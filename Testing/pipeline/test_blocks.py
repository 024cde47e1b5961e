"""Blocks end to end, and what is left out of them."""

from __future__ import annotations

import json
from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.manifest import SCHEMA_PATH, read_manifest
from slab_exporter.core.options import REMAINDERS
from slab_exporter.files.disk import file_sha256
from support.blocks import FILL, SHAPE, Trip, and_back, make_case, phantom, there
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti

ORIENTATIONS = cycle(SIGNED_PERMUTATIONS[5::7])
TRIPS = [
    Trip(next(ORIENTATIONS), 20.0 * (n % 2), remainder, overlap, keep)
    for n, (remainder, (overlap, keep)) in enumerate(
        product(REMAINDERS, [(0, "all"), (3, "labelled"), ((2, 1, 4), "body")])
    )
]


@pytest.mark.parametrize("trip", TRIPS, ids=lambda t: f"{t.remainder}-{t.overlap}-{t.keep}")
def test_blocks_come_back_as_they_were(tmp_path, trip):
    case = make_case(tmp_path / "in", "case", trip)
    there([case], tmp_path / "out", trip)
    and_back(case, tmp_path / "out" / "case", trip)


@pytest.mark.parametrize("name", ["nrrd", "nii", "dicom"])
def test_blocks_in_other_formats_come_back_too(tmp_path, name):
    trip = Trip(((0, 1, 2), (-1, 1, -1)), 0.0, "pad", 2)
    case = make_case(tmp_path / "in", "case", trip)
    there([case], tmp_path / "out", trip, format=name)
    and_back(case, tmp_path / "out" / "case", trip)


def test_dicom_blocks_are_series_that_say_which_block_they_are(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    trip = Trip(((0, 1, 2), (-1, 1, 1)), 0.0, "keep", 0)
    case = make_case(tmp_path / "in", "case", trip)
    there([case], tmp_path / "out", trip, format="dicom")
    manifest = read_manifest(tmp_path / "out" / "case")
    series, frames = set(), set()
    for block in manifest.slabs:
        files = [pydicom.dcmread(path) for path in (tmp_path / "out" / "case" / block.image).iterdir()]
        assert {(f.Columns, f.Rows, len(files)) for f in files} == {block.box.shape}
        assert {f.SeriesDescription for f in files} == {f"block {block.index:04d} of {len(manifest.slabs)}"}
        series |= {f.SeriesInstanceUID for f in files}
        frames |= {f.FrameOfReferenceUID for f in files}
    assert len(series) == len(manifest.slabs) == 3 * 3 * 2
    assert len(frames) == 1


@pytest.mark.parametrize("remainder", REMAINDERS)
def test_blocks_that_span_two_axes_are_the_slabs(tmp_path, remainder):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    slabs = se.export(path, tmp_path / "slabs", thickness=4, overlap=1, remainder=remainder).manifests[0]
    blocks = se.export(path, tmp_path / "blocks", block="all,all,4", overlap=1, remainder=remainder).manifests[0]
    assert [piece.box for piece in blocks.slabs] == [piece.box for piece in slabs.slabs]
    assert [piece.sha256 for piece in blocks.slabs] == [piece.sha256 for piece in slabs.slabs]
    assert blocks.slabs[1].image == "images/ct_block-0001.nii.gz"


def test_the_manifest_says_what_blocks_have_and_null_where_they_have_nothing(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    labels = save_nifti(tmp_path / "seg.nii.gz", phantom()[1], affine())
    request = {"block_mm": (3.5, "all", 10), "overlap": (2, 0, 1), "remainder": "drop", "keep": "labelled"}
    se.export(path, tmp_path / "out", labels=labels, min_fraction=0.05, **request)
    document = json.loads((tmp_path / "out" / "ct" / "manifest.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    plan = document["plan"]
    assert [plan[name] for name in ("axis", "index_axis", "thickness", "thickness_mm", "overlap", "uncovered")] == [
        None
    ] * 6
    assert plan["numbered"] == "I to S, P to A, L to R"
    assert plan["block"] == {
        "shape_ijk": [5, 11, 4],
        "mm_ijk": [3.5, None, 10.0],
        "overlap_ijk": [2, 0, 1],
        "uncovered_ijk": [[11, 13], None, None],
    }
    assert plan["left_out"]["keep"] == "labelled"
    written = {slab["index"] for slab in document["slabs"]}
    assert written
    assert written.isdisjoint(piece["index"] for piece in plan["left_out"]["pieces"])
    assert len(written) + len(plan["left_out"]["pieces"]) == 3 * 1 * 3
    manifest = read_manifest(tmp_path / "out" / "ct")
    assert manifest.to_json() == document


def test_resuming_keeps_blocks_that_were_asked_for_alike_and_makes_others_again(tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    se.export(path, tmp_path / "out", block=(5, 4, None), overlap=(1, 1, 0))
    before = (tmp_path / "out" / "ct" / "manifest.json").stat().st_mtime_ns
    se.export(path, tmp_path / "out", block="5,4,all", overlap="1,1,0", resume=True)
    assert (tmp_path / "out" / "ct" / "manifest.json").stat().st_mtime_ns == before
    manifest = se.export(path, tmp_path / "out", block="5,5,all", resume=True).manifests[0]
    assert manifest.plan.block.shape == (5, 5, 10)
    manifest = se.export(path, tmp_path / "out", block="5,5,all", keep="body", resume=True).manifests[0]
    assert manifest.plan.left_out is not None


def test_an_export_of_an_earlier_version_is_known_as_the_same(tmp_path):
    """Options that it did not know stand in no manifest as long as they are not used."""
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    asked = se.export(path, tmp_path / "out", thickness=4).manifests[0].plan.asked
    assert "keep" not in asked
    assert set(asked["slabs"]) == {"thickness", "thickness_mm", "axis", "overlap", "remainder", "fill"}


def test_where_names_every_block_that_holds_a_point_and_those_left_out(tmp_path):
    trip = Trip(((0, 1, 2), (1, 1, 1)), 0.0, "keep", 2, "labelled")
    there([make_case(tmp_path / "in", "case", trip)], tmp_path / "out", trip)
    manifest = read_manifest(tmp_path / "out" / "case")
    inside = se.where(tmp_path / "out" / "case", ijk=(4, 3, 5))
    assert [hit.index for hit in inside.slabs] == [
        block.index
        for block in manifest.slabs
        if all(a <= n < b for a, n, b in zip(block.box.start, (4, 3, 5), block.box.stop, strict=True))
    ]
    assert len(inside.slabs) > 1
    assert inside.value == int(phantom()[0][4, 3, 5])
    assert f"block {inside.slabs[0].index} " in inside.to_text()
    outside = se.where(tmp_path / "out" / "case", ijk=(12, 10, 9))
    assert not outside.slabs
    assert outside.left_out
    assert f"in no block that was written: {outside.left_out[0]} was left out" in outside.to_text()


def test_data_list_tables_report_and_data_set_know_blocks(tmp_path):
    trip = Trip(((0, 1, 2), (-1, 1, 1)), 0.0, "shift", 0)
    there([make_case(tmp_path / "in", "case", trip)], tmp_path / "out", trip)
    manifest = read_manifest(tmp_path / "out" / "case")
    entries = json.loads((tmp_path / "out" / "dataset.json").read_text())["training"]
    assert entries[4]["image"] == "case/images/case_block-0004.nii.gz"
    assert len((tmp_path / "out" / "slabs.csv").read_text().splitlines()) == len(manifest.slabs) + 1
    page = (tmp_path / "out" / "report.html").read_text()
    # each picture shows the blocks that its plane goes through: i = 6 and j = 5 one layer, k = 5 two that share it
    assert page.count("<rect ") == 3 * 2 + 3 * 2 + 2 * 3 * 3
    assert "<b>18 blocks</b> I to S, P to A, L to R" in page
    assert '<div class="tile "><b>18</b>blocks</div>' in page
    assert "<b>18</b>blocks verified" in page
    assert "1 of 1 cases cut into blocks" in page
    assert "<summary>blocks</summary><table><tr><th>block</th>" in page
    item = se.SlabDataset(tmp_path / "out")[4]
    assert item["image"].shape == (1, *manifest.slabs[4].box.shape)
    source = np.asanyarray(nib.load(tmp_path / "in" / "case.nii").dataobj)
    box = tuple(slice(a, b) for a, b in zip(item["ijk_start"], item["ijk_stop"], strict=True))
    np.testing.assert_array_equal(item["image"][0], source[box])


def test_predictions_of_blocks_that_were_left_out_are_not_missed(tmp_path):
    trip = Trip(((0, 1, 2), (-1, 1, 1)), 20.0, "keep", 2, "labelled")
    case = make_case(tmp_path / "in", "case", trip)
    there([case], tmp_path / "out", trip)
    (tmp_path / "predictions").mkdir()
    held = np.zeros(SHAPE, bool)
    for block in read_manifest(tmp_path / "out" / "case").slabs:
        ones = nib.Nifti1Image(np.ones(block.box.shape, np.uint8), block.geometry.affine_ras)
        nib.save(ones, tmp_path / "predictions" / f"case_block-{block.index:04d}_seg.nii.gz")
        held[tuple(slice(a, b) for a, b in zip(block.box.start, block.box.stop, strict=True))] = True
    result = se.stitch(tmp_path / "out" / "case", tmp_path / "whole.nii.gz", predictions=tmp_path / "predictions")
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), held.astype(np.uint8))
    assert result.uncovered is None
    assert result.fill == 0


def test_verify_notices_a_block_that_was_left_out_wrongly(tmp_path):
    trip = Trip(((0, 1, 2), (-1, 1, 1)), 0.0, "keep", 0, "body")
    there([make_case(tmp_path / "in", "case", trip)], tmp_path / "out", trip)
    path = tmp_path / "out" / "case" / "manifest.json"
    document = json.loads(path.read_text())
    taken = next(n for n, slab in enumerate(document["slabs"]) if slab["index"] > 1)
    slab = document["slabs"].pop(taken)
    left = {"index": slab["index"], "ijk_start": slab["ijk_start"], "ijk_stop": slab["ijk_stop"], "voxels": 0}
    document["plan"]["left_out"]["pieces"].append(left)
    path.write_text(json.dumps(document))
    (report,) = se.verify(tmp_path / "out")
    assert f"block {slab['index']} was left out with 0 voxels of the body" in report.differences[0]
    document["plan"]["left_out"]["pieces"].pop()
    path.write_text(json.dumps(document))
    (report,) = se.verify(tmp_path / "out")
    assert report.differences == (f"the manifest does not say once what became of block {slab['index']}.",)


def test_slabs_are_left_out_too_and_a_fraction_decides(tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    labels = save_nifti(tmp_path / "seg.nii.gz", phantom()[1], affine())
    kept = se.export(path, tmp_path / "any", thickness=2, labels=labels, keep="labelled").manifests[0]
    assert [slab.index for slab in kept.slabs] == [2, 3, 4]  # labels in k = 5 to 8
    assert kept.slabs[0].image == "images/ct_slab-002.nii.gz"
    # 2 x 3 of the 143 voxels of a slice: 0.042 of a slab that they fill, half as much of one that holds one slice
    kept = se.export(path, tmp_path / "some", thickness=2, labels=labels, keep="labelled", min_fraction=0.04)
    assert [slab.index for slab in kept.manifests[0].slabs] == [3]
    assert [piece.voxels for piece in kept.manifests[0].plan.left_out.pieces] == [0, 0, 6, 6]


def test_nothing_left_fails_the_case_and_leaves_no_folder(tmp_path):
    empty = np.zeros(SHAPE, np.uint8)
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    labels = save_nifti(tmp_path / "seg.nii.gz", empty, affine())
    result = se.export(path, tmp_path / "out", block=(5, 5, 5), labels=labels, keep="labelled")
    assert not result.manifests
    assert "leaves out 18 of 18 blocks, which hold no labels: nothing would be written" in str(result.failures[0].error)
    assert not (tmp_path / "out" / "ct").exists()


def test_several_label_maps_count_together(tmp_path):
    image, labels = phantom()
    other = np.zeros(SHAPE, np.uint8)
    other[12, 10, 9] = 1
    path = save_nifti(tmp_path / "ct.nii.gz", image, affine())
    sets = {
        "liver": save_nifti(tmp_path / "liver.nii.gz", labels, affine()),
        "far": save_nifti(tmp_path / "far.nii.gz", other, affine()),
    }
    manifest = se.export(path, tmp_path / "out", block=(5, 4, 6), labels=sets, keep="labelled").manifests[0]
    assert manifest.slabs[-1].box.stop == SHAPE  # the far corner
    assert len(manifest.plan.left_out.pieces) == 18 - len(manifest.slabs)


def test_checksums_do_not_depend_on_what_is_left_out(tmp_path):
    path = save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())
    whole = se.export(path, tmp_path / "all", block=(5, 4, 6), overlap=1).manifests[0]
    part = se.export(path, tmp_path / "body", block=(5, 4, 6), overlap=1, keep="body").manifests[0]
    assert 0 < len(part.slabs) < len(whole.slabs)
    for block in part.slabs:
        assert block.sha256 == whole.slabs[block.index].sha256
        assert block.sha256 == file_sha256(tmp_path / "body" / "ct" / block.image)
    assert part.plan.fill == FILL
