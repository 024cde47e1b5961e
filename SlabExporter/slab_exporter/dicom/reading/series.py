"""Facts about a DICOM series before its pixels are read: frozen values that can be pickled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.naming import safe_name
from ...core.text import Sentence

# Part of a name that one attribute may fill; series descriptions of thousands of characters exist.
_LONGEST_PART = 40


@dataclass(frozen=True)
class HeaderMark:
    """A mark of a file's bytes before its pixels, by which it is known again when the pixels are read.

    A series may be sent again between the scan and the reading. Whatever the geometry and the values depend
    on stands in these bytes.

    Attributes:
        size: how many bytes.
        sha256: of them.
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, head: bytes) -> HeaderMark:
        """Return the mark of the first bytes of a file.

        >>> HeaderMark.of(b"header").is_of(b"header and pixels"), HeaderMark.of(b"header").is_of(b"HEADER and pixels")
        (True, False)
        """
        return cls(len(head), hashlib.sha256(head).hexdigest())

    def is_of(self, content: bytes) -> bool:
        """Return whether a file with this content begins so."""
        return HeaderMark.of(content[: self.size]) == self


@dataclass(frozen=True)
class Slice:
    """One image plane: a file, or one frame of a multi-frame file.

    Attributes:
        path: the file.
        frame: index in a multi-frame file, from 0; None for single-frame files.
        sop_uid: SOPInstanceUID of the file.
        number: InstanceNumber; for multi-frame files of the file. None where absent.
        frame_of_reference: FrameOfReferenceUID, "" where absent.
        position: ImagePositionPatient, LPS mm; None where absent.
        orientation: ImageOrientationPatient: direction of a row, direction of a column, LPS.
        spacing: PixelSpacing in mm: between rows, between columns.
        rows: lines in the image.
        columns: pixels in a line.
        pixel: how the pixels are stored.
        slope: RescaleSlope, 1 where absent.
        intercept: RescaleIntercept, 0 where absent.
        image_type: ImageType's values.
        marks: what may tell volumes of one series apart (times, echoes, b-values), by keyword.
        rescaled: whether RescaleSlope or RescaleIntercept is stated.
        concatenation: ConcatenationUID, number of the part from 1, how many parts (0: not stated); None for none.
        window: WindowCenter and WindowWidth; None where absent or not usable.
        tiled: whether the image is a whole volume, laid out as tiles by a UIH scanner.
        remarks: sentences about what the image states and what is not applied.
        counts: how many images or positions there should be, by keyword, as far as stated.
        header: of the file as the scan found it; None for a plane that was never on disk.
    """

    path: str
    frame: int | None
    sop_uid: str
    number: int | None
    frame_of_reference: str
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    rows: int
    columns: int
    pixel: PixelFormat
    slope: float
    intercept: float
    image_type: tuple[str, ...]
    marks: tuple[tuple[str, Any], ...]
    rescaled: bool = True
    concatenation: tuple[str, int, int] | None = None
    counts: tuple[tuple[str, int], ...] = ()
    window: tuple[float, float] | None = None
    tiled: bool = False
    remarks: tuple[str, ...] = ()
    header: HeaderMark | None = None

    def require_as_found(self, content: bytes) -> None:
        """Refuse a file that is not the one of which the scan has read the header.

        Args:
            content: of the file now.

        Raises:
            InputError: naming it.
        """
        if self.header is not None and not self.header.is_of(content):
            raise InputError(
                f"{self.path} was changed after its series had been found: it was sent or written again meanwhile. "
                "Run again when the series is whole."
            )

    @property
    def shown(self) -> str:
        """File name, and frame where there are several, for messages."""
        name = Path(self.path).name
        return name if self.frame is None else f"{name} (frame {self.frame + 1})"


