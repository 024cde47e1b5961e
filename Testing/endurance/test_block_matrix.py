"""A few of the ways to cut blocks; all of them are ``python Testing/endurance/block_matrix.py``."""

from __future__ import annotations

from endurance.block_matrix import WAYS, run


def test_blocks_come_back_whichever_way_they_were_cut():
    assert len(WAYS) == 5760
    assert run(WAYS[5::241]) == 0
