"""Planning of blocks, and what is refused before anything is cut."""

from __future__ import annotations

import doctest
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import AXES, REMAINDERS, SlabOptions
from slab_exporter.core.pieces import block_cuts, blocks, keeping, records, shape
from slab_exporter.core.pieces.keeping import KeepOptions
from slab_exporter.core.pieces.records import BlockRecord, LeftOut, LeftOutRecord
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.core.planning import plan_slabs
from slab_exporter.core.records import PlanRecord
from support.phantoms import SIGNED_PERMUTATIONS, affine

shapes = st.tuples(*[st.integers(1, 12)] * 3)
sizes = st.tuples(*[st.none() | st.integers(1, 14)] * 3)


def least_overlap(block, overlap):
    """An overlap that leaves every axis a step."""
    return tuple(0 if n is None else min(o, n - 1) for n, o in zip(block, overlap, strict=True))


@settings(max_examples=300)
@given(
    shape=shapes,
    block=sizes,
    overlap=st.tuples(*[st.integers(0, 13)] * 3),
    remainder=st.sampled_from(REMAINDERS),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
    oblique=st.sampled_from([0.0, 20.0]),
)
def test_every_voxel_is_covered_by_blocks_no_larger_than_asked_in_the_patients_order(
    shape, block, overlap, remainder, orientation, oblique
):
    geometry = VolumeGeometry(shape, affine(*orientation, spacing=(1, 1, 1), oblique=oblique))
    options = SlabOptions(block=block, overlap=least_overlap(block, overlap), remainder=remainder)
    try:
        plan = plan_slabs(geometry, options)
    except RequestError:
        assert remainder == "drop"
        assert any(n is not None and n > length for n, length in zip(block, shape, strict=True))
        return
    held = np.zeros(shape, bool)
    places = []
    for number, piece in enumerate(plan.slabs):
        assert piece.index == number
        inside = piece.box.intersection(geometry.box)
        assert not inside.is_empty
        held[tuple(slice(a, b) for a, b in zip(inside.start, inside.stop, strict=True))] = True
        for size, asked, length in zip(piece.box.shape, block, shape, strict=True):
            assert size <= (length if asked is None else asked)
        # along the patient's axes nearest to S, A and R; oblique or not, indices run with them or against them
        place = []
        for ras in (2, 1, 0):
            axis, sign = geometry.index_axis(ras)
            place.append(sign * (piece.box.start[axis] + piece.box.stop[axis]))
        places.append(tuple(place))
    assert places == sorted(places)
    dropped = np.zeros(shape, bool)
    for cut in plan.cuts:
        if cut.uncovered is not None:
            assert remainder == "drop"
            np.moveaxis(dropped, cut.axis, 0)[slice(*cut.uncovered)] = True
    np.testing.assert_array_equal(held, ~dropped)


@settings(max_examples=100)
@given(
    shape=shapes,
    thickness=st.integers(1, 14),
    overlap=st.integers(0, 13),
    remainder=st.sampled_from(REMAINDERS),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
    name=st.sampled_from(["axial", "coronal", "sagittal"]),
)
def test_blocks_that_are_cut_along_one_axis_are_slabs(shape, thickness, overlap, remainder, orientation, name):
    geometry, overlap = VolumeGeometry(shape, affine(*orientation)), min(overlap, thickness - 1)
    axis, _ = geometry.index_axis({"sagittal": 0, "coronal": 1, "axial": 2}[name])
    block = [None, None, None]
    block[axis] = thickness
    try:
        slabs = plan_slabs(geometry, SlabOptions(thickness, axis=name, overlap=overlap, remainder=remainder)).slabs
    except RequestError:
        with pytest.raises(RequestError, match="nothing would be written"):
            plan_slabs(geometry, SlabOptions(block=tuple(block), overlap=overlap, remainder=remainder))
        return
    assert plan_slabs(geometry, SlabOptions(block=tuple(block), overlap=overlap, remainder=remainder)).slabs == slabs


def test_a_thousand_blocks_are_planned_within_a_tenth_of_a_second():
    geometry = VolumeGeometry((512,) * 3, affine((0, 1, 2), (-1, 1, -1), oblique=10))
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        plan = plan_slabs(geometry, slab_options(block="64,64,64", overlap=16, remainder="shift"))
        assert len(plan.slabs) == 1331
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.1


def test_blocks_stay_within_limits():
    geometry = VolumeGeometry((10, 10, 10), np.eye(4))
    plan = plan_slabs(geometry, SlabOptions(block=(4, None, 3)), Box((1, 2, 3), (9, 6, 9)))
    assert [(piece.box.start, piece.box.stop) for piece in plan.slabs] == [
        ((1, 2, 3), (5, 6, 6)),
        ((5, 2, 3), (9, 6, 6)),
        ((1, 2, 6), (5, 6, 9)),
        ((5, 2, 6), (9, 6, 9)),
    ]
    assert plan.needs_fill


