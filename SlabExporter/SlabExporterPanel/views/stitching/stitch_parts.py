"""Controls of the Stitch section that depend on the export: what of it is stitched, and onto which grid; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from slab_exporter.core.manifest import Manifest
from slab_exporter.stitch.stitching import ALL

from ...translation import tr as _
from ..action import Action

PART_TIP = _("What of the export is put together again: its images, one of its channels or frames, or its label maps.")
GRID_TIP = _("The grid that was cut, or the source's: the volume was made ready (axes, voxel size) before it was cut.")
PREDICTIONS_TIP = _("For the predictions.")
NO_MANIFEST = Action(False, _("Choose the manifest.json of an export first."))
NO_PREDICTIONS = Action(False, _("For predictions alone: choose their folder first."))


@dataclass(frozen=True)
class Part:
    """What of an export's own slabs can be stitched.

    Attributes:
        word: by which the settings remember it.
        title: as the panel lists it.
    """

    word: str
    title: str


IMAGES = Part("", _("images"))


def stitch_parts(manifest: Manifest) -> tuple[Part, ...]:
    """Return what can be stitched: the images first.

    Args:
        manifest: of the case.
    """
    title = _("label maps '{name}'")
    labels = tuple(Part(f"labels:{name}", title.format(name=name)) for name in manifest.label_sources)
    return (*_image_parts(manifest), *labels)


def _image_parts(manifest: Manifest) -> tuple[Part, ...]:
    names, frame, channel = manifest.channel_names, _("frame {name}"), _("channel {name}")
    if not names:
        return (IMAGES,)
    if manifest.frames is not None:  # together without asking, as the library does
        together = Part("", _("all {count} frames, as one 4D file").format(count=len(names)))
        return (together, *(Part(f"channel:{name}", frame.format(name=name)) for name in names))
    words = ("", *(f"channel:{name}" for name in names[1:]))
    each = (Part(word, channel.format(name=name)) for word, name in zip(words, names, strict=True))
    return (*each, Part(f"channel:{ALL}", _("all {count} channels, as one 4D file").format(count=len(names))))


def chosen_part(word: str, manifest: Manifest) -> tuple[str | None, str | None]:
    """Return the label set or the channel that a word of the settings means, of this export; None for others.

    Args:
        word: of a ``Part``; one that this export does not have means its images.
        manifest: of the case.
    """
    kind, _, name = word.partition(":")
    if not word or word not in {part.word for part in stitch_parts(manifest)}:
        return None, None
    return (name, None) if kind == "labels" else (None, name)


def part_action(manifest: Manifest, has_predictions: bool) -> Action:
    """Return whether there is a choice of what is stitched."""
    if has_predictions:
        return Action(False, _("The predictions are stitched; without their folder the export's own slabs are."))
    if len(stitch_parts(manifest)) == 1:
        return Action(False, _("This export holds images alone."))
    return Action(True, PART_TIP)


def grid_action(manifest: Manifest) -> Action:
    """Return whether there is a choice of grids."""
    if manifest.prepared is None:
        return Action(False, _("The volume was cut as it is: the grid that was cut is the source's."))
    return Action(True, GRID_TIP)
