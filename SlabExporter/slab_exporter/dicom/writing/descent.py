"""What DICOM slabs claim of a series that the volume no longer is: one that was changed in Slicer's scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.text import Option, Sentence
from ...core.volume import DERIVED_FROM, SourceVolume
from .attributes import SourceHeaders, copied


def drop_differing(attributes: Any, image: SourceVolume, technique: Sequence[str]) -> None:
    """Drop technique in which the images of a series differ from a volume of which no plane is one of them.

    Args:
        attributes: copied from one image, changed in place.
        image: the volume that is cut.
        technique: keywords.
    """
    if DERIVED_FROM not in image.record or image.dicom.planes:
        return
    headers = SourceHeaders()
    for plane in image.dicom.series.slices:
        other = copied(headers.read(plane), technique)
        for keyword in technique:
            if attributes.get(keyword) != other.get(keyword):
                attributes.pop(keyword, None)


def descent_warnings(image: SourceVolume, modality: str, is_asked: bool) -> tuple[str, ...]:
    """Return what a user should know of slabs that descend from a series: what they keep of it, and what not.

    Args:
        image: the volume that is cut.
        modality: of the slabs.
        is_asked: the user chose it.
    """
    if DERIVED_FROM not in image.record:
        return ()
    said: list[str] = []
    if not image.dicom.in_frame:
        said.append(
            "Nothing shows that the volume still lies where the series lies: the slabs keep patient and study, and "
            "get a frame of reference of their own, so that no program takes the two for aligned."
        )
    if not image.dicom.planes and not is_asked:
        said.append(
            Sentence(
                "The slabs keep patient and study of the series, but name none of its images as theirs. They are "
                f"called {modality} as the series is; ",
                Option("modality"),
                " says what they are where that is no longer true.",
            )
            if image.dicom.series.info.modality
            else "The slabs keep patient and study of the series, but name none of its images as theirs."
        )
    return tuple(said)


def photometric(image: SourceVolume) -> str:
    """Return PhotometricInterpretation of a volume's slabs: its source's, where the values are the source's.

    Slicer inverts MONOCHROME1 when it loads it, so that values of its scene are MONOCHROME2.
    """
    if image.dicom is None or (DERIVED_FROM in image.record and not image.dicom.planes):
        return "MONOCHROME2"
    return str(image.dicom.series.slices[0].pixel.photometric)
