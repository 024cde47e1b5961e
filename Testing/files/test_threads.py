"""Helper threads, and none."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest
from slab_exporter.files.machine import helpers


def test_without_helpers_all_is_done_at_once_on_the_calling_thread():
    with helpers(0) as pool:
        done = pool.submit(threading.get_ident)
        assert done.done()
        assert done.result() == threading.get_ident()
        failed = pool.submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            failed.result()


def test_an_interruption_is_not_kept_for_later():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), helpers(0) as pool:
        pool.submit(interrupted)


def test_what_has_not_begun_is_dropped_when_work_is_abandoned():
    begun = []

    def work(n):
        begun.append(n)
        time.sleep(0.2)

    def abandoned():
        with helpers(1) as pool:
            futures.extend(pool.submit(work, n) for n in range(5))
            while not begun:
                time.sleep(0.01)
            raise RuntimeError("enough")

    futures: list[Future] = []
    with pytest.raises(RuntimeError, match="enough"):
        abandoned()
    assert futures[0].done()
    assert len(begun) < 5
