"""Choices of the panel: values of the request, with the words a user reads.

Slicer's parameter node stores the member's name and shows ``label()``.
"""

from __future__ import annotations

from enum import Enum

from slab_exporter.core.options import AXES, BLENDS, COMPRESSIONS, FORMATS, GRIDS, REMAINDER_WORDS, REMAINDERS
from slab_exporter.core.pieces.keeping import KEEPS
from slab_exporter.core.pieces.limiting import CROP_TO

# Frames of a sequence: the one that is shown, all together, some together.
SHOWN_FRAME, ALL_FRAMES, SOME_FRAMES = "shown", "every", "some"

_WORDS = {
    "axial": "axial (inferior to superior)",
    "coronal": "coronal (posterior to anterior)",
    "sagittal": "sagittal (left to right)",
    "i": "index axis i",
    "j": "index axis j",
    "k": "index axis k",
    "slices": "slices",
    "mm": "mm",
    **REMAINDER_WORDS,
    "nii.gz": "NIfTI, compressed (.nii.gz)",
    "nii": "NIfTI (.nii)",
    "nrrd": "NRRD (.nrrd)",
    "dicom": "DICOM series",
    "fast": "fast",
    "small": "small files",
    "automatic": "automatic",
    "first": "the first slab's value",
    "mean": "mean",
    "gaussian": "mean, middles of slabs count more",
    "vote": "vote (labels)",
    "all": "all",
    "labelled": "those with labels",
    "body": "body (not air)",
    "nothing": "the whole volume",
    "labels": "label maps",
    "max": "largest value",
    SHOWN_FRAME: "the one shown",
    ALL_FRAMES: "all of them",
    SOME_FRAMES: "some of them",
    "cut": "the one that was cut",
    "source": "the source's",
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
