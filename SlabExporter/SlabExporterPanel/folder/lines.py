"""Events out of what a process prints, in whatever pieces that arrives."""

from __future__ import annotations

import json
from typing import Any


class EventLines:
    """Collects bytes, and gives the events in whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[dict[str, Any]]:
        """Return the events that have become complete; a line that was broken off is dropped.

        >>> lines = EventLines()
        >>> lines.take(b'{"event": "fo'), lines.take(b'und"}\\n{"eve')
        ([], [{'event': 'found'}])
        """
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [event for line in whole if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
