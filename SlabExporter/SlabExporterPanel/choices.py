"""Choices of the panel: values of the request, with the words a user reads.

Slicer's parameter node stores the member's name and shows ``label()``.
"""

from __future__ import annotations

from enum import Enum

from slab_exporter.core.options import AXES, BLENDS, COMPRESSIONS, FORMATS, GRIDS, REMAINDERS
from slab_exporter.core.pieces.keeping import KEEPS
from slab_exporter.core.pieces.limiting import CROP_TO

from .translation import tr as _

# Frames of a sequence: the one that is shown, all together, some together.
SHOWN_FRAME, ALL_FRAMES, SOME_FRAMES = "shown", "every", "some"

_WORDS = {
    "axial": _("axial (inferior to superior)"),
    "coronal": _("coronal (posterior to anterior)"),
    "sagittal": _("sagittal (left to right)"),
    "i": _("index axis i"),
    "j": _("index axis j"),
    "k": _("index axis k"),
    "slices": _("slices"),
    "mm": _("mm"),
    "keep": _("keep it short"),
    "pad": _("pad it to full thickness"),
    "shift": _("shift it back (more overlap)"),
    "drop": _("leave it out"),
    "balance": _("make all slabs equally thick"),
    "nii.gz": _("NIfTI, compressed (.nii.gz)"),
    "nii": _("NIfTI (.nii)"),
    "nrrd": _("NRRD (.nrrd)"),
    "dicom": _("DICOM series"),
    "fast": _("fast"),
    "small": _("small files"),
    "automatic": _("automatic"),
    "first": _("the first slab's value"),
    "mean": _("mean"),
    "gaussian": _("mean, middles of slabs count more"),
    "vote": _("vote (labels)"),
    "all": _("all"),
    "labelled": _("those with labels"),
    "body": _("body (not air)"),
    "nothing": _("the whole volume"),
    "labels": _("label maps"),
    "max": _("largest value"),
    SHOWN_FRAME: _("the one shown"),
    ALL_FRAMES: _("all of them"),
    SOME_FRAMES: _("some of them"),
    "cut": _("the one that was cut"),
    "source": _("the source's"),
}


class Choice(Enum):
    """A choice whose members' values are the request's words."""

    def label(self) -> str:
        """As the panel shows it."""
        return _WORDS.get(self.value, self.value)


def _choice(name: str, values: tuple[str, ...]) -> type[Choice]:
    return Choice(name, {value.replace(".", "_"): value for value in values})  # type: ignore[call-arg,return-value]


Axis = _choice("Axis", AXES)
Unit = _choice("Unit", ("slices", "mm"))
Remainder = _choice("Remainder", REMAINDERS)
Format = _choice("Format", FORMATS)
Compression = _choice("Compression", COMPRESSIONS)
Blend = _choice("Blend", ("automatic", *BLENDS))
Keep = _choice("Keep", KEEPS)
CropTo = _choice("CropTo", ("nothing", *CROP_TO))
Grid = _choice("Grid", GRIDS)
Frames = _choice("Frames", (SHOWN_FRAME, ALL_FRAMES, SOME_FRAMES))