@dataclass(frozen=True)
class PixelFormat:
    """How pixels are stored (PS3.3 C.7.6.3, Image Pixel Module).

    Attributes:
        transfer_syntax: UID of the file's transfer syntax.
        samples: numbers per pixel: 1 for grey values.
        photometric: PhotometricInterpretation.
        allocated: bits per pixel.
        stored: bits of them that hold the value.
        high_bit: the highest of those, from 0.
        signed: two's complement.
        lookup: a Modality LUT Sequence replaces slope and intercept.
    """

    transfer_syntax: str
    samples: int
    photometric: str
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    lookup: bool = False


@dataclass(frozen=True)
class SeriesInfo:
    """Attributes that all images of a series have in common, as the files state it (may be empty).

    Attributes:
        series_uid: SeriesInstanceUID.
        study_uid: StudyInstanceUID.
        sop_class: SOPClassUID.
        patient_id: PatientID.
        study_date: StudyDate.
        number: SeriesNumber.
        description: SeriesDescription.
        modality: Modality.
    """

    series_uid: str
    study_uid: str
    sop_class: str
    patient_id: str
    study_date: str
    number: str
    description: str
    modality: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the series: some archives give the same SeriesInstanceUID in several studies."""
        return self.patient_id, self.study_uid, self.series_uid


class Kind(Enum):
    """Kind of series, as far as its headers tell."""

    REGULAR = "regular volume"
    UNEVEN = "unevenly spaced"
    MISSING = "slices missing"
    TILTED = "tilted gantry"
    SEVERAL = "several volumes"
    UNUSABLE = "unusable"
    NO_VOLUME = "not a volume"


@dataclass(frozen=True)
class Verdict:
    """The judgement of a series.

    Attributes:
        kind: what it is.
        reason: half a sentence with the numbers, empty for a regular volume.
        remedy: a sentence, what to do about it.
        deviation: how far (mm) a slice lies from an evenly spaced grid.
        rest: where images are lost or damaged, what the others are by themselves.
    """

    kind: Kind
    reason: str = ""
    remedy: str = ""
    deviation: float = 0.0
    rest: Verdict | None = None


@dataclass(frozen=True)
class Series:
    """A DICOM series.

    Attributes:
        info: what all its images state.
        folder: the deepest folder that holds all its files.
        slices: its planes, in no order that matters.
        verdict: whether it is a volume.
        warnings: what was unusual about its files; also names what else lay in the folder and was left out.
        damage: what was accepted of lost or damaged images, half a sentence; "" if nothing.
    """

    info: SeriesInfo
    folder: str
    slices: tuple[Slice, ...]
    verdict: Verdict
    warnings: tuple[str, ...] = ()
    damage: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of its files, sorted, each once."""
        return tuple(sorted({s.path for s in self.slices}))

    @property
    def name(self) -> str:
        """By which a person recognises it: patient, date, number and description, as far as stated; file-safe."""
        info = self.info
        parts = (info.patient_id, info.study_date, info.number, info.description or info.modality)
        known = [safe_name(part[:_LONGEST_PART]) for part in parts if part.strip(" .")]
        return safe_name("_".join(known)) if known else safe_name(Path(self.folder).name)

    def named_path(self) -> Path:
        """A path that does not exist, from which a case's name can be made as from a volume file's."""
        return Path(self.folder) / f"{self.name}.dcm"

    @property
    def group(self) -> str:
        """What must stay together in a split: the patient, or else the study; "" if not stated."""
        return self.info.patient_id or self.info.study_uid

    @property
    def shown(self) -> str:
        """For messages: description, number and folder."""
        number = f"{self.info.number} " if self.info.number else ""
        description = self.info.description or self.info.modality or "without description"
        return f"Series {number}'{description[: 2 * _LONGEST_PART]}' in {self.folder}"

    def sentence(self) -> Sentence:
        """Return the verdict as one sentence with what to do about it."""
        remedy = self.verdict.remedy
        return Sentence(f"{self.shown}: {self.verdict.reason}.", " " if remedy else "", remedy)
