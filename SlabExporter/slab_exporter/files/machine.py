"""What the machine has to spare: memory, processors, worker threads; and quiet from native libraries."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.errors import InputError
from ..interrupts import perform

# Helpers of a process that has processors to spare.
THREADS = 2


class _CallingThread(Executor):
    """Does at once what is submitted, on the thread that submits it."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        perform(future, lambda: function(*args, **kwargs))
        return future


class _Helpers(ThreadPoolExecutor):
    """Threads that know what is known of the work of the thread that submits to them: that it is abandoned, say."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(copy_context().run, function, *args, **kwargs)


@contextmanager
def helpers(count: int) -> Iterator[Executor]:
    """So many threads beside the calling one, or that one alone.

    When the work is abandoned they drop what has not begun, and what has begun is waited for.
    """
    pool = _Helpers(count) if count else _CallingThread()
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
    found = [n for n in (of_system, left_by_groups()) if n is not None]
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
    return min(count, processors_of_groups() or count)


# Control groups. A process stands in a group of a tree, and every group above it limits it, too. Version 2 has
# one tree, version 1 one for each kind of limit; where they are mounted, and from which of their groups on,
# stands in ``mountinfo`` (Linux: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; proc(5)).

# Where the system's files are; a test has its own.
ROOT = Path("/")
# Version 1 states "no limit" as the largest multiple of a page that fits into 63 bits.
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class _Names:
    """Names of the files of one version."""

    limit: str
    used: str
    reclaimable: str


_VERSION_2 = _Names("memory.max", "memory.current", "inactive_file")
_VERSION_1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def left_by_groups() -> int | None:
    """Return the bytes that the groups of this process leave it; None where none of them has a limit."""
    left = [_left(group, _VERSION_2) for group in _groups("")] + [
        _left(group, _VERSION_1) for group in _groups("memory")
    ]
    return min((size for size in left if size is not None), default=None)


def processors_of_groups() -> int | None:
    """Return how many processors' time the groups of this process allow, rounded up; None without a limit."""
    shares = [_share(_text(group / "cpu.max")) for group in _groups("")]
    for group in _groups("cpu"):
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        shares.append(_share(f"{quota} {period}"))
    return min((share for share in shares if share is not None), default=None)


def _left(group: Path, names: _Names) -> int | None:
    """Limit less what is used; pages of files that nobody has looked at lately are given back when need be."""
    try:
        limit, used = int(_text(group / names.limit)), int(_text(group / names.used))
    except ValueError:  # "max", or no such file
        return None
    if limit >= _UNLIMITED:
        return None
    counts = dict(line.split() for line in _text(group / "memory.stat").splitlines() if len(line.split()) == 2)
    return max(0, limit - used + int(counts.get(names.reclaimable, 0)))


def _share(text: str) -> int | None:
    """Processors for "quota period", both in microseconds."""
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max 100000", or no such file
        return None
    return max(1, math.ceil(quota / period)) if quota > 0 and period > 0 else None


def _groups(controller: str) -> Iterator[Path]:
    """Folders of this process's group and of those above it, as far as they are mounted.

    Args:
        controller: of version 1; "" for version 2.
    """
    path = _own_group(controller)
    if path is None:
        return
    for root, mount in _mounts(controller):
        top = ROOT / mount.relative_to("/")
        folder = top / path.relative_to(root) if path.is_relative_to(root) else top
        if not folder.is_dir():  # a container may see its own group as the top, but under the name outside
            folder = top
        yield folder
        while folder != top:
            folder = folder.parent
            yield folder


def _own_group(controller: str) -> PurePosixPath | None:
    for line in _text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return PurePosixPath(path)
    return None


def _mounts(controller: str) -> Iterator[tuple[PurePosixPath, PurePosixPath]]:
    """(the group that is mounted, where) of each mount of the tree."""
    for line in _text(ROOT / "proc/self/mountinfo").splitlines():
        mount, _, system = line.partition(" - ")
        fields, kind = mount.split(" "), system.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        of_version_1 = kind[0] == "cgroup" and controller in kind[2].split(",") and controller != ""
        if of_version_1 or (kind[0] == "cgroup2" and controller == ""):
            yield PurePosixPath(_unescaped(fields[3])), PurePosixPath(_unescaped(fields[4]))


def _unescaped(name: str) -> str:
    """A name of mountinfo, where blanks and the like are octal numbers."""
    return name.encode().decode("unicode_escape") if "\\" in name else name


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
