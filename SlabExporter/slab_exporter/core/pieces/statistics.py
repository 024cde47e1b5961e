"""Numbers about the voxels of a piece, as a manifest has them."""

from __future__ import annotations

from typing import Any


def checked_statistics(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers about a slab's voxels, which tables and report add up and format.

    Raises:
        TypeError: some are no numbers.
    """
    result = dict(entry)
    numbers = [result[name] for name in ("min", "max", "mean") if result.get(name) is not None]
    for channel in dict(result.get("channels") or {}).values():
        numbers += [channel[name] for name in ("min", "max", "mean") if channel.get(name) is not None]
    for counts in dict(result.get("labels") or {}).values():
        numbers += [*map(int, counts or {}), *(counts or {}).values()]
    if not all(isinstance(n, int | float) for n in numbers):
        raise TypeError("statistics that are no numbers")
    return result
