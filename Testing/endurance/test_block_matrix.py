"""A few of the ways to cut blocks; more of them are ``python Testing/endurance/block_matrix.py``."""

from __future__ import annotations

from itertools import islice

import pytest
from endurance.block_matrix import PLACES, REQUESTS, drawn_ways, is_right


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_blocks_come_back_whichever_way_they_were_cut(seed):
    assert len(REQUESTS) * len(PLACES) == (5 * 4 - 1) * 4 * 3 * 49 * 48 * 2
    for number, trip in enumerate(islice(drawn_ways(seed), 12)):
        assert is_right(trip, number)
