"""What the machine has to spare: memory, processors, worker threads; and quiet from native libraries."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from . import control_groups

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


@contextlib.contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Send what C and C++ code writes to standard error into the void for a moment.

    ITK and its format libraries print several lines about a damaged file before they report an
    error that we turn into one sentence; there is no switch for most of them.
    """
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all, as under a windowed Python on Windows
        yield
        return
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()
    void = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(void, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(void)
        os.close(saved)


def available_memory() -> int | None:
    """Bytes that can be had without swapping, control groups considered; None where unknown."""
    if sys.platform == "win32":
        return _available_on_windows()
    of_system = _available_on_macos() if sys.platform == "darwin" else _available_on_linux()
    found = [n for n in (of_system, control_groups.memory_left()) if n is not None]
    if found:
        return min(found)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def require_memory(path: Path, size: int) -> None:
    """Refuse a volume that cannot fit.

    Args:
        path: the file, for the message.
        size: bytes of voxels that it promises.

    Raises:
        InputError: with both numbers.
    """
    available = available_memory()
    if available is not None and size > available:
        raise InputError(
            f"{path} promises {size / 1e9:,.1f} GB of voxels, but only {available / 1e9:,.1f} GB of memory is free. "
            "Check its header (slab-exporter inspect), or use a machine with more memory."
        )


def _available_on_linux() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _available_on_macos() -> int | None:
    """Pages that are free, or that the system gives up for those who ask, as ``vm_stat`` counts them."""
    try:
        run = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=5, check=True)
        size = int(re.search(r"page size of (\d+) bytes", run.stdout)[1])  # type: ignore[index]
    except (OSError, subprocess.SubprocessError, TypeError):
        return None
    counts = dict(re.findall(r"(?m)^(Pages [a-z]+): +(\d+)\.$", run.stdout))
    return size * sum(int(counts.get(f"Pages {kind}", 0)) for kind in ("free", "inactive", "speculative", "purgeable"))


def _available_on_windows() -> int | None:
    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong) for name in ("total", "available", "p", "ap", "v", "av", "ev")
        ]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return None
    return int(status.available)


def usable_processors() -> int:
    """Processors that this process may use: affinity and control group considered."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, control_groups.processors() or count)
