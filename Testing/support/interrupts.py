"""Processes that can be interrupted, whoever started the tests."""

from __future__ import annotations

import signal
import sys


def heed_interrupts() -> None:
    """In a new process: take SIGINT as usual; a shell that runs tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# for ``subprocess.Popen(preexec_fn=...)``, which Windows does not have
INTERRUPTIBLE = None if sys.platform == "win32" else heed_interrupts
