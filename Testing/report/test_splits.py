"""Splits deal out whole groups, the same way everywhere."""

from __future__ import annotations

from collections import Counter

import pytest
from slab_exporter.core.errors import RequestError
from slab_exporter.report.dataset import parse_split, split_groups


def test_shares_are_met_and_every_group_is_in_one_part():
    groups = [f"p{n}" for n in range(130)] * 3
    split = split_groups(groups, parse_split("0.8,0.1,0.1"), seed=0)
    assert set(split) == set(groups)
    assert Counter(split.values()) == {"training": 104, "validation": 13, "test": 13}


def test_order_of_cases_does_not_matter_but_the_seed_does():
    groups = [f"p{n}" for n in range(40)]
    one = split_groups(groups, (0.5, 0.5), seed=1)
    assert one == split_groups(groups[::-1], (0.5, 0.5), seed=1)
    assert one != split_groups(groups, (0.5, 0.5), seed=2)


@pytest.mark.parametrize("count", range(3, 12))
def test_no_part_is_empty_where_there_are_groups_enough(count):
    split = split_groups([str(n) for n in range(count)], parse_split("90,5,5"), seed=3)
    assert set(split.values()) == {"training", "validation", "test"}


@pytest.mark.parametrize("text", ["0.8", "a,b", "1,-1", "0,0", "1,1,1,1", "nan,1", "inf,1"])
def test_senseless_shares_are_refused(text):
    with pytest.raises(RequestError, match=r"^split= needs"):
        parse_split(text)
