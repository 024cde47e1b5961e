"""Segments that Slicer names in the header of a .seg.nrrd file.

Keys such as ``Segment0_Name:=liver`` (vtkMRMLSegmentationStorageNode); where segments overlap the voxels are
a list of layers (kinds "list domain domain domain"), and ``Segment0_Layer`` says in which each one is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...core.naming import volume_extension
from ..gzip_codec import DamagedGzipError, first_bytes

_HEADER_LIMIT = 1 << 20


@dataclass(frozen=True)
class NrrdSegment:
    """One segment.

    Attributes:
        value: in its layer.
        name: for people.
        rgb: 0 to 255; None where none is stated.
        layer: index of it.
    """

    value: int
    name: str
    rgb: tuple[int, int, int] | None
    layer: int = 0


def nrrd_segments(path: Path) -> tuple[NrrdSegment, ...]:
    """Return the segments that a header names, in their order; none for any other file."""
    keys: dict[int, dict[str, str]] = {}
    for number, key, text in re.findall(r"(?m)^Segment(\d+)_(LabelValue|Name|Color|Layer):=(.*)$", _header(path)):
        keys.setdefault(int(number), {})[key] = text.strip()
    found = []
    for number, of_segment in sorted(keys.items()):
        try:
            value, layer = int(of_segment["LabelValue"]), int(of_segment.get("Layer", "0"))
            parts = [float(part) for part in of_segment.get("Color", "").split()]
        except (KeyError, ValueError):
            continue
        rgb = [min(255, max(0, round(part * 255))) for part in parts]
        colour = (rgb[0], rgb[1], rgb[2]) if len(rgb) == 3 else None
        found.append(NrrdSegment(value, of_segment.get("Name") or f"Segment {number}", colour, layer))
    return tuple(found)


def holds_layers(path: Path) -> bool:
    """Return whether a file holds segments in a list of layers."""
    kinds = re.search(r"(?m)^kinds:\s*(\S+)", _header(path))
    return kinds is not None and kinds.group(1) in ("list", "vector") and bool(nrrd_segments(path))


def _header(path: Path) -> str:
    if volume_extension(path) not in (".nrrd", ".nhdr"):
        return ""
    try:
        head = first_bytes(path, _HEADER_LIMIT)
    except (OSError, DamagedGzipError):
        return ""
    return re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0].decode("utf-8", "replace").replace("\r", "")
