"""A small sample of ``growth.py``: what is done for all cases together takes linear time."""

from __future__ import annotations

import time

import pytest
from endurance.growth import make_cases, make_series
from slab_exporter.cases.find import find_cases

# Twice the number may take twice the time, and some more on a shared machine; four times it is quadratic.
MOST = 3.2


def processor_seconds(folder):
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        cases = find_cases([folder], [])
        best = min(best, time.process_time() - began)
    return best, len(cases)


@pytest.mark.parametrize(
    ("make", "small", "cases"), [(make_cases, 200, 200), (lambda f, n: make_series(f, n, 40), 240, 6)]
)
def test_finding_cases_takes_linear_time(tmp_path, make, small, cases):
    first, count = processor_seconds(make(tmp_path / "small", small))
    assert count == cases
    second, count = processor_seconds(make(tmp_path / "large", 2 * small))
    assert count == 2 * cases
    assert second < MOST * first
