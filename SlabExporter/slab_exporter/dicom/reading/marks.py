"""Attributes of images that tell volumes of one series apart, and those that all images of one volume share."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from .series import Slice

# Attributes that tell volumes of one series apart, in the order in which they are tried.
MARKS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "FrameType",
    "ImageType",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "DiffusionBValue",
    "InversionTime",
    "TriggerTime",
    "NominalPercentageOfCardiacPhase",
    "ConvolutionKernel",
    "KVP",
    "ContrastBolusAgent",
    "ContrastBolusAgentPhase",
    "Modality",
    "Units",
    "RescaleType",
    "AcquisitionNumber",
    "AcquisitionTime",
    "ContentTime",
    "SOPInstanceUID",
)
# How many images belong to a series or a part of it, as some headers state
COUNTS = ("ImagesInAcquisition", "NumberOfSeriesRelatedInstances", "NumberOfSlices", "NumberOfTemporalPositions")
# UIH: creator of group 0065, number of tiles, sequence that describes them. GE: name of the pulse sequence.
_UIH_CREATOR, _UIH_TILES, _UIH_SEQUENCE, _GE_SEQUENCE = 0x00650010, 0x00651050, 0x00651051, 0x0019109C
PRIVATE = (_UIH_CREATOR, _UIH_TILES, _UIH_SEQUENCE, _GE_SEQUENCE)
# Values of ImageType and FrameType that name the quantity: part of a complex number, or a Dixon image
_QUANTITIES = frozenset(
    ("M", "P", "R", "I", "MAGNITUDE", "PHASE", "REAL", "IMAGINARY", "WATER", "FAT", "IN_PHASE", "OUT_PHASE",
     "OPP_PHASE", "W", "F", "IP", "OP", "ADC", "FA", "TRACEW")
)  # fmt: skip
_SAME_COSINES = 1e-4
# Times and voltages nearer to each other than this share are rounded differently, not different.
_SAME_NUMBER = 0.01


@dataclass(frozen=True)
class Trait:
    """Something that all images of one volume share.

    Attributes:
        name: of the attribute.
        value: of an image; None where it does not state the attribute, which contradicts nothing.
        said: of images with a value, after their number.
        same: whether two values are one but for rounding; None where only equal ones are.
        differ: how a sentence about the difference begins, before the name.
    """

    name: str
    value: Callable[[Slice], Any]
    said: Callable[[Any], str]
    same: Callable[[Any, Any], bool] | None = None
    differ: str = "its images differ"

    def classes(self, slices: Sequence[Slice]) -> list[Hashable]:
        """Return for each image the first value that is the same as its own; all alike unless two are stated."""
        values = [self.value(plane) for plane in slices]
        first: dict[Any, Any] = {None: None}
        found: list[Any] = []
        for value in values:
            if value in first:
                continue
            alike = (known for known in found if self.same is not None and self.same(value, known))
            first[value] = next(alike, value)
            if first[value] is value:
                found.append(value)
        return [first[value] for value in values] if len(found) > 1 else [None] * len(slices)


def mark(plane: Slice, keyword: str) -> Any:
    """Return the value of one of ``MARKS``; None where the image does not state it."""
    return plane.marks[MARKS.index(keyword)][1]


def backslashed(numbers: Sequence[float] | None) -> str:
    """Return numbers as DICOM lists them.

    >>> backslashed((0.5, 0.5))
    '0.5\\\\0.5'
    """
    return "\\".join(f"{n:g}" for n in numbers or ())


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _SAME_NUMBER * max(abs(one), abs(other))
    return bool(one == other)


def _parallel(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _SAME_COSINES


def _stated(keyword: str) -> Trait:
    return Trait(
        keyword,
        lambda plane: mark(plane, keyword),
        lambda value: f"state {keyword} {value:g}" if isinstance(value, float) else f"state {keyword} {value}",
        _near,
    )


def _quantity(plane: Slice) -> tuple[str, ...] | None:
    frame_type = str(mark(plane, "FrameType") or "").split("\\")
    found = tuple(value for value in (*plane.image_type[2:], *frame_type[2:]) if value in _QUANTITIES)
    return found or None


def _agent(plane: Slice) -> str:
    return str(mark(plane, "ContrastBolusAgent") or "none")


# What makes planes those of one grid
SHAPES = (
    Trait("Rows and Columns", lambda s: (s.columns, s.rows), lambda v: f"have {v[0]} x {v[1]} pixels"),
    Trait(
        "PixelSpacing",
        lambda s: tuple(round(n, 5) for n in s.spacing or ()),
        lambda v: f"have pixels of {backslashed(v)} mm",
    ),
    Trait(
        "ImageOrientationPatient",
        lambda s: s.orientation,
        lambda v: f"lie along {backslashed(v)}",
        _parallel,
        "its images are not parallel, they differ",
    ),
)
# What makes values and positions comparable
CONTENTS = (
    Trait("PhotometricInterpretation", lambda s: s.pixel.photometric, lambda v: f"are {v}"),
    Trait(
        "FrameOfReferenceUID",
        lambda s: s.frame_of_reference or None,
        lambda v: f"state FrameOfReferenceUID {v}",
    ),
    Trait(
        "RescaleSlope",
        lambda s: s.rescaled,
        lambda v: f"{'state' if v else 'do not state'} RescaleSlope and RescaleIntercept",
    ),
    Trait(
        "ImageType",
        lambda s: "LOCALIZER" in s.image_type,
        lambda v: f"are {'' if v else 'not '}localizers (ImageType)",
    ),
    Trait("ImageType", _quantity, lambda v: f"state ImageType {backslash_joined(v)}"),
    Trait("ContrastBolusAgent", _agent, lambda v: f"state ContrastBolusAgent {v}"),
    *map(
        _stated,
        ("EchoNumbers", "EchoTime", "EffectiveEchoTime", "DiffusionBValue", "InversionTime", "ConvolutionKernel",
         "KVP", "ContrastBolusAgentPhase", "Modality", "Units", "RescaleType"),
    ),
)  # fmt: skip


def backslash_joined(texts: Sequence[str]) -> str:
    """Return texts as DICOM lists them."""
    return "\\".join(texts)


def varying(slices: Sequence[Slice], traits: Sequence[Trait] = (*SHAPES, *CONTENTS)) -> list[Trait]:
    """Return the traits in which images contradict each other.

    A FrameOfReferenceUID of its own for each image is what careless anonymisers leave; it divides nothing.
    """
    result = []
    for trait in traits:
        values = set(trait.classes(slices))
        each_its_own = trait.name == "FrameOfReferenceUID" and len(values) == len(slices) > 2
        if len(values) > 1 and not each_its_own:
            result.append(trait)
    return result


def concatenation(dataset: Any) -> tuple[str, int, int] | None:
    """Return ConcatenationUID, number of the part, and how many there are (PS3.3 C.7.6.16.2.2.4); 0 if not stated."""
    number = whole_number(dataset, "InConcatenationNumber")
    if number is None:
        return None
    total = whole_number(dataset, "InConcatenationTotalNumber") or 0
    return str(dataset.get("ConcatenationUID", "")), number, total


def whole_number(dataset: Any, keyword: str) -> int | None:
    """Return an attribute's value; None where it is not a number: the geometry does not depend on it."""
    try:
        number = dataset.get(keyword)
        return None if number in (None, "") else int(number)
    except (TypeError, ValueError, OverflowError):
        return None


