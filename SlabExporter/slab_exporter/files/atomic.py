"""Steps of the file system that happen whole or not at all: locks, exchange of two names, scratch folders."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..core.errors import writing
from ..core.naming import SCRATCH

# From linux/fs.h and fcntl.h; Apple's renameatx_np is in sys/stdio.h.
_RENAME_EXCHANGE = _RENAME_SWAP = 2
_AT_FDCWD_LINUX, _AT_FDCWD_APPLE = -100, -2
# What kernels and file systems say that cannot exchange two names.
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
# Locked as long as the process lives that works in the folder; it also marks the folder as ours.
_ALIVE = ".slab-exporter-at-work"


def swap(one: Path, other: Path) -> bool:
    """Exchange two names on one disk in a single step.

    Returns:
        Whether it was done; False where the system cannot.

    Raises:
        OSError: it can, but not with these two.
    """
    code = _exchange(os.fsencode(one), os.fsencode(other))
    if code == 0:
        return True
    if code is None or code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _exchange(one: bytes, other: bytes) -> int | None:
    """0 or the number of the error; None where the system has no such call."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renameatx_np(_AT_FDCWD_APPLE, one, _AT_FDCWD_APPLE, other, _RENAME_SWAP)
        else:
            failed = library.renameat2(_AT_FDCWD_LINUX, one, _AT_FDCWD_LINUX, other, _RENAME_EXCHANGE)
    except (AttributeError, OSError, TypeError):  # an older C library; Windows
        return None
    return ctypes.get_errno() if failed else 0


def open_to_lock(path: Path) -> IO[str]:
    """Open or make a plain file, and never what a link at its place leads to.

    Raises:
        OSError: it cannot be opened, or is a link, a pipe, a device.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or path.is_symlink():
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a plain file")
    return os.fdopen(descriptor, "r+", encoding="utf-8")


def try_lock(file: IO[str], shared: bool = False) -> bool:
    """Return whether the lock was taken; True also on a file system without locks, where nothing can be known."""
    try:
        if sys.platform == "win32":
            import msvcrt

            if not shared:
                file.seek(1 << 20)  # beyond the text, which stays readable
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except PermissionError:  # what Windows says
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def scratch_beside(final: Path) -> Iterator[Path]:
    """Make a folder for unfinished files on the disk of ``final``; it is gone at the end.

    Raises:
        OutputError: it cannot be made.
    """
    with writing(f"The folder {final.parent}"):
        final.parent.mkdir(parents=True, exist_ok=True)
        clear_abandoned(final.parent)
        scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}-", dir=final.parent))
        alive = open_to_lock(scratch / _ALIVE)
    try:
        try_lock(alive)
        yield scratch
    finally:
        alive.close()
        shutil.rmtree(scratch, ignore_errors=True)


def clear_abandoned(folder: Path) -> None:
    """Remove the scratch folders in which no process works any more; others are left alone."""
    for scratch in folder.glob(f"{SCRATCH}-*"):
        mark = scratch / _ALIVE
        if scratch.is_symlink() or not mark.is_file():
            continue
        with contextlib.suppress(OSError), open_to_lock(mark) as file:
            if try_lock(file):
                shutil.rmtree(scratch, ignore_errors=True)