@pytest.mark.parametrize("remainder", ["keep", "shift", "balance"])
def test_a_block_larger_than_the_volume_is_short(remainder):
    geometry = VolumeGeometry((8, 8, 10), np.eye(4))
    plan = plan_slabs(geometry, SlabOptions(block=(16, 8, 16), overlap=4, remainder=remainder))
    assert [piece.box for piece in plan.slabs] == [geometry.box]
    assert plan.notes == (
        "The volume has 8 voxels along i, fewer than the block's 16: blocks have 8 there.",
        "The volume has 10 voxels along k, fewer than the block's 16: blocks have 10 there.",
    )


def test_a_block_larger_than_the_volume_is_padded():
    plan = plan_slabs(VolumeGeometry((8, 8, 10), np.eye(4)), SlabOptions(block=(16, 8, 16), remainder="pad"))
    assert [piece.box.shape for piece in plan.slabs] == [(16, 8, 16)]
    assert not plan.notes


def test_a_block_larger_than_the_volume_is_refused_with_drop():
    geometry = VolumeGeometry((20, 8, 20), np.eye(4))
    with pytest.raises(RequestError, match=r"8 voxels along j, fewer than the block's 16, .*nothing would be written"):
        plan_slabs(geometry, SlabOptions(block=(16, 16, 16), remainder="drop"))


def test_dropping_says_which_planes_no_block_holds():
    plan = plan_slabs(VolumeGeometry((10, 9, 8), np.eye(4)), SlabOptions(block=(4, 4, 4), remainder="drop"))
    assert plan.notes == (
        "remainder='drop' leaves out 2 of 10 planes along i: i = 8 to 9 are in no block.",
        "remainder='drop' leaves out 1 of 9 planes along j: j = 8 to 8 are in no block.",
    )
    assert plan.needs_fill


def test_mm_become_whole_voxels_of_the_volume_at_hand():
    geometry = VolumeGeometry((400, 400, 100), np.diag([0.7, 0.7, 2.5, 1]))
    plan = plan_slabs(geometry, slab_options(block_mm=(96, "all", 96), overlap=8))
    assert plan.slabs[0].box.shape == (137, 400, 38)
    assert [cut.overlap for cut in plan.cuts] == [8, 0, 8]
    tiny = plan_slabs(geometry, slab_options(block_mm="0.1,all,all"))
    assert tiny.slabs[0].box.shape == (1, 400, 100)
    with pytest.raises(
        RequestError, match=r"The overlap along k \(8 voxels\) must be smaller than the block \(4 voxels\)"
    ):
        plan_slabs(geometry, slab_options(block_mm="96,96,10", overlap=8))


def test_one_line_tells_the_plan():
    geometry = VolumeGeometry((130, 90, 130), np.diag([-0.7, 0.7, 2.5, 1]))
    plan = plan_slabs(geometry, slab_options(block="64,all,64", overlap="8,0,4"))
    assert plan.describe("int16") == (
        "130 x 90 x 130 int16, LAS, 0.7 x 0.7 x 2.5 mm: 9 blocks of up to 64 x 90 x 64 voxels, "
        "numbered I to S, P to A, L to R"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"block": "64,64"}, "block= needs three whole numbers"),
        ({"block": "64"}, "it is '64'"),
        ({"block": ""}, "it is ''"),
        ({"block": "64,64,64,64"}, "needs three"),
        ({"block": "64,64,big"}, "or 'all', such as 64,64,32"),
        ({"block": "64,64,6.5"}, "needs three whole numbers"),
        ({"block": (64, 64, 6.5)}, "needs three whole numbers"),
        ({"block": "6_4,64,64"}, "needs three whole numbers"),
        ({"block": "²,64,64"}, "needs three whole numbers"),
        ({"block": 64}, "needs three whole numbers"),
        ({"block": "64,0,64"}, "at least one voxel along each axis; it is 64,0,64"),
        ({"block": "64,-4,64"}, "at least one voxel along each axis"),
        ({"block": "9" * 30 + ",4,4"}, "needs three whole numbers"),
        ({"block_mm": "96,nan,96"}, "must be positive"),
        ({"block_mm": "96,0,96"}, "must be positive"),
        ({"block_mm": "96,inf,96"}, "must be positive"),
        ({"block_mm": "96,wide,96"}, "needs three numbers of mm"),
        ({"block": "64,64,64", "block_mm": "96,96,96"}, "Choose either block= or block_mm="),
        ({"block": "64,64,64", "thickness": 64}, "block= cuts along all three axes, and thickness= along one"),
        ({"block": "64,64,64", "thickness_mm": 64.0}, "thickness_mm= along one"),
        ({"block_mm": "64,64,64", "axis": "axial"}, "block_mm= cuts along all three axes, and axis= along one"),
        ({"block": "64,64,64", "overlap": 64}, r"The overlap along i \(64 voxels\) must be smaller"),
        ({"block": "64,32,64", "overlap": "32,32,32"}, "The overlap along j"),
        ({"block": "64,64,64", "overlap": "-1,0,0"}, "0 or more voxels; it is -1"),
        (
            {"block": "64,64,all", "overlap": "8,8,8"},
            "The overlap along k is 8, but a block spans all of k; give 0 there",
        ),
        ({"block_mm": "64,64,all", "overlap": "8,8,8"}, "a block spans all of k"),
        (
            {"block": "64,64,64", "overlap": "8,8"},
            "it is '8,8' .blocks also take three, along i, j, k, such as 8,8,4",
        ),
        ({"block": "64,64,64", "overlap": "much"}, "it is 'much'"),
        ({"overlap": (8, 8, 4)}, "Slabs overlap along one axis; three numbers need block="),
        ({"thickness_mm": 90.0, "overlap": "8,8,4"}, "three numbers need block="),
    ],
)
def test_senseless_blocks_are_refused_with_one_sentence(given, sentence):
    with pytest.raises(RequestError, match=sentence) as refused:
        slab_options(**given)
    assert str(refused.value).endswith(".")


