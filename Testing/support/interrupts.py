"""Processes that can be interrupted, whoever started the tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def heed_interrupts() -> None:
    """In a new process: take SIGINT as usual; a shell that runs tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# for ``subprocess.Popen(preexec_fn=...)``, which Windows does not have
INTERRUPTIBLE = None if sys.platform == "win32" else heed_interrupts


def mortal_before(step: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper of functions that ends the process (exit code 9) before their ``step``-th call, counted over all."""
    left = iter(range(step - 1))

    def mortal(function):
        def call(*args, **options):
            if next(left, None) is None:
                os._exit(9)
            return function(*args, **options)

        return call

    return mortal
