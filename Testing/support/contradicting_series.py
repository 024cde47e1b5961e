"""DICOM series whose images contradict each other, or only look as if they did, made at random with pydicom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from support.dicom_phantoms import MR, uid, write_image
from support.phantoms import rotation

ROWS, COLUMNS = 5, 7
# Directions of a row and of a column: axial, coronal, sagittal, and an axial image from the feet
_PLANES = ([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1], [-1, 0, 0, 0, 1, 0])
_CT = {"KVP": 120, "ConvolutionKernel": "B30f", "ContrastBolusAgent": "IOMERON", "RescaleType": "HU"}
_MR = {"SOPClassUID": MR, "Modality": "MR", "EchoTime": 4.6, "EchoNumbers": 1, "RepetitionTime": 500}


@dataclass
class Image:
    """One image to be written.

    Attributes:
        stored: values before any rescale, (rows, columns).
        position: of its first pixel, LPS mm.
        attributes: by keyword; None for one that it does not state.
    """

    stored: np.ndarray
    position: np.ndarray
    attributes: dict[str, Any] = field(default_factory=dict)


# Changes images, and says what it did.
Change = Callable[[list[Image], np.random.Generator], str]

# Of each attribute values that contradict each other
_VALUES: dict[str, tuple[Any, ...]] = {
    "RescaleSlope": (1, 2, 0.5, None),
    "RescaleIntercept": (0, -1024, 12.5, None),
    "PixelSpacing": ([0.9, 0.7], [0.8, 0.7], [0.7, 0.9], [0.9, 0.7001]),
    "FrameOfReferenceUID": (uid("one"), uid("other"), None),
    "AcquisitionNumber": (1, 2, 3, None),
    "AcquisitionTime": ("101500", "101730.5", "120000", None),
    "ContrastBolusAgent": ("IOMERON", None, "ULTRAVIST"),
    "ContrastBolusAgentPhase": ("ARTERIAL", "VENOUS", None),
    "PhotometricInterpretation": ("MONOCHROME2", "MONOCHROME1"),
    "TemporalPositionIdentifier": (1, 2, 3, None),
    "ImageType": (
        ["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL"], ["ORIGINAL", "PRIMARY", "M"],
        ["ORIGINAL", "PRIMARY", "P"], ["ORIGINAL", "PRIMARY", "LOCALIZER"], None,
    ),
    "RescaleType": ("HU", "US", None),
    "Modality": ("CT", "MR"),
}  # fmt: skip
_OF_CT = {"ConvolutionKernel": ("B30f", "B70f", None), "KVP": (120, 80, 140, None)}
_OF_MR = {
    "EchoTime": (4.6, 9.2, 4.61, None), "EchoNumbers": (1, 2, None), "InversionTime": (100, 900, None),
    "DiffusionBValue": (0.0, 1000.0, None),
}  # fmt: skip


def attribute(images: list[Image], generator: np.random.Generator) -> str:
    """Some of the images state another value of one attribute."""
    values = _VALUES | (_OF_MR if "EchoTime" in images[0].attributes else _OF_CT)
    keyword = str(generator.choice(list(values)))
    one, other = generator.permutation(len(values[keyword]))[:2]
    pattern = str(generator.choice(list(_PATTERNS)))
    which = _PATTERNS[pattern](len(images), generator)
    for n, image in enumerate(images):
        image.attributes[keyword] = values[keyword][other if n in which else one]
    return f"{keyword} {values[keyword][one]} and {values[keyword][other]} ({pattern}: {sorted(which)})"


_PATTERNS: dict[str, Callable[[int, np.random.Generator], set[int]]] = {
    "the first": lambda count, _: {0},
    "the last": lambda count, _: {count - 1},
    "one": lambda count, generator: {int(generator.integers(count))},
    "half": lambda count, _: set(range(count // 2)),
    "every other": lambda count, _: set(range(0, count, 2)),
    "some": lambda count, generator: set(np.flatnonzero(generator.random(count) < 0.5).tolist()),
}


def _each_its_own(images: list[Image], generator: np.random.Generator) -> str:
    keyword = str(generator.choice(["FrameOfReferenceUID", "AcquisitionNumber", "AcquisitionTime", "ContentTime"]))
    for n, image in enumerate(images):
        image.attributes[keyword] = uid("own", n) if keyword.endswith("UID") else _numbered(keyword, n)
    return f"each its own {keyword}"


def _orientation(images: list[Image], generator: np.random.Generator) -> str:
    angle = float(generator.choice([1e-4, 1e-3, 0.05, 2, 90, 180]))
    lean = rotation(angle, tuple(generator.normal(size=3)))
    which = _PATTERNS[str(generator.choice(list(_PATTERNS)))](len(images), generator)
    for n in which:
        cosines = np.reshape(images[n].attributes["ImageOrientationPatient"], (2, 3)).astype(float) @ lean.T
        images[n].attributes["ImageOrientationPatient"] = [f"{c:.10f}" for c in cosines.ravel()]
    return f"ImageOrientationPatient of {sorted(which)} rotated by {angle:g} degrees"


def _moved(images: list[Image], generator: np.random.Generator) -> str:
    n, far = int(generator.integers(len(images))), float(generator.choice([1e-4, 5e-3, 0.1, 1, 100]))
    images[n].position = images[n].position + far * generator.normal(size=3)
    return f"image {n} moved by about {far:g} mm"


def _same_place(images: list[Image], generator: np.random.Generator) -> str:
    one, other = generator.permutation(len(images))[:2]
    images[one].position = images[other].position
    return f"images {one} and {other} at one position"


def _order(images: list[Image], generator: np.random.Generator) -> str:
    for image, n in zip(images, generator.permutation(len(images)), strict=True):
        image.attributes["InstanceNumber"] = int(n) + 1
    return "InstanceNumber in another order"


def _numbers(images: list[Image], generator: np.random.Generator) -> str:
    n, value = int(generator.integers(len(images))), [None, 0, 1, 99, -5, 2**31 - 1][int(generator.integers(6))]
    images[n].attributes["InstanceNumber"] = value
    return f"InstanceNumber of {n} is {value}"


def _lost(images: list[Image], generator: np.random.Generator) -> str:
    lost = generator.permutation(len(images))[: int(generator.integers(1, 3))]
    for n in sorted(lost, reverse=True):
        del images[n]
    return f"without images {sorted(map(int, lost))}"


def _counted(images: list[Image], generator: np.random.Generator) -> str:
    keyword = str(generator.choice(["ImagesInAcquisition", "NumberOfTemporalPositions"]))
    value = int(generator.choice([0, 1, len(images) - 1, len(images), len(images) + 1]))
    for image in images:
        image.attributes[keyword] = value
    return f"{keyword} is {value}"


def _stated_sizes(images: list[Image], generator: np.random.Generator) -> str:
    for image in images[:: int(generator.integers(1, 3))]:
        image.attributes["SliceThickness"] = float(generator.choice([0, 1, 99]))
        image.attributes["SpacingBetweenSlices"] = float(generator.choice([-2.5, 1, 7]))
    return "SliceThickness and SpacingBetweenSlices are wrong"


def _bits(images: list[Image], generator: np.random.Generator) -> str:
    n, kind = int(generator.integers(len(images))), int(generator.integers(4))
    image = images[n]
    if kind == 0:  # high bits of an overlay, that no reader counts
        image.attributes |= {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    elif kind == 1:
        image.attributes |= {"BitsStored": 13, "HighBit": 12}
    elif kind == 2:
        image.attributes["PixelRepresentation"] = 0
    else:
        image.stored = (image.stored & 0x7F).astype(np.uint8)
    return f"image {n} " + ("of 12 bits", "of 13 bits", "without sign", "of 8 bits")[kind]


def _size(images: list[Image], generator: np.random.Generator) -> str:
    n = int(generator.integers(len(images)))
    images[n].stored = np.ascontiguousarray(images[n].stored.T if generator.random() < 0.5 else images[n].stored[:-1])
    return f"image {n} has {images[n].stored.shape[1]} x {images[n].stored.shape[0]} pixels"


def _missing(images: list[Image], generator: np.random.Generator) -> str:
    names = ["ImageOrientationPatient", "PixelSpacing", "ImagePositionPatient", "RescaleSlope", "InstanceNumber"]
    keyword, n = str(generator.choice(names)), int(generator.integers(len(images)))
    images[n].attributes[keyword] = [None, "", "1"][int(generator.integers(3))]
    return f"image {n} without {keyword}"


CHANGES: tuple[Change, ...] = (
    *[attribute] * 12, _each_its_own, _orientation, _orientation, _moved, _moved, _same_place, _order, _numbers,
    _lost, _counted, _stated_sizes, _bits, _bits, _size, _missing,
)  # fmt: skip


def random_images(generator: np.random.Generator) -> tuple[str, list[Image]]:
    """A series of 4 to 12 images without a fault: one volume, or two of half as many slices."""
    modality = str(generator.choice(["CT", "MR"]))
    two = [None, None, None, "TemporalPositionIdentifier", "AcquisitionNumber", "ContentTime"][generator.integers(6)]
    count, volumes = (int(generator.integers(4, 13)), 1) if two is None else (int(generator.integers(3, 7)), 2)
    cosines = np.reshape(_PLANES[int(generator.integers(len(_PLANES)))], (2, 3))
    if generator.random() < 0.4:
        cosines = cosines @ rotation(float(generator.uniform(1, 40)), tuple(generator.normal(size=3))).T
    cosines = np.round(cosines, 10)
    step, first = float(generator.choice([0.6, 2.5, 5])), generator.normal(0, 150, 3).round(3)
    across = np.cross(*cosines) * (step if generator.random() < 0.7 else -step)
    images = []
    for n in range(count * volumes):
        stored = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * 17 + n * 600 - 900).astype(np.int16)
        own: dict[str, Any] = {"InstanceNumber": n + 1, **(_CT if modality == "CT" else _MR)}
        own["ImageOrientationPatient"] = [f"{c:.10f}" for c in cosines.ravel()]
        own |= {two: _numbered(two, 1 + n // count)} if two else {}
        images.append(Image(stored, first + across * (n % count), own))
    return f"{modality}, {volumes} of {count}", images


def _numbered(keyword: str, n: int) -> int | str:
    return f"1015{n:02}" if keyword.endswith("Time") else n


def write_images(folder: Path, images: list[Image], generator: np.random.Generator) -> Path:
    """Write the images of a series under names in any order."""
    names = generator.permutation(1000)[: len(images)]
    for image, name in zip(images, names, strict=True):
        path = folder / f"{name:04}.dcm"
        own = {"SeriesInstanceUID": uid("series", folder), "PatientID": folder.name, "SOPInstanceUID": uid(path)}
        write_image(path, image.stored, np.round(image.position, 6), **(own | image.attributes))
    return folder
