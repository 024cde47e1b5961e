"""Whether a disk still takes what is written to it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PROBE_BYTES = 1 << 20


def refuses_writing(folder: Path) -> bool:
    """Try to write a megabyte: a full disk, a quota and a disk that has become read-only all show."""
    probe = folder / f".partial-probe-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return False
