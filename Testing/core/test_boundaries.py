"""Slabs between boundaries that a user chose."""

from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.pieces import boundaries, slab_cuts
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.core.planning import cut_axis, plan_slabs
from slab_exporter.core.records import PlanRecord
from support.phantoms import SIGNED_PERMUTATIONS, affine

CT = VolumeGeometry((4, 5, 150), np.diag([1.0, 1, 2, 1]))
HEAD_FIRST = VolumeGeometry((4, 5, 150), np.diag([1.0, 1, -2, 1]))


def along_k(plan):
    return [(slab.box.start[2], slab.box.stop[2]) for slab in plan.slabs]


def test_slabs_reach_from_boundary_to_boundary_in_the_patients_order():
    options = slab_options(cut_at="104,40")
    assert along_k(plan_slabs(CT, options)) == [(0, 40), (40, 104), (104, 150)]
    assert along_k(plan_slabs(HEAD_FIRST, options)) == [(104, 150), (40, 104), (0, 40)]


def test_an_overlap_is_shared_with_the_slab_before():
    options = slab_options(cut_at=[40, 104], overlap=4)
    assert along_k(plan_slabs(CT, options)) == [(0, 40), (36, 104), (100, 150)]
    assert along_k(plan_slabs(HEAD_FIRST, options)) == [(104, 150), (40, 108), (0, 44)]


def test_equal_boundaries_are_the_equal_slabs():
    equal = plan_slabs(HEAD_FIRST, slab_options(thickness=50, overlap=7))
    inner = [slab.box.start[2] for slab in equal.slabs][:-1]  # against the index each slab starts where it ends
    chosen = plan_slabs(HEAD_FIRST, slab_options(cut_at=inner, overlap=7))
    assert along_k(chosen) == along_k(equal)


@settings(max_examples=200)
@given(
    longer=st.tuples(*[st.integers(0, 12)] * 3),
    numbers=st.sets(st.integers(0, 12), min_size=1),
    overlap=st.integers(0, 4),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
    axis=st.sampled_from(["axial", "coronal", "i", "k"]),
)
def test_every_voxel_is_in_a_slab_and_neighbours_share_the_overlap_and_no_more(
    longer, numbers, overlap, orientation, axis
):
    shape = tuple(overlap + 2 + n for n in longer)
    geometry = VolumeGeometry(shape, affine(*orientation, spacing=(1, 1, 1)))
    along, against = cut_axis(geometry, axis)
    lowest = 1 if against else overlap + 1  # the first slab is thicker than the overlap
    cuts = {lowest + n % (shape[along] - overlap - 1) for n in numbers}
    plan = plan_slabs(geometry, slab_options(cut_at=sorted(cuts), overlap=overlap, axis=axis))
    held = np.zeros(shape[plan.axis], int)
    ends = [slab.box.extent[2 * plan.axis : 2 * plan.axis + 2] for slab in plan.slabs]
    for first, last in ends:
        held[first : last + 1] += 1
    assert held.min() == 1
    assert len(plan.slabs) == len(cuts) + 1
    for (a, b), (c, d) in pairwise(ends):
        assert min(b, d) - max(a, c) + 1 == overlap


def test_the_plan_says_so_and_comes_back_from_json():
    plan = plan_slabs(CT, slab_options(cut_at="40,104"))
    assert plan.describe().endswith("3 slabs of up to 64 slices along k, numbered I to S")
    record = plan.record(0.0)
    assert (record.cut_at, record.thickness, record.remainder) == ((40, 104), 64, "keep")
    assert record.to_json()["cut_at"] == [40, 104]
    assert PlanRecord.from_json(record.to_json()) == record
    assert "cut_at" not in plan_slabs(CT, slab_options()).record(0.0).to_json()
    with pytest.raises(TypeError, match="cut_at"):
        PlanRecord.from_json(record.to_json() | {"cut_at": ["40"]})


def test_a_boundary_outside_the_box_that_is_cut_divides_nothing_and_is_named():
    plan = plan_slabs(CT, slab_options(cut_at="20,40,104"), Box((0, 0, 30), (4, 5, 150)))
    assert along_k(plan) == [(30, 40), (40, 104), (104, 150)]
    assert plan.notes == ("The boundary k = 20 lies outside the box that is cut, and divides nothing.",)
    whole = plan_slabs(CT, slab_options(cut_at="20,140"), Box((0, 0, 30), (4, 5, 100)))
    assert along_k(whole) == [(30, 100)]
    assert whole.notes == ("The boundaries k = 20, 140 lie outside the box that is cut, and divide nothing.",)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ("150", "No slab can begin at k = 150: the volume's slices along k are 0 to 149."),
        ("0", "A boundary lies between two slices, at 1 or higher; 0 divides nothing."),
        ("40,40", "The boundary 40 is given twice."),
        ("40;104", "cut_at= needs the indices of slices, whole numbers such as 40,104; it is '40;104'."),
        ("", "cut_at= needs the indices of slices, whole numbers such as 40,104; it is ''."),
        ((40.5,), "cut_at= needs the indices of slices, whole numbers such as 40,104; it is (40.5,)."),
        ([], "cut_at= needs the indices of slices, whole numbers such as 40,104; it is []."),
    ],
)
def test_bad_boundaries_get_one_sentence(given_, sentence):
    with pytest.raises(RequestError) as caught:
        plan_slabs(CT, slab_options(cut_at=given_))
    assert str(caught.value) == sentence


def test_a_first_slab_thinner_than_the_overlap_is_refused():
    with pytest.raises(RequestError, match="The first slab has 3 slices, and the next would share 3 with it"):
        plan_slabs(CT, slab_options(cut_at="3,100", overlap=3))
    assert along_k(plan_slabs(CT, slab_options(cut_at="4,100", overlap=3)))[1] == (1, 100)


@pytest.mark.parametrize(
    "other",
    [
        {"thickness": 64},
        {"thickness_mm": 9.0},
        {"remainder": "pad"},
        {"block": "4,4,4"},
        {"block_mm": "4,4,4"},
        {"crop": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_else_says_how_slabs_are_cut_is_refused(other):
    with pytest.raises(RequestError, match="leave one out"):
        slab_options(cut_at="40", **other)


def test_three_overlaps_are_for_blocks():
    with pytest.raises(RequestError, match="Slabs overlap along one axis"):
        slab_options(cut_at="40", overlap="1,1,1")


@pytest.mark.parametrize("module", [boundaries, slab_cuts])
def test_the_examples(module):
    assert not doctest.testmod(module).failed