def test_whole_numbers_of_any_type_are_taken():
    assert slab_options(block=np.array([4, 5, 6]), overlap=np.int16(1)).block == (4, 5, 6)
    assert slab_options(block=("all", None, "6"), overlap=(0, 0, 1)) == SlabOptions(
        block=(None, None, 6), overlap=(0, 0, 1)
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("labeled",), "'labeled' cannot be kept; choose one of all, labelled, body"),
        (("all", 0.5), r"min_fraction= needs keep='labelled' or 'body'"),
        (("labelled", 0), "above 0 and at most 1; it is 0"),
        (("body", 1.01), "at most 1"),
        (("body", float("nan")), "at most 1"),
    ],
)
def test_senseless_choices_of_what_to_keep_are_refused(given, sentence):
    with pytest.raises(RequestError, match=sentence):
        KeepOptions(*given)


def test_a_fraction_counts_the_voxels_inside():
    assert KeepOptions("body", 0.25).is_enough(25, of=100)
    assert not KeepOptions("body", 0.25).is_enough(24, of=100)
    assert not KeepOptions("body").is_enough(0, of=100)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_piece_that_holds_exactly_the_fraction_is_kept(voxels, of):
    """Also where the fraction is no binary number: 7 of 100 at 0.07."""
    voxels = min(voxels, of)
    assert KeepOptions("body", voxels / of).is_enough(voxels, of=of)
    assert KeepOptions("body", float(f"{voxels / of:.15g}")).is_enough(voxels + 1, of=of)
    assert KeepOptions("body", 0.07).is_enough(7, of=100)
    assert not KeepOptions("body", 0.07).is_enough(6, of=100)


def test_more_blocks_than_a_folder_should_hold_are_refused_before_they_are_planned():
    geometry = VolumeGeometry((512, 512, 512), np.eye(4))
    with pytest.raises(RequestError, match="134,217,728 blocks would be cut, a file each, and 100,000 are the most"):
        plan_slabs(geometry, SlabOptions(block=(1, 1, 1)))


def test_records_come_back_from_json():
    left = LeftOutRecord(KeepOptions("body", 0.1), (LeftOut(3, Box((-1, 0, 2), (4, 5, 6)), 7),))
    block = BlockRecord((5, 5, 4), (1, 1, 0), (4.5, 4.5, None), ((8, 10), None, None))
    plan = PlanRecord(axis=None, index_axis=None, thickness=None, overlap=None, block=block, left_out=left)
    again = PlanRecord.from_json(plan.to_json() | {"ijk_limits": [[0, 0, 0], [9, 9, 9]]})
    assert (again.block, again.left_out, again.axis, again.thickness, again.kind) == (block, left, None, None, "block")


@pytest.mark.parametrize(
    "wrong",
    [
        {"index_axis": None},
        {"block": {"shape_ijk": [4, 4]}},
        {"block": 4},
        {"left_out": {"keep": "labelled", "pieces": [{"index": 0}]}},
        {"left_out": {"keep": "everything", "pieces": []}},
        {"left_out": {"keep": "body", "min_fraction": "half", "pieces": []}},
    ],
)
def test_damaged_records_are_noticed(wrong):
    with pytest.raises((KeyError, TypeError, ValueError)):
        PlanRecord.from_json(PlanRecord().to_json() | {"ijk_limits": [[0, 0, 0], [9, 9, 9]]} | wrong)


def test_every_axis_name_is_for_slabs():
    for name in AXES:
        with pytest.raises(RequestError, match="leave one out"):
            slab_options(block="4,4,4", axis=name)


@pytest.mark.parametrize("module", [blocks, block_cuts, keeping, records, shape])
def test_the_examples_are_right(module):
    assert doctest.testmod(module).failed == 0
