"""Planning: every slice where it belongs, under every policy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import REMAINDERS, SlabOptions
from slab_exporter.core.planning import divide, plan_slabs
from support.phantoms import SIGNED_PERMUTATIONS, affine

lengths = st.integers(1, 400)
steps = st.tuples(st.integers(1, 90), st.integers(0, 89)).filter(lambda pair: pair[1] < pair[0])


@given(lengths, steps, st.sampled_from(REMAINDERS))
def test_slabs_cover_every_slice_but_with_drop(length, step, remainder):
    thickness, overlap = step
    intervals = divide(length, thickness, overlap, remainder)
    held = {n for a, b in intervals for n in range(a, b)} & set(range(length))
    if remainder == "drop":
        assert held == set(range(max((b for _, b in intervals), default=0)))
        assert all(b - a == thickness for a, b in intervals)
        assert length - len(held) < thickness
    else:
        assert held == set(range(length))


@given(lengths, steps, st.sampled_from(REMAINDERS))
def test_no_slab_is_thicker_than_asked_and_none_is_empty(length, step, remainder):
    thickness, overlap = step
    for a, b in divide(length, thickness, overlap, remainder):
        assert 0 < b - a <= thickness


@given(lengths, steps)
def test_full_thickness_with_pad_and_shift(length, step):
    thickness, overlap = step
    assert all(b - a == thickness for a, b in divide(length, thickness, overlap, "pad"))
    if length >= thickness:
        assert all(b - a == thickness for a, b in divide(length, thickness, overlap, "shift"))


@given(lengths, steps)
def test_balanced_slabs_differ_by_one_slice_at_most(length, step):
    thickness, overlap = step
    intervals = divide(length, thickness, overlap, "balance")
    sizes = [b - a for a, b in intervals]
    assert max(sizes) - min(sizes) <= 1
    assert all(a[1] - b[0] == overlap for a, b in pairwise(intervals))


@given(lengths, steps, st.sampled_from(REMAINDERS))
def test_neighbours_overlap_as_asked(length, step, remainder):
    thickness, overlap = step
    intervals = divide(length, thickness, overlap, remainder)
    for number, (a, b) in enumerate(pairwise(intervals)):
        shared = a[1] - b[0]
        last_was_moved = remainder == "shift" and number == len(intervals) - 2
        assert shared >= overlap if last_was_moved else shared == overlap


@pytest.mark.parametrize(
    ("length", "remainder", "expected"),
    [
        # a count that the thickness divides: no empty last slab, no whole volume once more
        (128, "keep", ((0, 64), (64, 128))),
        (128, "pad", ((0, 64), (64, 128))),
        (128, "shift", ((0, 64), (64, 128))),
        (128, "drop", ((0, 64), (64, 128))),
        (128, "balance", ((0, 64), (64, 128))),
        # thinner than one slab
        (40, "keep", ((0, 40),)),
        (40, "pad", ((0, 64),)),
        (40, "shift", ((0, 40),)),
        (40, "drop", ()),
        (40, "balance", ((0, 40),)),
        # a tail of one slice
        (129, "keep", ((0, 64), (64, 128), (128, 129))),
        (129, "pad", ((0, 64), (64, 128), (128, 192))),
        (129, "shift", ((0, 64), (64, 128), (65, 129))),
        (129, "drop", ((0, 64), (64, 128))),
        (129, "balance", ((0, 43), (43, 86), (86, 129))),
    ],
)
def test_the_counts_that_went_wrong_elsewhere(length, remainder, expected):
    assert divide(length, 64, 0, remainder) == expected


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
@pytest.mark.parametrize(("name", "ras_axis"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_numbering_runs_with_the_patient_whatever_the_storage_order(axes, signs, name, ras_axis):
    geometry = VolumeGeometry((10, 11, 12), affine(axes, signs, spacing=(1, 1, 1), oblique=20))
    plan = plan_slabs(geometry, SlabOptions(thickness=4, axis=name, remainder="pad"))
    assert geometry.ras_axis_of_index[plan.axis][0] == ras_axis
    middles = [geometry.ras((np.array(s.box.start) + s.box.stop - 1) / 2.0)[ras_axis] for s in plan.slabs]
    assert middles == sorted(middles)
    assert plan.direction == {0: "L to R", 1: "P to A", 2: "I to S"}[ras_axis]


def test_padding_reaches_beyond_the_end_of_numbering():
    head_first = VolumeGeometry((4, 4, 10), np.diag([1.0, 1, -1, 1]))
    plan = plan_slabs(head_first, SlabOptions(thickness=6, remainder="pad"))
    assert [(s.box.start[2], s.box.stop[2]) for s in plan.slabs] == [(4, 10), (-2, 4)]
    assert plan.needs_padding


def test_limits_bound_the_slabs_and_the_numbering_starts_there():
    geometry = VolumeGeometry((8, 8, 20), np.eye(4))
    plan = plan_slabs(geometry, SlabOptions(thickness=5), Box((1, 2, 3), (7, 6, 16)))
    assert [(s.box.start, s.box.stop) for s in plan.slabs] == [
        ((1, 2, 3), (7, 6, 8)),
        ((1, 2, 8), (7, 6, 13)),
        ((1, 2, 13), (7, 6, 16)),
    ]


def test_thickness_in_mm_becomes_whole_slices():
    geometry = VolumeGeometry((8, 8, 100), np.diag([1.0, 1, 2.5, 1]))
    assert plan_slabs(geometry, SlabOptions(thickness_mm=96)).thickness == 38
    assert plan_slabs(geometry, SlabOptions(thickness_mm=0.1)).thickness == 1


def test_what_no_slab_holds_is_said():
    geometry = VolumeGeometry((8, 8, 130), np.eye(4))
    plan = plan_slabs(geometry, SlabOptions(remainder="drop"))
    assert plan.uncovered == (128, 130)
    assert any("k = 128 to 129" in note for note in plan.notes)


@pytest.mark.parametrize(
    "options",
    [
        {"thickness": 0},
        {"thickness": -3},
        {"thickness_mm": 0},
        {"thickness_mm": float("nan")},
        {"thickness_mm": float("inf")},
        {"overlap": 64},
        {"overlap": -1},
        {"axis": "transverse"},
        {"remainder": "ignore"},
    ],
)
def test_senseless_options_are_refused_with_a_sentence(options):
    with pytest.raises(RequestError, match=r"\.$"):
        SlabOptions(**options)


def test_nothing_left_and_no_step_are_refused():
    geometry = VolumeGeometry((8, 8, 40), np.diag([1.0, 1, 5, 1]))
    with pytest.raises(RequestError, match="nothing would be written"):
        plan_slabs(geometry, SlabOptions(remainder="drop"))
    with pytest.raises(RequestError, match="do not advance"):
        plan_slabs(geometry, SlabOptions(thickness_mm=10, overlap=2))
