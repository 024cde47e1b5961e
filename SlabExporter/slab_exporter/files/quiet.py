"""Keep what native libraries print for themselves off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


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
