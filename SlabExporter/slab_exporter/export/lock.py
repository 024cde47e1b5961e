"""One run at a time in an output folder; shards of one run may work in it side by side.

The operating system holds the lock and lets go of it when the last process that inherited it has
ended, however it ended: there are no stale locks to clean up by hand. The file's text only says
whose it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ..core.errors import OutputError

LOCK_NAME = ".slab-exporter.lock"
# The workers of a run that was killed notice within moments; until then the lock is theirs.
PATIENCE_SECONDS = 3.0


@contextmanager
def locked(out: Path, shard: tuple[int, int] | None = None) -> Iterator[tuple[int, ...]]:
    """Hold an output folder.

    Args:
        out: an existing folder.
        shard: (number from 1, of how many) to exclude the same shard and whole runs only.

    Yields:
        File descriptors for child processes to inherit, so that the lock lives as long as they do.

    Raises:
        OutputError: another run holds it; or no lock file can be made.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(_lock(out / LOCK_NAME, shared=shard is not None))]
        if shard is not None:
            own = out / f".slab-exporter-{shard[0]}-of-{shard[1]}.lock"
            files.append(stack.enter_context(_lock(own, shared=False)))
            _refuse_another_division(out, shard[1])
        yield tuple(file.fileno() for file in files)


def _refuse_another_division(out: Path, count: int) -> None:
    """Shards of several numbers would work on the same cases."""
    for path in out.glob(".slab-exporter-*-of-*.lock"):
        if path.name.endswith(f"-of-{count}.lock"):
            continue
        with path.open("a+", encoding="utf-8") as file:
            if not _try_lock(file, shared=False):
                other = path.stem.removeprefix(".slab-exporter-").replace("-of-", "/")
                raise OutputError(
                    f"Another run works in {out} on shard {other}; wait for it, or divide by the same number, not by "
                    f"{count}."
                )


@contextmanager
def _lock(path: Path, shared: bool) -> Iterator[IO[str]]:
    file = _acquire(path, shared)
    try:
        if not shared:
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}, file)
            file.flush()
        yield file
    finally:
        if sys.platform == "win32":
            file.close()  # Windows removes no open file
        if not shared:
            with contextlib.suppress(OSError):
                path.unlink()
        file.close()


def _acquire(path: Path, shared: bool) -> IO[str]:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"The output folder {path.parent} cannot be written: {error.strerror or error}."
            ) from error
        if not _try_lock(file, shared):
            file.close()
            if time.monotonic() > until:
                raise OutputError(_in_use(path))
            time.sleep(0.1)
            continue
        with contextlib.suppress(OSError):
            # Whoever held it may have removed the file between our opening and locking it.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _try_lock(file: IO[str], shared: bool) -> bool:
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
        return True  # a file system without locks: nothing can be known
    return True


def _in_use(path: Path) -> str:
    whose = ""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        owner = json.loads(path.read_text(encoding="utf-8"))
        whose = f" (process {owner['pid']} on {owner['host']}, since {owner['since']})"
    return (
        f"Another run{whose} is working in the output folder {path.parent}; wait for it, or choose another folder. "
        "Shards of one run (--shard) may share it."
    )
