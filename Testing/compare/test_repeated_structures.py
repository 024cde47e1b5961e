"""A part that lies in REFERENCE more than once, or nearly so: never a certain answer that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.compare.exact import equal_placements
from slab_exporter.compare.matching import AMBIGUOUS, CERTAIN, match_voxels

SHAPE = (20, 24, 22)


def smooth(values, times):
    """Averages of neighbours along each axis, again and again."""
    for _ in range(times):
        for axis in range(3):
            values = (np.roll(values, 1, axis) + 2 * values + np.roll(values, -1, axis)) / 4
    return values


def structure(rng, times=2):
    values = smooth(rng.normal(size=SHAPE), times)
    return values / values.std() * 100


def pasted(background, *pieces):
    result = background.copy()
    for start, piece in pieces:
        result[tuple(slice(s, s + n) for s, n in zip(start, SHAPE, strict=True))] = piece
    return np.asfortranarray(result)


def part_of(array, start):
    return np.asfortranarray(array[tuple(slice(s, s + n) for s, n in zip(start, SHAPE, strict=True))])


@pytest.mark.parametrize("second", [(50, 56, 61), (51, 57, 60)])
@pytest.mark.parametrize("kind", ["labels", "grey"])
def test_a_structure_that_stands_twice_is_ambiguous_wherever_it_stands(kind, second):
    rng = np.random.default_rng(3)
    piece = structure(rng)
    piece = (piece > 120).astype(np.uint8) if kind == "labels" else np.round(piece).astype(np.int16)
    reference = pasted(np.zeros((96, 96, 96), piece.dtype), ((8, 10, 12), piece), (second, piece))
    match = match_voxels(reference, np.asfortranarray(piece))
    assert match.status == AMBIGUOUS
    assert {(8, 10, 12), second} <= {found.origin for found in match.maps}


@pytest.mark.parametrize("seed", range(4))
def test_the_one_exact_place_is_found_though_another_is_nearly_equal(seed):
    rng = np.random.default_rng(seed)
    piece = np.round(structure(rng)).astype(np.int16)
    other = piece + (rng.random(SHAPE) < 0.01).astype(np.int16)
    background = np.round(rng.normal(0, 10, (96, 96, 96))).astype(np.int16)
    true = (51, 57, 61)
    reference = pasted(background, ((8, 12, 6), piece), (true, other))
    match = match_voxels(reference, part_of(reference, true))
    assert (match.status, match.maps[0].origin) == (CERTAIN, true)


@pytest.mark.parametrize("times", [1, 2, 4, 8])
@pytest.mark.parametrize("noise", [2, 20])
def test_noise_does_not_move_a_part_to_its_twin(times, noise):
    rng = np.random.default_rng(times)
    piece = structure(rng, times)
    other = piece + 0.1 * structure(rng)
    background = smooth(rng.normal(0, 100, (96, 96, 96)), 2)
    true = (49, 55, 61)
    reference = pasted(background, ((18, 12, 6), piece), (true, other))
    match = match_voxels(reference, part_of(reference, true) + rng.normal(0, noise, SHAPE))
    assert match.status == AMBIGUOUS or match.maps[0].origin == true


def test_all_equal_places_are_found_in_every_arrangement():
    rng = np.random.default_rng(5)
    reference = rng.integers(0, 3, (30, 31, 32)).astype(np.uint8)
    part = reference[4:12, 9:19, 3:15].transpose(2, 0, 1)[::-1, :, ::-1]
    (found,) = equal_placements(reference, part, 8)
    assert np.array_equal(found.arranged(reference, part.shape), part)
    assert equal_placements(reference, part + np.uint8(1), 8) == []
    assert len(equal_placements(np.zeros((5, 5, 5)), np.zeros((3, 3, 3)), 8)) == 8


def test_values_that_are_not_finite_are_equal_to_themselves():
    rng = np.random.default_rng(6)
    reference = rng.normal(size=(12, 13, 14))
    reference[3, 4, 5], reference[6, 6, 6] = np.nan, np.inf
    (found,) = equal_placements(reference, reference[2:9, 3:10, 4:12], 8)
    assert found.origin == (2, 3, 4)
    assert equal_placements(np.full((4, 4, 4), np.nan), np.full((2, 2, 2), np.nan), 8) == []
