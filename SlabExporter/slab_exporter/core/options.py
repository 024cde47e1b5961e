"""Options of an export: frozen, validated once, the same from panel, console and shell."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from .errors import RequestError
from .pieces.blocks import Overlap, Sizes, SizesMm, require_sound
from .pieces.keeping import KeepOptions
from .text import Option

# PS3.5 6.2: LO, and each component group of PN
LONGEST_TEXT = 64


# PS3.5 6.2.1: ideographic and phonetic groups beside the alphabetic one, family name to suffix in each
_MOST_GROUPS, _MOST_COMPONENTS = 3, 5
_FORBIDDEN = re.compile(r"[\\\x00-\x1f\x7f]")


def is_person_name(text: str) -> bool:
    """Return whether a name has no more groups, and in none more components, than PN holds (PS3.5 6.2.1).

    >>> is_person_name("Doe^Jane"), is_person_name("a^b^c^d^e^f")
    (True, False)
    """
    groups = text.split("=")
    return len(groups) <= _MOST_GROUPS and all(group.count("^") < _MOST_COMPONENTS for group in groups)


@dataclass(frozen=True)
class SeriesOptions:
    """Departures from a regular volume that are accepted of a DICOM series.

    Attributes:
        allow_uneven: how far (mm) a slice may lie from its place on an evenly spaced grid; None for
            what rounding in the files amounts to (``stacking.ROUNDING_MM``).
        resample: make a regular volume by linear interpolation where the gantry was tilted, slices
            are missing or unevenly spaced.
        allow_damaged: take the other images of a series of which some are lost or damaged.

    Raises:
        RequestError: with the value.
    """

    allow_uneven: float | None = None
    resample: bool = False
    allow_damaged: bool = False

    def __post_init__(self) -> None:
        if self.allow_uneven is not None and not 0 < self.allow_uneven < math.inf:
            raise RequestError(
                "The tolerance of ", Option("allow_uneven"), f" must be positive mm; it is {self.allow_uneven:g}."
            )
        if self.allow_uneven is not None and self.resample:
            raise RequestError(
                "Choose either ",
                Option("allow_uneven"),
                " or ",
                Option.on("resample"),
                ": one keeps the voxels, the other moves them.",
            )


@dataclass(frozen=True)
class DicomOptions:
    """Attributes of DICOM slabs that do not follow from the voxels.

    Attributes:
        modality: "CT", "MR" or another defined term; None: the source's, else CT for CT-like values,
            else "OT" (``dicom.classes``).
        patient_name: PatientName; None: the source's, or the case's name as a placeholder.
        patient_id: PatientID, likewise.
        study_description: StudyDescription; None: the source's, or what was cut.
        quantize: allow values that 16 bits cannot hold exactly to be rounded.
        deidentify: apply the Basic Application Level Confidentiality Profile (PS3.15 E.1), and name the source in no
            file of whatever format (``ExportRequest.deidentify``).
        uid_salt: "" for UIDs that are the same for the same input; anything else gives others.
        segments: path of a .csv with names and colours of label values.

    Raises:
        RequestError: a text that DICOM cannot hold.
    """

    modality: str | None = None
    patient_name: str | None = None
    patient_id: str | None = None
    study_description: str | None = None
    quantize: bool = False
    deidentify: bool = False
    uid_salt: str = ""
    segments: str | None = None

    def __post_init__(self) -> None:
        if self.modality is not None and not re.fullmatch(r"(?! )[A-Z0-9_ ]{1,16}(?<! )", self.modality):
            raise RequestError(
                f"The modality cannot be '{self.modality}': it is up to 16 capital letters and digits, as in CT.",
                option="modality",
            )
        if self.patient_name is not None and not is_person_name(self.patient_name):
            raise RequestError(
                f"The patient's name cannot be '{self.patient_name}': it has up to {_MOST_COMPONENTS} parts with ^ "
                f"between them, as in Doe^Jane, and up to {_MOST_GROUPS} writings with = between them.",
                option="patient_name",
            )
        for name, option, text in (
            ("patient's name", "patient_name", self.patient_name),
            ("patient's ID", "patient_id", self.patient_id),
            ("study description", "study_description", self.study_description),
        ):
            if text is not None and (len(text) > LONGEST_TEXT or _FORBIDDEN.search(text)):
                raise RequestError(
                    f"The {name} must be at most {LONGEST_TEXT} characters without backslash or control characters.",
                    option=option,
                )


AxisName = Literal["axial", "coronal", "sagittal", "i", "j", "k"]
Remainder = Literal["keep", "pad", "shift", "drop", "balance"]
Format = Literal["nii.gz", "nii", "nrrd", "dicom"]
Compression = Literal["fast", "small"]
Blend = Literal["first", "mean", "gaussian", "vote", "max"]
NiftiTransform = Literal["sform", "qform"]

# What becomes of a last slab that is not full, in the words of the command line's help and of the panel.
REMAINDER_WORDS: dict[Remainder, str] = {
    "keep": "keep it short",
    "pad": "pad it to full thickness",
    "shift": "shift it back (more overlap)",
    "drop": "leave it out",
    "balance": "make all slabs equally thick",
}

AXES: tuple[AxisName, ...] = get_args(AxisName)
REMAINDERS: tuple[Remainder, ...] = get_args(Remainder)
FORMATS: tuple[Format, ...] = get_args(Format)
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
BLENDS: tuple[Blend, ...] = get_args(Blend)
NIFTI_TRANSFORMS: tuple[NiftiTransform, ...] = get_args(NiftiTransform)


@dataclass(frozen=True)
class SlabOptions:
    """The options that shape the slabs.

    Attributes:
        thickness: slices per slab; ignored where ``thickness_mm`` is given.
        thickness_mm: thickness in mm, rounded to whole slices of the volume at hand (at least one).
        axis: "axial", "coronal", "sagittal" (the index axis nearest to S, A, R) or "i", "j", "k".
        overlap: slices that a slab shares with the one before; of blocks voxels, along each axis that is cut or one
            number along each of i, j, k.
        remainder: how a last slab that is not full is treated: "keep" it short, "pad" it with
            the fill value, "shift" it back, "drop" it, or "balance" all to equal parts; of blocks along each axis.
        fill: value of padded voxels; None chooses air for CT-like volumes and 0 otherwise.
        block: voxels of a block along the volume's i, j, k (None: the whole axis); thickness and axis are then ignored.
        block_mm: the same in mm, rounded to whole voxels of the volume at hand.

    Raises:
        RequestError: with the value and what would be right.
    """

    thickness: int = 64
    thickness_mm: float | None = None
    axis: AxisName = "axial"
    overlap: Overlap = 0
    remainder: Remainder = "keep"
    fill: float | None = None
    block: Sizes | None = None
    block_mm: SizesMm | None = None

    def __post_init__(self) -> None:
        _require_choice("axis", self.axis, AXES)
        _require_choice("remainder", self.remainder, REMAINDERS)
        if self.fill is not None and math.isinf(self.fill):
            raise RequestError("The fill value must be a finite number or 'auto'.", option="fill")
        lowest = min(self.overlap) if isinstance(self.overlap, tuple) else self.overlap
        if lowest < 0:
            what = "voxels" if self.cuts_blocks else "slices"
            raise RequestError(f"The overlap must be 0 or more {what}; it is {lowest}.", option="overlap")
        if self.cuts_blocks:
            require_sound(self.block, self.block_mm, self.overlap)
        else:
            self._require_sound_slabs()

    @property
    def cuts_blocks(self) -> bool:
        """Whether all three axes are cut."""
        return self.block is not None or self.block_mm is not None

    @property
    def slab_overlap(self) -> int:
        """The overlap of slabs, which is one number.

        Raises:
            RequestError: there are three.
        """
        if isinstance(self.overlap, tuple):
            raise RequestError(
                "Slabs overlap along one axis; three numbers need ",
                Option("block"),
                ".",
                option="overlap",
            )
        return self.overlap

    def _require_sound_slabs(self) -> None:
        if self.thickness_mm is None and self.thickness < 1:
            raise RequestError(
                f"A slab needs at least one slice; the thickness is {self.thickness}.", option="thickness"
            )
        if self.thickness_mm is not None and not (0 < self.thickness_mm < math.inf):
            raise RequestError(
                f"The thickness in mm must be positive; it is {self.thickness_mm:g}.", option="thickness_mm"
            )
        overlap = self.slab_overlap
        if self.thickness_mm is None and overlap >= self.thickness:
            raise RequestError(overlap_sentence(overlap, self.thickness), option="overlap")


@dataclass(frozen=True)
class ExportRequest:
    """Everything that one export is asked to do, apart from which files it reads and where it writes.

    Attributes:
        slabs: the shape of the slabs.
        format: "nii.gz", "nii", "nrrd", or "dicom" (one folder of images per slab).
        compression: "fast" or "small" (for the compressed formats).
        frame: which volume of a 4D NIfTI or DICOM series, counted from 0; None for 3D files.
        nifti_transform: "sform" or "qform" where a NIfTI's two transforms differ; None: Slicer's choice.
        within: path of a markups file (.mrk.json) with one ROI; slabs stay inside it.
        verify: read every slab back with SimpleITK and compare it with the source.
        series: departures from a regular volume that are accepted of a DICOM series.
        dicom: attributes of DICOM slabs.
        keep: which pieces are written.
        allow_outside_data: headers (.nhdr, .mhd, .hdr) may name files of voxels outside their folders.
    """

    slabs: SlabOptions = field(default_factory=SlabOptions)
    format: Format = "nii.gz"
    compression: Compression = "fast"
    frame: int | None = None
    nifti_transform: NiftiTransform | None = None
    within: str | None = None
    verify: bool = True
    series: SeriesOptions = field(default_factory=SeriesOptions)
    dicom: DicomOptions = field(default_factory=DicomOptions)
    keep: KeepOptions = field(default_factory=KeepOptions)
    allow_outside_data: bool = False

    def __post_init__(self) -> None:
        _require_choice("format", self.format, FORMATS)
        _require_choice("compression", self.compression, COMPRESSIONS)
        if self.nifti_transform is not None:
            _require_choice("NIfTI transform", self.nifti_transform, NIFTI_TRANSFORMS)
        if self.format != "dicom" and self.dicom != DicomOptions(deidentify=self.deidentify):
            raise RequestError(
                "Modality, patient, study, segments, ",
                Option("quantize"),
                " and ",
                Option("new_uids"),
                " are for ",
                Option.to("format", "dicom"),
                f"; the format is {self.format}.",
                option="format",
            )
        if self.frame is not None and self.frame < 0:
            raise RequestError("Frames are counted from 0; ", Option("frame"), f" is {self.frame}.")

    @property
    def deidentify(self) -> bool:
        """Whether nothing in the output may say whose images these are, whatever its format."""
        return self.dicom.deidentify


def overlap_sentence(overlap: int, thickness: int) -> str:
    """Return the sentence that refuses an overlap of a whole slab or more."""
    return (
        f"The overlap ({overlap} slices) must be smaller than the thickness ({thickness} slices): "
        "otherwise the slabs do not advance."
    )


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(
            f"The {name} cannot be '{value}'; choose one of {', '.join(choices)}.",
            option=name.lower().replace(" ", "_"),
        )
