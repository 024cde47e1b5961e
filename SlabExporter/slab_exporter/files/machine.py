"""How much memory is left, so that a header's promise can be judged before anything is loaded."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from ..core.errors import InputError

_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that can be had without swapping, control groups considered; None where unknown."""
    if sys.platform == "win32":
        return _available_on_windows()
    found = [n for n in (_available_on_linux(), _left_in_control_group()) if n is not None]
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


def _left_in_control_group() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)


def _available_on_windows() -> int | None:
    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong) for name in ("total", "available", "p", "ap", "v", "av", "ev")
        ]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return None
    return int(status.available)
