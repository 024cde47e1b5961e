"""What a person, or a program reading ``--json``, sees of the work."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

from ..core.progress import Progress, ProgressEvent

try:
    from tqdm import tqdm
except ImportError:  # the optional package is absent: plain lines
    tqdm = None

PLAIN_INTERVAL_SECONDS = 5.0


class JsonLines:
    """One JSON object per event on standard output."""

    def __call__(self, event: ProgressEvent) -> None:
        """Print an event; waiting is nothing to tell."""
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
            self._say(f"{event.case}: warning: {event.message}")
        elif event.kind == "case-failed":
            self.close()
            self._say(f"slab-exporter: {event.case}: {event.message}")
        elif not self._quiet:
            self._tell(event)

    def _tell(self, event: ProgressEvent) -> None:
        if event.kind == "case-started":
            self._say(f"{event.case}: {event.message}")
            self._start_bar(event)
        elif event.kind == "slab-finished":
            self._advance(event)
        elif event.kind == "case-finished":
            self.close()
        elif event.kind == "case-skipped":
            self._say(f"{event.case}: {event.message}")

    def _start_bar(self, event: ProgressEvent) -> None:
        if tqdm is not None and sys.stderr.isatty():
            self._bar = tqdm(total=event.total, unit="slab", desc=event.case, leave=False)
        self._last = time.monotonic()

    def _advance(self, event: ProgressEvent) -> None:
        if self._bar is not None:
            self._bar.update(1)
        elif time.monotonic() - self._last > PLAIN_INTERVAL_SECONDS:
            self._last = time.monotonic()
            self._say(f"{event.case}: {event.done} of {event.total} slabs")

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
    print(json.dumps(_numbers_as_json(document), ensure_ascii=escaped, allow_nan=False), flush=True)


def _numbers_as_json(value: Any) -> Any:
    """The same document with numbers that JSON has no word for as text: "nan", "inf", "-inf"."""
    if isinstance(value, dict):
        return {key: _numbers_as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_numbers_as_json(item) for item in value]
    return str(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


__all__ = ["JsonLines", "Lines", "Progress", "display", "print_json"]
