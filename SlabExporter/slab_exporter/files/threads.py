"""Helper threads for what runs without Slicer: reading, packing, verifying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

# Helpers of a process that has processors to spare.
THREADS = 2


def _perform(future: Future[Any] | None, work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())  # type: ignore[union-attr]
    except Exception as error:
        future.set_exception(error)  # type: ignore[union-attr]
        # The error knows this frame: without this it would keep itself alive, and the files that it met.
        future = None


class _CallingThread(Executor):
    """Does at once what is submitted, on the thread that submits it."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        _perform(future, lambda: function(*args, **kwargs))
        return future


@contextmanager
def helpers(count: int) -> Iterator[Executor]:
    """So many threads beside the calling one, or that one alone.

    When the work is abandoned they drop what has not begun, and what has begun is waited for.
    """
    pool = ThreadPoolExecutor(count) if count else _CallingThread()
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
