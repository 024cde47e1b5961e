"""Interruptions (Ctrl-C, SIGTERM, Windows' Ctrl-Break) of what takes long: reading, native code and its imports.

Python runs handlers of signals on the main thread, between two of its own steps: a thread that is waited
for, and a call of native code, keep them waiting.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from .core.errors import Cancelled

INTERRUPTED = 130  # the exit code

_Result = TypeVar("_Result")
# Set on the thread of work that may be abandoned, and on those of its helpers; who reads, writes or compares
# looks at it before each piece.
_abandoned: ContextVar[threading.Event | None] = ContextVar("abandoned", default=None)
# An abandoned thread is given so long to let go of its files; the process ends without it.
_LAST_MOMENT_SECONDS = 0.5
# Work that cannot be told to stop: how often it is asked whether it is wanted.
_CALLS_SECONDS = 0.1
# So long may an import go on after a signal.
_PATIENCE_SECONDS = 1.5


def interrupt(*_: object) -> None:
    """Handle SIGTERM as Ctrl-C is handled; the command line installs it, and is known by it."""
    raise KeyboardInterrupt


def ending_signals() -> tuple[int, ...]:
    """Return the signals by which systems ask a process to end: SIGTERM, and on Windows Ctrl-Break (SIGBREAK)."""
    return tuple(int(getattr(signal, name)) for name in ("SIGTERM", "SIGBREAK") if hasattr(signal, name))


def perform(future: Future[Any] | None, work: Callable[[], Any]) -> None:
    """Do work, and let its future have the result or the error."""
    try:
        future.set_result(work())  # type: ignore[union-attr]
    except Exception as error:
        future.set_exception(error)  # type: ignore[union-attr]
        # The error knows this frame: without this it would keep itself alive, and the files that it met.
        future = None


class Beside(Generic[_Result]):
    """Work on a thread beside the calling one, whose result is handed over once.

    At the end of a ``with`` block, and so at an interruption, work that goes on is abandoned: it ends at the
    next piece of the file that it reads, however large that is, and nobody waits for it.
    """

    def __init__(self, work: Callable[[], _Result]) -> None:
        future: Future[_Result] = Future()
        self._future: Future[_Result] | None = future
        self._abandoned = threading.Event()
        # Of the kind that a process does not wait for at its end; it keeps nothing when it has ended.
        self._thread = threading.Thread(target=_abandonable, args=(self._abandoned, future, work), daemon=True)
        self._thread.start()

    def take(self) -> _Result | None:
        """Wait for the result; None where it has been taken: nothing here keeps it in memory.

        Raises:
            Exception: whatever the work raised.
        """
        future, self._future = self._future, None
        return None if future is None else future.result()

    def __enter__(self) -> Beside[_Result]:
        """Return the work."""
        return self

    def __exit__(self, *_: object) -> None:
        """Abandon it."""
        self._abandoned.set()
        self._thread.join(_LAST_MOMENT_SECONDS)


def _abandonable(abandoned: threading.Event, future: Future[Any], work: Callable[[], Any]) -> None:
    with abandonable(abandoned):
        perform(future, work)


@contextmanager
def abandonable(event: threading.Event | None) -> Iterator[None]:
    """Let the work within the block, and that of its helpers, end at its next piece when an event is set.

    Args:
        event: None: nothing ends it.
    """
    token = _abandoned.set(event)
    try:
        yield
    finally:
        _abandoned.reset(token)


def end_if_abandoned() -> None:
    """End work whose result nobody wants any more; to be called before each piece.

    Raises:
        Cancelled: if that is so.
    """
    event = _abandoned.get()
    if event is not None and event.is_set():
        raise Cancelled("What was being read is not wanted any more.")


def stretches(length: int, step: int) -> Iterator[slice]:
    """Yield a length in stretches, the last one perhaps shorter; work that was abandoned ends before the next.

    >>> [(part.start, part.stop) for part in stretches(5, 2)]
    [(0, 2), (2, 4), (4, 6)]
    """
    for start in range(0, length, step):
        end_if_abandoned()
        yield slice(start, start + step)


def or_left_alone(work: Callable[[], _Result]) -> _Result:
    """Do work in memory that cannot be told to stop, such as a filter of SimpleITK's.

    Work that may be abandoned is done on another thread, and is left alone when it is: it ends by itself, and
    nobody waits for it.

    Raises:
        Cancelled: it was abandoned.
    """
    if _abandoned.get() is None:
        return work()
    future: Future[_Result] = Future()
    threading.Thread(target=perform, args=(future, work), daemon=True).start()
    while not wait([future], _CALLS_SECONDS).done:
        end_if_abandoned()
    return future.result()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals end this process at once, for native code that reads a file for a minute, say.

    That holds for a process that is the command line and nobody else's. Whatever it may have written before
    is as safe as from any kill.
    """
    handlers = _interrupting_handlers()
    if interrupt not in handlers.values():
        yield
        return
    with suppress(AttributeError, ValueError, OSError):
        sys.stdout.flush()  # what has been printed is not lost
    try:
        for number in handlers:
            signal.signal(number, signal.SIG_DFL)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Raise KeyboardInterrupt after the block instead of within it.

    Modules of native code (VTK's) that are interrupted while they are imported crash the process, or say
    that something is missing. The command line does not wait longer than a moment, nor after a second signal.

    Raises:
        KeyboardInterrupt: a signal came.
    """
    handlers = _interrupting_handlers()
    is_command_line = interrupt in handlers.values()
    came: list[threading.Timer] = []

    def note(number: int, _frame: object) -> None:
        came.append(threading.Timer(_PATIENCE_SECONDS, _give_up))
        if is_command_line:
            signal.signal(number, signal.SIG_DFL)
            came[-1].daemon = True
            came[-1].start()

    try:
        for number in handlers:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for timer in came:
            timer.cancel()
        if came:
            raise KeyboardInterrupt


def _give_up() -> None:
    with suppress(OSError):
        os.write(2, b"slab-exporter: interrupted; complete cases stay.\n")
    os._exit(INTERRUPTED)


def _interrupting_handlers() -> dict[int, Any]:
    """Signals that raise KeyboardInterrupt on this thread, with their handlers; under nohup it is not Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {int(number): signal.getsignal(number) for number in (*ending_signals(), signal.SIGINT)}
    return {n: handler for n, handler in found.items() if handler in (interrupt, signal.default_int_handler)}
