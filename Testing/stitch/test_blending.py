"""The arithmetic of stitching, without files."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.core.axis_cut import AxisCut
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import AXES, REMAINDERS, SlabOptions
from slab_exporter.core.planning import boxes_in_order, plan_slabs
from slab_exporter.stitch.blending import BLENDS, Stitcher
from slab_exporter.stitch.cells import describe_uncovered, divide_into_cells
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom

WHOLE = Box((0, 0, 0), (3, 4, 20))


def cut(volume_kji, box, fill):
    """The voxels of a box that may reach outside."""
    whole = Box((0, 0, 0), volume_kji.shape[::-1])
    result = np.full(box.shape[::-1], fill, volume_kji.dtype)
    inside = box.intersection(whole)
    local = tuple(slice(i.start - s, i.stop - s) for i, s in zip(inside.slices_kji(), box.start[::-1], strict=True))
    result[local] = volume_kji[inside.slices_kji()]
    return result


@settings(max_examples=300, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    thickness=st.integers(1, 14),
    overlap=st.integers(0, 13),
    axis=st.sampled_from(AXES),
    remainder=st.sampled_from(REMAINDERS),
    orientation=st.sampled_from(SIGNED_PERMUTATIONS),
    blend=st.sampled_from(BLENDS),
    dtype=st.sampled_from(["uint8", "int16", "float32", "float64"]),
    shuffled=st.randoms(use_true_random=False),
)
def test_cutting_and_stitching_gives_the_volume_back(
    shape, thickness, overlap, axis, remainder, orientation, blend, dtype, shuffled
):
    overlap = min(overlap, thickness - 1)
    volume = np.ascontiguousarray(index_phantom(shape, dtype).T)
    geometry = VolumeGeometry(shape, affine(*orientation))
    options = SlabOptions(thickness=thickness, overlap=overlap, axis=axis, remainder=remainder)
    try:
        plan = plan_slabs(geometry, options)
    except RequestError:
        assert remainder == "drop"
        return
    averaged = blend in ("mean", "gaussian")
    if averaged and np.dtype(dtype).kind in "iu":
        blend = "vote"
    stitcher = Stitcher(geometry.box, [slab.box for slab in plan.slabs], blend, np.dtype(dtype))
    order = list(plan.slabs)
    shuffled.shuffle(order)
    for slab in order:
        stitcher.add(slab.index, cut(volume, slab.box, -7 if dtype != "uint8" else 7)[np.newaxis])
    back = stitcher.finish(fill=3)[0]
    uncovered = np.zeros(volume.shape, bool)
    for box in stitcher.uncovered:
        uncovered[box.slices_kji()] = True
    assert not stitcher._open
    if plan.uncovered is None:
        assert not uncovered.any()
    else:
        expected = np.moveaxis(np.zeros(volume.shape, bool), 2 - plan.axis, 0)
        expected[slice(*plan.uncovered)] = True
        np.testing.assert_array_equal(np.moveaxis(uncovered, 2 - plan.axis, 0), expected)
    assert np.all(back[uncovered] == 3)
    if averaged:
        np.testing.assert_allclose(back[~uncovered], volume[~uncovered], rtol=1e-6)
    else:
        np.testing.assert_array_equal(back[~uncovered], volume[~uncovered])


@given(boxes=st.lists(st.tuples(*[st.integers(-3, 8)] * 3, *[st.integers(1, 6)] * 3), max_size=5))
def test_cells_divide_the_volume_whatever_the_blocks(boxes):
    whole = Box((0, 0, 0), (6, 7, 8))
    blocks = [Box((a, b, c), (a + i, b + j, c + k)) for a, b, c, i, j, k in boxes]
    count = np.zeros(whole.shape[::-1], int)
    held = np.zeros((len(blocks), *whole.shape[::-1]), bool)
    for cell in divide_into_cells(whole, blocks):
        count[cell.box.slices_kji()] += 1
        for n in cell.slabs:
            held[(n, *cell.box.slices_kji())] = True
    assert np.all(count == 1)
    for n, block in enumerate(blocks):
        expected = np.zeros(whole.shape[::-1], bool)
        inside = block.intersection(whole)
        if not inside.is_empty:
            expected[inside.slices_kji()] = True
        np.testing.assert_array_equal(held[n], expected)


def blocks(size, thickness, overlap, remainder="shift"):
    """Boxes of blocks, the same thickness and overlap along all three axes."""
    cuts = tuple(AxisCut(n, size[n], 0, size[n], thickness, overlap, remainder) for n in range(3))
    return boxes_in_order(cuts, (2, 1, 0))


def test_a_volume_of_a_thousand_blocks_is_divided_at_once():
    boxes = blocks((512, 512, 512), 64, 16)
    assert len(boxes) == 1331
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        cells = divide_into_cells(Box((0, 0, 0), (512, 512, 512)), boxes)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.3
    # along each axis 11 blocks begin and end at 21 different places
    assert len(cells) == 20**3
    assert sum(int(np.prod(cell.box.shape)) for cell in cells) == 512**3
    assert sorted({len(cell.slabs) for cell in cells}) == [1, 2, 4, 8]


def test_thousands_of_slabs_are_divided_at_once():
    boxes = [Box((0, 0, n), (4, 4, n + 2)) for n in range(4000)]
    begun = time.perf_counter()
    stitcher = Stitcher(Box((0, 0, 0), (4, 4, 4001)), boxes, "mean", np.dtype("float32"))
    for n in range(len(boxes)):
        stitcher.add(n, np.full((1, 2, 4, 4), n, np.float32))
    assert time.perf_counter() - begun < 5  # 35 s where each cell is compared with each box
    np.testing.assert_array_equal(stitcher.finish(0)[0, 1:-1, 0, 0], np.arange(3999) + 0.5)


def naive(whole, boxes, voxels, blend, fill):
    """Voxel by voxel what blending means."""
    result = np.full(whole.shape[::-1], fill, voxels[0].dtype)
    for i, j, k in product(*map(range, whole.shape)):
        held = []
        for box, values in zip(boxes, voxels, strict=True):
            place = (i - box.start[0], j - box.start[1], k - box.start[2])
            if all(0 <= p < n for p, n in zip(place, box.shape, strict=True)):
                offsets = [(p - (n - 1) / 2) / (0.125 * n) for p, n in zip(place, box.shape, strict=True)]
                weight = 1.0 if blend == "mean" else np.exp(-0.5 * sum(x * x for x in offsets))
                held.append((values[place[::-1]], weight))
        if not held:
            continue
        if blend == "first":
            result[k, j, i] = held[0][0]
        elif blend == "max":
            result[k, j, i] = max(value for value, _ in held)
        elif blend == "vote":
            # the most votes, then the heaviest slab; among equals (but for rounding) the first
            best = None
            for value, weight in held:
                rank = (sum(value == other for other, _ in held), weight)
                if best is None or rank[0] > best[0] or (rank[0] == best[0] and rank[1] > best[1] * (1 + 1e-9)):
                    best, result[k, j, i] = rank, value
        else:
            result[k, j, i] = sum(v * w for v, w in held) / sum(w for _, w in held)
    return result


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize(
    ("size", "thickness", "overlap", "remainder"),
    [((7, 6, 9), 4, 2, "keep"), ((7, 6, 9), 4, 1, "pad"), ((5, 9, 8), 5, 3, "shift"), ((7, 5, 6), 3, 0, "drop")],
)
def test_blocks_are_blended_as_a_naive_loop_over_voxels_does_it(blend, size, thickness, overlap, remainder):
    boxes = blocks(size, thickness, overlap, remainder)
    rng = np.random.default_rng(7)
    dtype = np.uint8 if blend in ("first", "vote") else np.float64
    voxels = [(4 * rng.random(box.shape[::-1])).astype(dtype) for box in boxes]
    whole = Box((0, 0, 0), size)
    stitcher = Stitcher(whole, boxes, blend, np.dtype(dtype))
    for n, values in enumerate(voxels):
        stitcher.add(n, values[np.newaxis])
    found, expected = stitcher.finish(9)[0], naive(whole, boxes, voxels, blend, 9)
    np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype == np.float64 else 0)


def test_a_tie_in_the_corner_of_blocks_goes_to_the_nearest_middle():
    """There the weights of a Gaussian in three dimensions are as small as 1e-10."""
    boxes = [Box((0, 0, 0), (32, 32, 32)), Box((29, 29, 29), (61, 61, 61))]
    stitcher = Stitcher(Box((0, 0, 0), (61, 61, 61)), boxes, "vote", np.dtype("uint8"))
    for n in range(2):
        stitcher.add(n, np.full((1, 32, 32, 32), n + 1, np.uint8))
    found = stitcher.finish(0)[0]
    assert [found[n, n, n] for n in (29, 31)] == [1, 2]


def stitched(blend, slabs, dtype="float64"):
    """One channel from (start, stop, value) along k."""
    boxes = [Box((0, 0, a), (3, 4, b)) for a, b, _ in slabs]
    stitcher = Stitcher(WHOLE, boxes, blend, np.dtype(dtype))
    for n, (a, b, value) in enumerate(slabs):
        stitcher.add(n, np.full((1, b - a, 4, 3), value, dtype))
    return stitcher.finish(-1)[0][:, 0, 0]


def test_mean_and_maximum_of_overlaps():
    slabs = [(0, 8, 1.0), (6, 14, 4.0), (12, 20, 0.0)]
    expected = [1] * 6 + [2.5] * 2 + [4] * 4 + [2] * 2 + [0] * 6
    np.testing.assert_allclose(stitched("mean", slabs), expected)
    expected = [1] * 6 + [4] * 2 + [4] * 4 + [4] * 2 + [0] * 6
    np.testing.assert_allclose(stitched("max", slabs), expected)
    np.testing.assert_allclose(stitched("first", slabs), [1] * 8 + [4] * 6 + [0] * 6)


def test_gaussian_is_the_weighted_mean_that_monai_computes():
    slabs = [(0, 12, 1.0), (8, 20, 4.0)]
    window = np.exp(-0.5 * ((np.arange(12) - 5.5) / (0.125 * 12)) ** 2)
    weights = np.zeros((2, 20))
    weights[0, :12], weights[1, 8:] = window, window
    expected = (weights[0] * 1 + weights[1] * 4) / weights.sum(axis=0)
    np.testing.assert_allclose(stitched("gaussian", slabs), expected, rtol=1e-12)


def test_vote_takes_the_majority_and_on_a_tie_the_slab_in_whose_middle_the_voxel_lies():
    three = [(0, 10, 5), (0, 10, 7), (0, 10, 7), (10, 20, 1)]
    assert set(stitched("vote", three, "uint8")[:10]) == {7}
    tie = stitched("vote", [(0, 12, 1), (8, 20, 2)], "uint8")
    np.testing.assert_array_equal(tie, [1] * 10 + [2] * 10)


@pytest.mark.parametrize("blend", ["mean", "gaussian"])
def test_labels_are_never_averaged(blend):
    with pytest.raises(RequestError, match="never averaged"):
        Stitcher(WHOLE, [WHOLE], blend, np.dtype("uint8"))


def test_channels_are_stitched_side_by_side():
    rng = np.random.default_rng(0)
    volume = rng.random((4, 20, 4, 3)).astype(np.float32)
    boxes = [Box((0, 0, 0), (3, 4, 12)), Box((0, 0, 9), (3, 4, 20))]
    stitcher = Stitcher(WHOLE, boxes, "gaussian", volume.dtype, 4)
    stitcher.add(0, volume[:, :12])
    stitcher.add(1, volume[:, 9:])
    np.testing.assert_allclose(stitcher.finish(0), volume, rtol=1e-6)


def test_gaps_are_described_as_slices_or_as_voxels():
    assert describe_uncovered([], WHOLE) is None
    parts = [Box((0, 0, 0), (3, 4, 2)), Box((0, 0, 2), (3, 4, 3)), Box((0, 0, 19), (3, 4, 20))]
    assert describe_uncovered(parts, WHOLE) == "4 of 20 slices (k = 0 to 2, 19) are in no slab"
    assert describe_uncovered([Box((0, 0, 0), (1, 1, 2))], WHOLE) == "2 of 240 voxels are in no slab"
