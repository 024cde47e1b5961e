"""Long work beside a caller who wants to be called often: a window, which would freeze otherwise.

The work goes on on another thread. Slicer's classes, and whoever is told of progress, are for the caller's
thread alone: what concerns them is handed back to it, in short steps.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from .core.errors import Cancelled
from .core.progress import Progress, ProgressEvent
from .interrupts import abandonable, perform

_Result = TypeVar("_Result")
# Set on the other thread, and on those of its helpers.
_caller: ContextVar[_Attended[Any] | None] = ContextVar("caller", default=None)
# Objects that Python makes before it looks for cyclic garbage among them, about ten times its own number.
_MANY_OBJECTS = 10_000


def beside(work: Callable[[Progress], _Result], progress: Progress, case: str = "") -> _Result:
    """Do work, and call the caller as often meanwhile as it wants to be called.

    A caller wants that if its ``progress`` has an attribute ``patience_seconds``: the events "waiting" come at
    least so often then, and all of them on the caller's thread, which it may use for whatever else it has to do.
    If it raises ``Cancelled``, the work ends at its next piece. Any other caller's work is done at once, here.

    Args:
        work: is given what it tells its progress to. It uses nodes of the caller's through ``in_scene`` alone.
        progress: the caller's.
        case: what is worked on, until the work tells of something else.

    Raises:
        Exception: whatever the work raised.
        Cancelled: the caller raised it, and the work was not done by then.
    """
    patience = getattr(progress, "patience_seconds", None)
    if patience is None or _caller.get() is not None:
        return work(progress)
    return _Attended(work, progress, case).attend(patience)


def is_attended() -> bool:
    """Return whether this is work whose caller is waiting on another thread."""
    return _caller.get() is not None


def in_scene(step: Callable[[], _Result]) -> _Result:
    """Do a short step that needs Slicer's classes, on the thread that called ``beside`` where this is another one."""
    caller = _caller.get()
    return step() if caller is None else caller.hand_back(step)


@contextmanager
def held_in_scene(manager: AbstractContextManager[_Result]) -> Iterator[_Result]:
    """Enter and leave a context by ``in_scene``; what is done within it stays on this thread."""
    value = in_scene(manager.__enter__)
    try:
        yield value
    except BaseException as error:
        kind, met, where = type(error), error, error.__traceback__
        if not in_scene(lambda: manager.__exit__(kind, met, where)):
            raise
    else:
        in_scene(lambda: manager.__exit__(None, None, None))


class _Attended(Generic[_Result]):
    """Work on another thread, whose caller waits for it and does the steps that are handed back."""

    def __init__(self, work: Callable[[Progress], _Result], progress: Progress, case: str) -> None:
        self._progress = progress
        self._last = ProgressEvent("waiting", case)
        self._steps: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._result: Future[_Result] = Future()
        self._abandoned = threading.Event()
        self._raised: BaseException | None = None  # by the caller
        self._thread = threading.Thread(target=copy_context().run, args=(self._do, work), daemon=True)

    def _do(self, work: Callable[[Progress], _Result]) -> None:
        _caller.set(self)
        try:
            with abandonable(self._abandoned):
                self._result.set_result(work(self._tell))
        except BaseException as error:
            self._result.set_exception(error)
        finally:
            self._steps.put(lambda: None)  # nobody waits longer

    def _tell(self, event: ProgressEvent) -> None:
        self._last = replace(event, kind="waiting", message="", slab=None)
        self.hand_back(lambda: self._progress(event))

    def hand_back(self, step: Callable[[], Any]) -> Any:
        """Wait until the caller has done a step; return or raise what came of it."""
        future: Future[Any] = Future()
        self._steps.put(lambda: self._step(future, step))
        return future.result()

    def _step(self, future: Future[Any], step: Callable[[], Any]) -> None:
        try:
            perform(future, step)
        except BaseException as error:
            future.set_exception(Cancelled("The work was interrupted."))
            self._give_up(error)

    def attend(self, patience: float) -> _Result:
        """Wait for the work, as ``beside`` says."""
        with _garbage_collected_here() as collect:
            self._thread.start()
            due = time.monotonic() + patience
            while not (self._result.done() and self._steps.empty()):
                try:
                    with suppress(Empty):
                        self._steps.get(timeout=max(0.0, due - time.monotonic()))()
                    if time.monotonic() >= due:
                        collect()
                        self._wait()
                        due = time.monotonic() + patience
                except BaseException as error:  # the other thread cannot do without this one
                    self._give_up(error)
            self._thread.join()
        if self._raised is not None and (
            self._result.exception() is not None or not isinstance(self._raised, Cancelled)
        ):
            raise self._raised
        return self._result.result()

    def _wait(self) -> None:
        if self._raised is None:
            self._progress(self._last)

    def _give_up(self, error: BaseException) -> None:
        self._raised = self._raised or error
        self._abandoned.set()


@contextmanager
def _garbage_collected_here() -> Iterator[Callable[[], None]]:
    """Let no other thread collect cyclic garbage: it may hold widgets, which only their own thread may destroy."""

    def collect() -> None:
        if gc.get_count()[0] > _MANY_OBJECTS:
            gc.collect(1)

    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield collect
    finally:
        if was_enabled:
            gc.enable()
