"""Which volume on disk is meant: one of a file, one of a DICOM series, or whatever lies at a path."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..core.errors import RequestError, reading
from ..core.naming import volume_extension
from ..core.options import SeriesOptions
from ..dicom.reading.scan import is_dicom_file, only_series
from ..dicom.reading.series import Kind, Series
from ..files.itk.headers import judge_before_loading
from ..files.mgh import EXTENSIONS as MGH_EXTENSIONS
from ..files.nifti import read_header
from ..files.statements.table import has_forms, read_statement
from ..mrml.volume_files import is_nifti, require_volume_file

FileKind = Literal["NIfTI", "MGH", "ITK"]


@dataclass(frozen=True)
class FileVolume:
    """One volume of a file that is not DICOM.

    Attributes:
        path: .nii, .nii.gz, .mgh, .mgz, or any other extension of a volume that ITK reads.
        frame: which volume of a 4D file, counted from 0; None: it holds one only.
        transform: "sform" or "qform" of a NIfTI file to insist on one; None: Slicer's choice. Other files
            have neither; they are read as they are, with a warning.
        allow_outside: a header may name files of voxels outside its folder.
        frames: which volumes of a 4D file are read together, as ``core.several.frames`` has it; None: one.
    """

    path: Path
    frame: int | None = None
    transform: str | None = None
    allow_outside: bool = False
    frames: str | None = None

    @property
    def kind(self) -> FileKind:
        """Reader of the file: our own for NIfTI and MGH, ITK for every other."""
        if is_nifti(self.path):
            return "NIfTI"
        return "MGH" if volume_extension(self.path) in MGH_EXTENSIONS else "ITK"


@dataclass(frozen=True)
class SeriesVolume:
    """One volume of a DICOM series.

    Attributes:
        series: as ``dicom.reading.scan`` found it.
        frame: which volume of a series that holds several, counted from 0; None: it holds one only.
        accepted: which departures from a regular volume are accepted.
        frames: which volumes are read together; None: one.
    """

    series: Series
    frame: int | None = None
    accepted: SeriesOptions = field(default_factory=SeriesOptions)
    frames: str | None = None

    @property
    def holds_several(self) -> bool:
        """Whether the series holds several volumes."""
        return self.series.verdict.kind is Kind.SEVERAL


@dataclass(frozen=True)
class FileChoice:
    """A volume as a user names it: a path of any kind, and what of it is meant.

    Attributes:
        path: a volume file, the folder of one DICOM series, or a DICOM file that holds a volume.
        frame: which volume of a 4D file or series, counted from 0; None: it holds one only.
        transform: "sform" or "qform" of a NIfTI file to insist on one; None: Slicer's choice.
        accepted: which departures of a series from a regular volume are accepted.
        allow_outside: a header may name files of voxels outside its folder.
    """

    path: Path
    frame: int | None = None
    transform: str | None = None
    accepted: SeriesOptions = field(default_factory=SeriesOptions)
    allow_outside: bool = False


OneVolume = FileVolume | SeriesVolume


def located(choice: FileChoice) -> OneVolume:
    """Return what lies at a path.

    Raises:
        InputError: a folder or DICOM file does not hold one series.
        RequestError: a transform was chosen for what is not a NIfTI file.
    """
    path, transform = choice.path, choice.transform
    if transform is not None and (path.is_dir() or not has_forms(path)):
        raise RequestError(
            f"{path} is not a NIfTI file (.nii, .nii.gz), which alone has an sform and a qform to choose."
        )
    if path.is_dir() or is_dicom_file(path):
        return SeriesVolume(only_series(path), choice.frame, choice.accepted)
    return FileVolume(path, choice.frame, transform, choice.allow_outside)


def label_file(path: Path, transform: str | None, allow_outside: bool = False) -> FileVolume:
    """Return a label map to be read by the transform that was chosen for its image, if its header has that one.

    Args:
        path: of the file.
        transform: "sform" or "qform"; None for Slicer's choice.
        allow_outside: its header may name files of voxels outside its folder.

    Raises:
        InputError: the file is missing, or its header is damaged.
    """
    require_volume_file(path)
    if transform is None or not is_nifti(path):
        return FileVolume(path, allow_outside=allow_outside)
    with reading(path):
        has_it = getattr(read_header(path), transform) is not None
    return FileVolume(path, transform=transform if has_it else None)


def frames_of(path: Path) -> int:
    """Return how many volumes a file that is not DICOM holds, by its header.

    Raises:
        InputError: the file is missing, or its header is damaged.
    """
    require_volume_file(path)
    with reading(path):
        if is_nifti(path):
            return read_header(path).frames
        if FileVolume(path).kind != "ITK":
            return 1
        read_statement(path)  # refuses what ITK stumbles over
        return judge_before_loading(path, whole=False, allow_outside=True)


def holds_several(volume: OneVolume) -> bool:
    """Return whether a file or series holds several volumes, by its header.

    Raises:
        InputError: the file is missing, or its header is damaged.
    """
    if isinstance(volume, SeriesVolume):
        return volume.holds_several
    return frames_of(volume.path) > 1
