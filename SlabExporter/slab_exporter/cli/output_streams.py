"""Standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import io
import os
import sys


def accept_any_character() -> None:
    """Print characters that a terminal or a file name's encoding does not know as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Let what is still to be printed vanish, so that the interpreter does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
