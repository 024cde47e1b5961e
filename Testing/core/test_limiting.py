"""Boxes around voxels, and margins around boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import ExportRequest
from slab_exporter.core.pieces.bounding import around, bounding_box, enlarged
from slab_exporter.core.pieces.limiting import LimitOptions, LimitRecord
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.core.planning import plan_slabs


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=6))
def test_the_box_is_that_of_the_indices_themselves(places):
    wanted = np.zeros((5, 6, 7), bool)
    for i, j, k in places:
        wanted[k, j, i] = True
    found = np.array(places)
    assert bounding_box(wanted) == Box(tuple(found.min(axis=0).tolist()), tuple((found.max(axis=0) + 1).tolist()))


def test_nothing_has_no_box():
    assert bounding_box(np.zeros((5, 6, 7), bool)) is None
    assert around([]) is None


def test_several_boxes_lie_in_one():
    assert around([Box((1, 5, 2), (3, 6, 9)), Box((0, 6, 3), (2, 8, 4))]) == Box((0, 5, 2), (3, 8, 9))


@pytest.mark.parametrize(
    ("margin", "start", "stop"),
    [
        (0.0, (20, 10, 4), (30, 20, 6)),
        (0.1, (19, 9, 3), (31, 21, 7)),
        (2.1, (17, 7, 3), (33, 23, 7)),  # 3 x 0.7, though 2.1 / 0.7 is 3.0000000000000004
        (5.0, (12, 2, 3), (38, 28, 7)),
        (5.1, (12, 2, 2), (38, 28, 8)),
        (15.0, (0, 0, 1), (40, 40, 9)),
    ],
)
def test_a_margin_is_rounded_up_to_whole_voxels_and_stays_inside(margin, start, stop):
    geometry = VolumeGeometry((40, 40, 10), np.diag([0.7, 0.7, 5.0, 1.0]))
    assert enlarged(Box((20, 10, 4), (30, 20, 6)), margin, geometry) == Box(start, stop)


def test_a_spacing_of_float32_costs_no_voxel_more():
    geometry = VolumeGeometry((400, 400, 9), np.diag([float(np.float32(0.7)), float(np.float32(0.9)), 1, 1]))
    assert enlarged(Box((200, 200, 4), (201, 201, 5)), 63.0, geometry).start == (110, 130, 0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"crop_to": "liver"}, "There is no cropping to 'liver'; choose one of labels, body."),
        ({"margin": 3}, "margin= needs crop_to='labels' or 'body'"),
        ({"crop_to": "body", "margin": -1}, "margin= must be 0 mm or more; it is -1."),
        ({"crop_to": "body", "margin": float("nan")}, "it is nan."),
        ({"crop_to": "body", "margin": float("inf")}, "it is inf."),
    ],
)
def test_senseless_limits_are_refused(values, sentence):
    with pytest.raises(RequestError) as caught:
        LimitOptions(**values)
    assert sentence in str(caught.value)


def test_a_box_is_found_in_one_way_only():
    with pytest.raises(RequestError, match="each say what is cut: leave one out"):
        ExportRequest(within="a.mrk.json", limit=LimitOptions("body"))


@pytest.mark.parametrize(
    "other",
    [
        {"thickness": 64},
        {"thickness_mm": 9.0},
        {"axis": "k"},
        {"block": "5,5,5"},
        {"block_mm": "5,5,5"},
        {"overlap": 2},
        {"remainder": "pad"},
    ],
)
def test_one_piece_is_not_cut_further(other):
    with pytest.raises(RequestError) as caught:
        slab_options(crop=True, **other)
    assert f"crop= writes one piece, and {next(iter(other))}= says how several are cut" in str(caught.value)


def test_one_piece_is_the_limits():
    geometry = VolumeGeometry((9, 8, 7), np.diag([1.0, 1, -2, 1]))
    plan = plan_slabs(geometry, slab_options(crop=True), Box((2, 1, 3), (5, 8, 4)))
    assert [slab.box for slab in plan.slabs] == [Box((2, 1, 3), (5, 8, 4))]
    assert (plan.kind, plan.notes) == ("crop", ())
    assert plan.describe() == "9 x 8 x 7, RAI, 1 x 1 x 2 mm: 1 crop of 3 x 7 x 1 voxels"
    assert [slab.box for slab in plan_slabs(geometry, slab_options(crop=True)).slabs] == [geometry.box]


def test_the_record_reads_back():
    for record in (LimitRecord(LimitOptions("labels", 2.5)), LimitRecord(LimitOptions(), one_piece=True)):
        assert LimitRecord.from_json(record.to_json()) == record
    with pytest.raises(ValueError, match="no cropping to 'liver'"):
        LimitRecord.from_json({"crop_to": "liver", "margin_mm": None, "one_piece": False})
