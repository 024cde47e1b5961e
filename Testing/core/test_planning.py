"""Planning: every slice where it belongs, under every policy."""

from __future__ import annotations

import doctest
import json
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.core import axis_cut, planning
from slab_exporter.core.axis_cut import AxisCut, divide
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.manifest import SCHEMA_PATH
from slab_exporter.core.options import AXES, REMAINDER_WORDS, REMAINDERS, SlabOptions
from slab_exporter.core.planning import boxes_in_order, numbering, plan_slabs
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


def three_cuts(size, thickness, overlap, remainder, reversed_axes=(False, False, False)):
    return tuple(
        AxisCut(n, size[n], 0, size[n], thickness[n], overlap[n], remainder, reversed_axes[n]) for n in range(3)
    )


def test_a_thousand_blocks_are_planned_at_once():
    cuts = three_cuts((512,) * 3, (64,) * 3, (16,) * 3, "shift")
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        boxes = boxes_in_order(three_cuts((512,) * 3, (64,) * 3, (16,) * 3, "shift"), (2, 1, 0))
        took.append(time.perf_counter() - begun)
    assert len(boxes) == 11**3
    assert min(took) < 0.1
    assert {box.shape for box in boxes} == {(64, 64, 64)}
    # starts along each axis: every 48 voxels, the last one moved back
    starts = [*range(0, 448, 48), 448]
    assert [cuts[0].intervals[n][0] for n in range(11)] == starts
    assert [box.start for box in boxes] == [(i, j, k) for k in starts for j in starts for i in starts]


axis_lengths = st.integers(1, 9)


@settings(max_examples=200, deadline=None)
@given(
    size=st.tuples(axis_lengths, axis_lengths, axis_lengths),
    thickness=st.tuples(*[st.integers(1, 6)] * 3),
    overlap=st.tuples(*[st.integers(0, 5)] * 3),
    remainder=st.sampled_from(REMAINDERS),
    reversed_axes=st.tuples(*[st.booleans()] * 3),
    low=st.tuples(*[st.integers(0, 8)] * 3),
    high=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_blocks_cover_every_voxel_within_the_limits(size, thickness, overlap, remainder, reversed_axes, low, high):
    cuts = []
    for n in range(3):
        start = min(low[n], size[n] - 1)
        stop = min(size[n], max(start + 1, high[n]))
        step = min(overlap[n], thickness[n] - 1)
        cuts.append(AxisCut(n, size[n], start, stop, thickness[n], step, remainder, reversed_axes[n]))
    held = np.zeros(size, int)
    whole = Box((0, 0, 0), size)
    limits = Box(tuple(cut.start for cut in cuts), tuple(cut.stop for cut in cuts))
    boxes = boxes_in_order(tuple(cuts), (2, 1, 0))
    for box in boxes:
        inside = box.intersection(whole)
        assert not inside.is_empty
        held[tuple(slice(a, b) for a, b in zip(inside.start, inside.stop, strict=True))] += 1
        for cut in cuts:
            before, after = cut.padding
            assert (before, after) == (0, 0) or remainder == "pad"
            assert -before <= box.start[cut.axis] < box.stop[cut.axis] <= cut.size + after
    within = np.zeros(size, bool)
    within[tuple(slice(a, b) for a, b in zip(limits.start, limits.stop, strict=True))] = True
    if remainder == "drop":
        for cut in cuts:
            if cut.uncovered is not None:
                np.moveaxis(within, cut.axis, 0)[slice(*cut.uncovered)] = False
    assert np.all(held[within] > 0)
    if remainder != "pad":  # full thickness may take voxels beyond the limits, where there are any
        assert not np.any(held[~within])


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_blocks_are_numbered_along_the_patient_superior_slowest(axes, signs):
    geometry = VolumeGeometry((10, 11, 12), affine(axes, signs, spacing=(1, 1, 1)))
    numbered = numbering(geometry, "axial")
    reversed_axes = [dict(numbered)[n] for n in range(3)]
    cuts = three_cuts(geometry.shape_ijk, (4, 4, 4), (1, 1, 1), "keep", reversed_axes)
    boxes = boxes_in_order(cuts, tuple(n for n, _ in numbered))
    middles = [geometry.ras((np.array(box.start) + box.stop - 1) / 2.0) for box in boxes]
    # from inferior to superior, within that from posterior to anterior, within that from left to right
    places = [(round(float(s), 6), round(float(a), 6), round(float(r), 6)) for r, a, s in middles]
    assert places == sorted(places)
    assert len(set(places)) == len(boxes) == int(np.prod([len(cut.intervals) for cut in cuts]))


@pytest.mark.parametrize("name", ["i", "j", "k"])
def test_blocks_are_numbered_along_the_index_if_an_index_axis_was_chosen(name):
    geometry = VolumeGeometry((10, 11, 12), affine((2, 0, 1), (-1, 1, -1)))
    assert numbering(geometry, name) == ((2, False), (1, False), (0, False))


def test_one_line_tells_the_plan():
    geometry = VolumeGeometry((8, 9, 130), np.diag([-0.7, 0.7, 2.5, 1]))
    assert plan_slabs(geometry, SlabOptions(overlap=4)).describe("int16") == (
        "8 x 9 x 130 int16, LAS, 0.7 x 0.7 x 2.5 mm: 3 slabs of up to 64 slices along k, numbered I to S"
    )


def test_a_plan_is_recorded_resolved():
    geometry = VolumeGeometry((8, 9, 21), np.diag([-0.7, 0.7, -2.5, 1]))
    options = SlabOptions(thickness_mm=20, overlap=2, remainder="drop")
    record = plan_slabs(geometry, options, Box((1, 2, 0), (8, 9, 21))).record(fill=-1000.0, within="../roi.mrk.json")
    assert list(record.to_json().items())[:12] == [
        ("axis", "axial"),
        ("index_axis", "k"),
        ("numbered", "I to S"),
        ("thickness", 8),
        ("thickness_mm", 20),
        ("overlap", 2),
        ("remainder", "drop"),
        ("fill", -1000.0),
        ("within", "../roi.mrk.json"),
        ("ijk_limits", [[1, 2, 0], [8, 9, 21]]),
        ("uncovered", [0, 1]),
        ("notes", ["--remainder drop leaves out 1 of 21 slices: k = 0 to 0 are in no slab."]),
    ]
    padded = plan_slabs(geometry, SlabOptions(thickness=8, remainder="pad"))
    assert padded.record(fill=-1000.0).fill == -1000.0


def test_every_choice_has_its_words_and_stands_in_the_schema():
    assert tuple(REMAINDER_WORDS) == REMAINDERS
    plan = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))["properties"]["plan"]["properties"]
    assert tuple(plan["remainder"]["enum"]) == REMAINDERS
    assert tuple(plan["axis"]["enum"]) == (*AXES, None)  # null for blocks


@pytest.mark.parametrize("module", [axis_cut, planning])
def test_the_examples_are_right(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
