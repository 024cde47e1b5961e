"""Output on the terminal: for a person, or for a program that reads ``--json``."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.progress import ProgressEvent
from ..core.text import command_words, counted, in_words


def typed(text: str) -> str:
    """Return a text of the library with options as they are typed: ``--overwrite``."""
    return in_words(text, command_words)


def accept_any_character() -> None:
    """Print characters that a terminal or a file name's encoding does not know as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Let what is still to be printed vanish, so that the interpreter does not fail on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def was_printing(error: BaseException) -> bool:
    """Whether an error comes from a ``print`` of the command line, not from a file of the library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = Path("" if trace is None else trace.tb_frame.f_code.co_filename)
    return place.parent == Path(__file__).parent or "tqdm" in place.parts


def _bar(**options: Any) -> Any:
    """A progress bar of tqdm; None where there is no terminal, or tqdm is absent: plain lines."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(**options)


PLAIN_INTERVAL_SECONDS = 5.0


class JsonLines:
    """One JSON object per event on standard output."""

    def __call__(self, event: ProgressEvent) -> None:
        """Print an event; waiting is not reported."""
        if event.kind != "waiting":
            print_json(event.to_json())

    def close(self) -> None:
        """Nothing to tidy up."""


class Lines:
    """Sentences on standard error, with a bar where there is a terminal and tqdm."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._last = time.monotonic()

    def __call__(self, event: ProgressEvent) -> None:
        """Show an event."""
        if event.kind == "warning":
            self._say(f"{event.case}: warning: {typed(event.message)}")
        elif event.kind == "case-failed":
            self.close()
            self._say(f"slab-exporter: {event.case}: {typed(event.message)}")
        elif not self._quiet:
            self._tell(event)

    def _tell(self, event: ProgressEvent) -> None:
        if event.kind == "case-started":
            self._say(f"{event.case}: {typed(event.message)}")
            self._start_bar(event)
        elif event.kind == "slab-finished":
            self._advance(event)
        elif event.kind == "case-finished":
            self.close()
        elif event.kind == "case-skipped":
            self._say(f"{event.case}: {typed(event.message)}")

    def _start_bar(self, event: ProgressEvent) -> None:
        self._bar = _bar(total=event.total, unit=event.piece, desc=event.case, leave=False)
        self._last = time.monotonic()

    def _advance(self, event: ProgressEvent) -> None:
        if self._bar is not None:
            self._bar.update(1)
        elif time.monotonic() - self._last > PLAIN_INTERVAL_SECONDS:
            self._last = time.monotonic()
            self._say(f"{event.case}: {event.done} of {counted(event.total, event.piece)}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def display(as_json: bool, quiet: bool) -> JsonLines | Lines:
    """The display that the options ask for; call ``close`` at the end."""
    return JsonLines() if as_json else Lines(quiet)


def print_json(document: dict[str, Any]) -> None:
    """One object, one line, readable at once by whoever waits for it."""
    # where the terminal cannot show a character, JSON has its own way to write it
    escaped = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
    print(json.dumps(_as_json(document), ensure_ascii=escaped, allow_nan=False), flush=True)


def _as_json(value: Any) -> Any:
    """The same document with options as they are typed, and "nan", "inf", "-inf", for which JSON has no number."""
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, str):
        return typed(value)
    return str(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


# A line at least this often, so that a log shows that large cases go on.
BATCH_PLAIN_INTERVAL_SECONDS = 30.0
_CASE_ENDS = ("case-finished", "case-skipped", "case-failed")


class BatchLines:
    """Cases, slices, rate and time left, on standard error.

    Args:
        slices: of each case, by its name.
        quiet: warnings and errors only.
    """

    def __init__(self, slices: Mapping[str, int], quiet: bool) -> None:
        self._slices = slices
        self._total = sum(slices.values())
        self._quiet = quiet
        self._done: dict[str, float] = {}
        self._skipped = 0
        self._ended = 0
        self._failed = 0
        self._began = self._last = time.monotonic()
        self._bar: Any = None
        if not quiet:
            self._bar = _bar(total=self._total, unit="slice", unit_scale=True, dynamic_ncols=True, smoothing=0)

    def __call__(self, event: ProgressEvent) -> None:
        """Show an event."""
        if event.kind == "slab-finished":
            self._done[event.case] = self._slices.get(event.case, 0) * event.done / max(1, event.total)
        elif event.kind == "warning":
            self._say(f"{event.case}: warning: {typed(event.message)}")
        elif event.kind in _CASE_ENDS:
            self._end(event)
        self._update()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _end(self, event: ProgressEvent) -> None:
        slices = self._slices.get(event.case, 0)
        self._done[event.case] = slices
        self._ended += 1
        if event.kind == "case-failed":
            self._failed += 1
            self._say(f"slab-exporter: {self._count()} {event.case}: {typed(event.message)}")
            return
        if event.kind == "case-skipped":
            self._skipped += slices
            if self._bar is not None:
                self._bar.initial = self._skipped  # what the bar's rate leaves out
        if self._bar is None and not self._quiet:
            slabs = f"{counted(event.total, event.piece)}, " if event.total else ""
            what = "complete already" if event.kind == "case-skipped" else f"{slabs}{slices} slices"
            self._last = time.monotonic()
            self._say(f"{self._count()} {event.case}: {what}{self._outlook()}")

    def _update(self) -> None:
        if self._bar is not None:
            self._bar.set_description(f"{self._count()}{f', {self._failed} failed' if self._failed else ''}", False)
            self._bar.n = round(self._position())
            self._bar.refresh() if self._ended == len(self._slices) else self._bar.update(0)
        elif not self._quiet and time.monotonic() - self._last > BATCH_PLAIN_INTERVAL_SECONDS:
            self._last = time.monotonic()
            self._say(f"{self._count()} {self._position():,.0f} of {self._total:,} slices{self._outlook()}")

    def _count(self) -> str:
        width = len(str(len(self._slices)))
        return f"[{self._ended:{width}d}/{len(self._slices)}]"

    def _position(self) -> float:
        return sum(self._done.values())

    def _outlook(self) -> str:
        """Rate and time left; what was complete beforehand says nothing about either."""
        position = self._position()
        worked = position - self._skipped
        seconds = time.monotonic() - self._began
        if worked <= 0 or seconds < 1:
            return ""
        rate = worked / seconds
        return f"; {rate:,.0f} slices/s, {duration((self._total - position) / rate)} left"

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """ "40 s", "2 min 05 s" or "3 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
