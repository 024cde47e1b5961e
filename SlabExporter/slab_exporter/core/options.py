"""What the user asks for: frozen options, validated once, the same from panel, console and shell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .dicom_options import DicomOptions, SeriesOptions
from .errors import RequestError

AXES = ("axial", "coronal", "sagittal", "i", "j", "k")
REMAINDERS = ("keep", "pad", "shift", "drop", "balance")
FORMATS = ("nii.gz", "nii", "nrrd", "dicom")
COMPRESSIONS = ("fast", "small")
BLENDS = ("first", "mean", "gaussian", "vote", "max")
NIFTI_TRANSFORMS = ("sform", "qform")


@dataclass(frozen=True)
class SlabOptions:
    """The options that shape the slabs.

    Attributes:
        thickness: slices in a slab; ignored where ``thickness_mm`` is given.
        thickness_mm: thickness in mm, rounded to whole slices of the volume at hand (at least one).
        axis: "axial", "coronal", "sagittal" (the index axis nearest to S, A, R) or "i", "j", "k".
        overlap: slices that a slab shares with the one before.
        remainder: what becomes of a last slab that is not full: "keep" it short, "pad" it with
            the fill value, "shift" it back, "drop" it, or "balance" all slabs to equal parts.
        fill: value of padded voxels; None chooses air for CT-like volumes and 0 otherwise.

    Raises:
        RequestError: with the value and what would be right.
    """

    thickness: int = 64
    thickness_mm: float | None = None
    axis: str = "axial"
    overlap: int = 0
    remainder: str = "keep"
    fill: float | None = None

    def __post_init__(self) -> None:
        _require_choice("axis", self.axis, AXES)
        _require_choice("remainder", self.remainder, REMAINDERS)
        if self.thickness_mm is None and self.thickness < 1:
            raise RequestError(f"A slab needs at least one slice; the thickness is {self.thickness}.")
        if self.thickness_mm is not None and not (0 < self.thickness_mm < math.inf):
            raise RequestError(f"The thickness in mm must be positive; it is {self.thickness_mm:g}.")
        if self.overlap < 0:
            raise RequestError(f"The overlap must be 0 or more slices; it is {self.overlap}.")
        if self.thickness_mm is None and self.overlap >= self.thickness:
            raise RequestError(overlap_sentence(self.overlap, self.thickness))
        if self.fill is not None and math.isinf(self.fill):
            raise RequestError("The fill value must be a finite number or 'auto'.")


@dataclass(frozen=True)
class ExportRequest:
    """Everything that one export is asked to do, apart from which files it reads and where it writes.

    Attributes:
        slabs: the shape of the slabs.
        format: "nii.gz", "nii", "nrrd", or "dicom" (a folder of images a slab).
        compression: "fast" or "small" (for the compressed formats).
        frame: which volume of a 4D NIfTI or DICOM series, counted from 0; None for 3D files.
        nifti_transform: "sform" or "qform" where a NIfTI's two transforms differ; None: Slicer's choice.
        within: path of a markups file (.mrk.json) with one ROI; slabs stay inside it.
        verify: read every slab back with SimpleITK and compare it with the source.
        series: what departure from a regular volume is accepted of a DICOM series.
        dicom: what DICOM slabs say besides their voxels.
    """

    slabs: SlabOptions = field(default_factory=SlabOptions)
    format: str = "nii.gz"
    compression: str = "fast"
    frame: int | None = None
    nifti_transform: str | None = None
    within: str | None = None
    verify: bool = True
    series: SeriesOptions = field(default_factory=SeriesOptions)
    dicom: DicomOptions = field(default_factory=DicomOptions)

    def __post_init__(self) -> None:
        _require_choice("format", self.format, FORMATS)
        _require_choice("compression", self.compression, COMPRESSIONS)
        if self.nifti_transform is not None:
            _require_choice("NIfTI transform", self.nifti_transform, NIFTI_TRANSFORMS)
        if self.format != "dicom" and self.dicom != DicomOptions():
            raise RequestError(
                "Modality, patient, study, segments, --quantize, --new-uids and --deidentify are for --format dicom; "
                f"the format is {self.format}."
            )
        if self.frame is not None and self.frame < 0:
            raise RequestError(f"Frames are counted from 0; --frame is {self.frame}.")


def overlap_sentence(overlap: int, thickness: int) -> str:
    """Why an overlap of a whole slab or more cannot be."""
    return (
        f"The overlap ({overlap} slices) must be smaller than the thickness ({thickness} slices): "
        "otherwise the slabs do not advance."
    )


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(f"The {name} cannot be '{value}'; choose one of {', '.join(choices)}.")
