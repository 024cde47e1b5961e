"""Which frames of a sequence or multi-volume the panel exports, and what it says of them; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slab_exporter.core.options import ExportRequest
from slab_exporter.core.several.choice import chosen_frames
from slab_exporter.core.text import counted
from slab_exporter.mrml.sequences import ShownFrame, frames_in_memory, held_frames

from ..choices import ALL_FRAMES, SHOWN_FRAME
from ..translation import tr as _


@dataclass(frozen=True)
class FramesView:
    """The row *Frames*.

    Attributes:
        tooltip: what there is to choose from.
        example: of a range, for the field in which it is typed.
    """

    tooltip: str
    example: str


def asked_frames(volume: Any, choice: str, text: str) -> str | None:
    """Return the frames that are asked for together; None for the one that is shown, and of a single volume.

    Args:
        volume: volume node, or None.
        choice: a value of ``choices.Frames``.
        text: as the user typed it, for some of them.
    """
    if volume is None or choice == SHOWN_FRAME or held_frames(volume) is None:
        return None
    return "all" if choice == ALL_FRAMES else text.strip()


def frames_view(volume: Any) -> FramesView | None:
    """Return what to show of the frames that a node shows one of; None hides the row."""
    held = None if volume is None else held_frames(volume)
    if held is None:
        return None
    index = held.index
    named = ""
    if index.name:
        ordered = _(", ordered by {name}: {first} to {last}")
        name = _("{name} in {unit}").format(name=index.name, unit=index.unit) if index.unit else index.name
        named = ordered.format(name=name, first=index.values[0], last=index.values[-1])
    text = _(
        "'{name}' holds {frames} (0 to {last}{named}). Cut the one that is shown, all, or some: a range such as 0:10 "
        "(the last one is not in it) or a list such as 0,3,7."
    ).format(name=held.kept.GetName(), frames=counted(held.count, "frame"), last=held.count - 1, named=named)
    return FramesView(text, f"0:{held.count}")


def frame_notes(request: ExportRequest, volume: Any) -> tuple[str, ...]:
    """Return sentences about the frames that are exported.

    Raises:
        InputError: there is no such frame, or frames differ in place or type.
    """
    held = held_frames(volume)
    if held is None:
        return ()
    if request.frames is None:
        return (ShownFrame(str(held.kept.GetName()), held.shown, held.count).sentence(volume.GetName()),)
    numbers = chosen_frames(request.frames, held.count, f"'{held.kept.GetName()}'")
    frames_in_memory(held, numbers)
    index = held.index.chosen(numbers)
    lost = request.format.startswith("nii") and len(numbers) > 1 and index.times() is None
    uneven = _("{values} not evenly spaced: NIfTI keeps none of them, manifest and NRRD do.")
    return (
        _("{frames} of '{name}' are cut together: {how}").format(
            frames=counted(len(numbers), "frame"),
            name=held.kept.GetName(),
            how=_("each becomes a series.") if request.format == "dicom" else _("each file holds all of them."),
        ),
        *((uneven.format(values=_values(index.name)),) if lost else ()),
    )


def _values(name: str) -> str:
    return _("The values of '{name}' are").format(name=name) if name else _("The values that order them are")
