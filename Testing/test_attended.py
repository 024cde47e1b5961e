"""Work beside a caller who wants to be called often: who does what, and how it ends."""

from __future__ import annotations

import gc
import threading
import time
from contextlib import contextmanager

import pytest
from slab_exporter.attended import beside, held_in_scene, in_scene
from slab_exporter.core.errors import Cancelled, InputError
from slab_exporter.core.progress import ProgressEvent, no_progress
from slab_exporter.files.machine import helpers
from slab_exporter.interrupts import abandonable, end_if_abandoned, stretches

HERE = threading.current_thread


class Window:
    """A caller who notes when it is called, on which thread, and with what."""

    patience_seconds = 0.02

    def __init__(self, cancel_after: float = 1e9) -> None:
        self.times, self.threads, self.events = [time.monotonic()], set(), []
        self._until = time.monotonic() + cancel_after

    def __call__(self, event: ProgressEvent) -> None:
        self.times.append(time.monotonic())
        self.threads.add(HERE())
        self.events.append(event)
        if time.monotonic() > self._until:
            raise Cancelled("Cancelled by the user.")

    @property
    def longest_gap(self) -> float:
        return max(b - a for a, b in zip(self.times, self.times[1:], strict=False))


def nap(seconds: float) -> threading.Thread:
    """Sleep, in pieces that can be abandoned; the thread that did it."""
    for _ in stretches(int(seconds * 1000), 5):
        time.sleep(0.005)
    return HERE()


def test_the_caller_is_called_on_its_own_thread_while_the_work_goes_on():
    window = Window()
    assert beside(lambda tell: nap(0.4), window, "ct") is not HERE()
    assert window.threads == {HERE()}
    assert window.events[0] == ProgressEvent("waiting", "ct")
    assert len(window.events) >= 5
    assert window.longest_gap < 0.25


def test_work_for_a_caller_who_does_not_mind_is_done_at_once():
    assert beside(lambda tell: HERE(), no_progress) is HERE()
    assert in_scene(HERE) is HERE()


def test_events_and_steps_in_the_scene_come_back_to_the_caller():
    window = Window()

    def work(tell):
        tell(ProgressEvent("slab-finished", "ct", 1, 3, slab="record"))
        nap(0.1)
        with helpers(2) as pool:
            return [in_scene(HERE), pool.submit(lambda: in_scene(HERE)).result(), HERE()]

    *steps, worker = beside(work, window)
    assert steps == [HERE(), HERE()]
    assert worker is not HERE()
    assert window.events[0].slab == "record"
    assert window.events[-1] == ProgressEvent("waiting", "ct", 1, 3)


def test_work_beside_work_is_not_handed_on():
    """The work of the work knows the caller, too."""
    assert beside(lambda tell: (beside(lambda _: HERE(), tell) is HERE(), in_scene(HERE)), Window()) == (True, HERE())


def test_a_context_is_entered_and_left_in_the_scene():
    seen = []

    @contextmanager
    def node():
        seen.append(HERE())
        try:
            yield "node"
        finally:
            seen.append(HERE())

    def work(tell):
        with held_in_scene(node()) as one:
            seen.append(HERE())
            raise InputError(f"The {one} is empty.")

    with pytest.raises(InputError, match="The node is empty"):
        beside(work, Window())
    assert seen[0] is seen[2] is HERE()
    assert seen[1] is not HERE()


def test_cancel_ends_the_work_and_its_helpers_at_their_next_piece():
    window, began, ended = Window(cancel_after=0.1), time.monotonic(), []

    def work(tell):
        try:
            with helpers(2) as pool:
                list(pool.map(nap, [30, 30]))
        finally:
            ended.append(in_scene(HERE))  # what tidies up still reaches the scene

    with pytest.raises(Cancelled, match="by the user"):
        beside(work, window)
    assert ended == [HERE()]
    assert time.monotonic() - began < 1
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if "ThreadPool" in t.name]


def test_work_that_is_done_when_it_is_cancelled_counts():
    def work(tell):
        with abandonable(None):
            nap(0.3)
        return "whole"

    assert beside(work, Window(cancel_after=0.05)) == "whole"


def test_another_error_of_the_caller_is_not_lost():
    class Interrupted(Window):
        def __call__(self, event):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        beside(lambda tell: time.sleep(0.2), Interrupted())
    with pytest.raises(KeyboardInterrupt):
        beside(lambda tell: tell(ProgressEvent("warning", "ct")), Interrupted())
    with pytest.raises(ZeroDivisionError):
        beside(lambda tell: in_scene(lambda: 1 // 0), Window())


def test_cyclic_garbage_is_collected_on_the_callers_thread_alone():
    """It may hold widgets, which only their own thread may destroy."""
    where = []

    class Widget:
        def __del__(self):
            where.append(HERE())

    def work(tell):
        for _ in range(60):
            one = Widget()
            one.itself = one
            del one
            kept = [[] for _ in range(1000)]
            time.sleep(0.002)
        return len(kept)

    assert beside(work, Window()) == 1000
    gc.collect()
    assert len(where) == 60
    assert set(where) == {HERE()}
    assert gc.isenabled()


def test_nothing_is_abandoned_where_nobody_said_so():
    end_if_abandoned()
    assert [part.stop for part in stretches(5, 2)] == [2, 4, 6]
