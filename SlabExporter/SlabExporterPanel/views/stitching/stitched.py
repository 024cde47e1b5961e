"""What the panel says of a stitched volume, and how it is brought into the scene; no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slab_exporter.core.manifest import Manifest
from slab_exporter.core.segments.layers import Member
from slab_exporter.core.text import counted
from slab_exporter.mrml.slab_rois import slab_colour
from slab_exporter.stitch.label_names import channel_names, label_names
from slab_exporter.stitch.stitching import StitchResult

from ...translation import tr as _
from ..words import in_panel_words

# More volumes, or segments, in a scene than that are of no use to anyone.
MOST_CHANNELS, MOST_SEGMENTS = 32, 256


@dataclass(frozen=True)
class Origin:
    """From what a volume was stitched.

    Attributes:
        manifest: of the case.
        folder: in which it lies.
        predictions: their folder; None for the export's own slabs.
        label_set: of the export, which was stitched; None for something else.
    """

    manifest: Manifest
    folder: Path
    predictions: Path | None = None
    label_set: str | None = None

    def labels(self, values: Iterable[int]) -> tuple[Member, ...]:
        """Return name and colour of each label."""
        return label_names(self.manifest, sorted(values), self.label_set, self.predictions)

    def channels(self, count: int) -> tuple[str, ...]:
        """Return a name of each number per voxel: of its frame, its channel or its class."""
        numbers = () if self.manifest.frames is None else self.manifest.frames.numbers
        if self.predictions is None and len(numbers) == count:
            return tuple(f"frame {number}" for number in numbers)
        names = self.manifest.channel_names
        return names if self.predictions is None and len(names) == count else channel_names(count, self.predictions)

    def masks(self, channel: int, count: int, values: Iterable[int]) -> tuple[Member, ...]:
        """Return name and colour of the labels in one of several layers: of a mask, those of its channel."""
        name, found = self.channels(count)[channel], sorted(values)
        red, green, blue = (round(255 * part) for part in slab_colour(channel))
        return tuple(
            Member(name if len(found) == 1 else f"{name} label {value}", value, (red, green, blue)) for value in found
        )


@dataclass(frozen=True)
class Loaded:
    """What came into the scene.

    Attributes:
        nodes: a segmentation, a label map or a volume; a volume for each number per voxel; or nothing.
        text: says so, after "12 slabs stitched into ...; ".
    """

    nodes: tuple[Any, ...]
    text: str

    @property
    def node(self) -> Any:
        """The node; a list of several; None for none."""
        return self.nodes[0] if len(self.nodes) == 1 else list(self.nodes) or None


def stitched_text(result: StitchResult, loaded: str) -> str:
    """The lines after a run: what was made, and what should be known about it.

    Args:
        result: of the run.
        loaded: how it was brought into the scene, as ``Loaded.text`` has it.
    """
    overlaps = _(", overlaps: {blend}").format(blend=result.blend) if result.overlapping else ""
    made = _("{slabs} stitched into {name} ({values})").format(
        slabs=counted(result.slabs, result.kind), name=result.path.name, values=f"{result.dtype}{overlaps}"
    )
    return "\n".join((f"{made}; {loaded}.", *stitch_notes(result)))


def stitch_notes(result: StitchResult) -> tuple[str, ...]:
    """Return what a user should know about the result, as sentences."""
    uncovered = (f"{result.uncovered}; filled with {result.fill:g}.",) if result.uncovered else ()
    were = "was" if result.left_out == 1 else "were"
    left = f"{counted(result.left_out, result.kind)} {were} left out; filled with {result.fill:g}."
    return (*uncovered, *([left] if result.left_out else ()), *(in_panel_words(text) for text in result.warnings))


def is_loadable(result: StitchResult) -> bool:
    """Return whether it can be brought into the scene, as one volume or as one for each number per voxel."""
    return result.channels <= MOST_CHANNELS


def is_layered(result: StitchResult) -> bool:
    """Return whether the numbers per voxel are masks that may overlap, one for each label."""
    return result.channels > 1 and result.dtype[:3] in ("int", "uin", "boo")


def is_sequence(result: StitchResult) -> bool:
    """Return whether the numbers per voxel are frames, one after another."""
    return result.channels > 1 and len(result.frames) == result.channels
