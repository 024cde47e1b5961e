"""Names of a case's segments in the colours that its pictures show them in."""

from __future__ import annotations

from html import escape

from ..core.manifest import Manifest
from .pictures import label_colour

_MOST_NAMED = 60


def legend(manifest: Manifest) -> str:
    """Return the segments of a case's label sets as HTML; nothing where no label map names any."""
    entries = [
        (label_colour(value, number), name)
        for number, source in enumerate(manifest.label_sources.values())
        for value, name in source.segments
    ]
    if not entries:
        return ""
    spans = "".join(
        f'<span><i style="background:rgb({red},{green},{blue})"></i>{escape(name)}</span>'
        for (red, green, blue), name in entries[:_MOST_NAMED]
    )
    more = f"<span>and {len(entries) - _MOST_NAMED} more</span>" if len(entries) > _MOST_NAMED else ""
    return f'<p class="segments">{spans}{more}</p>'