def value_of(plane: Any, dataset: Any, keyword: str) -> Any:
    """Return what an image states of one of ``MARKS``: a number, a text, or None.

    Args:
        plane: dataset of what holds for the frame, looked up first.
        dataset: of the file.
        keyword: of the attribute.
    """
    try:
        value = plane.get(keyword)
        if value in (None, ""):
            value = dataset.get(keyword)
    except (TypeError, ValueError):  # what is not a number tells nothing apart
        return None
    if value in (None, ""):
        return None
    if isinstance(value, str):
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return backslash_joined([str(v) for v in value])


def window_of(plane: Any, dataset: Any) -> tuple[float, float] | None:
    """Return (centre, width) of an image's first display window; None where it states none that can be used."""
    found = []
    for keyword in ("WindowCenter", "WindowWidth"):
        value = value_of(plane, dataset, keyword)
        try:
            found.append(float(str(value).split("\\", 1)[0]))
        except ValueError:
            return None
    centre, width = found
    return (centre, width) if math.isfinite(centre) and 1 <= width < math.inf else None


def is_tiled(dataset: Any) -> bool:
    """Return whether an image is a volume that a UIH scanner laid out as tiles."""
    maker, creator = str(dataset.get("Manufacturer") or ""), _private(dataset, _UIH_CREATOR)
    if not (maker.upper().startswith("UIH") or creator.startswith("Image Private Header")):
        return False
    try:
        return float(_private(dataset, _UIH_TILES)) > 1
    except ValueError:
        return bool(_private(dataset, _UIH_SEQUENCE))


def remarks(plane: Any, dataset: Any, rescaled: bool) -> tuple[str, ...]:
    """Return sentences about what an image states that readers apply or overlook differently."""
    found = []
    mapping = plane.get("RealWorldValueMappingSequence") or dataset.get("RealWorldValueMappingSequence") or []
    if mapping and not rescaled:
        slope, intercept = (mapping[0].get(f"RealWorldValue{word}") for word in ("Slope", "Intercept"))
        if slope is not None and (slope, intercept) != (1, 0):
            found.append(
                f"The images state a RealWorldValueMapping (slope {slope:g}, intercept {intercept or 0:g}) but no "
                "RescaleSlope: the mapping is not applied, the values are the stored ones."
            )
    if "epi_pepolar" in _private(dataset, _GE_SEQUENCE):
        found.append(
            "GE's EPI with reversed polarity (epi_pepolar): its rows may run against what the header states, so that "
            "the image is upside down along the phase-encoding direction; compare it with another series."
        )
    return tuple(found)


def _private(dataset: Any, tag: int) -> str:
    """A private attribute's value as text, "" where it is missing or empty; without its VR it is bytes."""
    element = dataset.get(tag)
    value = None if element is None else element.value
    return value.decode("ascii", "replace").strip(" \0") if isinstance(value, bytes) else str(value or "").strip()
