"""The one door through which ``compare``, ``where``, ``flirt`` and ``stitch`` open a volume of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.dicom_options import SeriesOptions
from ..core.errors import RequestError
from ..core.volume import SourceVolume
from ..dicom.reading.load import load_series
from ..dicom.reading.scan import is_dicom_file, only_series
from ..dicom.reading.series import Kind
from ..export.case_reading import read_volume
from ..files.nifti import read_header
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import is_nifti, require_volume_file


@dataclass(frozen=True)
class FileChoice:
    """A volume on disk, and what of it is meant.

    Attributes:
        path: a volume file, the folder of one DICOM series, or a DICOM file that holds a volume.
        frame: which volume of a 4D file or series, counted from 0; None: it holds one only.
        transform: "sform" or "qform" of a NIfTI file to insist on one; None: Slicer's choice.
    """

    path: Path
    frame: int | None = None
    transform: str | None = None


def open_for_geometry(runtime: SlicerRuntime, choice: FileChoice) -> SourceVolume:
    """The same as ``open_any``; the first volume of a 4D file where none was chosen.

    Raises:
        SlabExporterError: it cannot be used.
    """
    return open_any(runtime, choice.path, first_frame(choice.path, choice.frame), choice.transform)


def open_any(
    runtime: SlicerRuntime, path: Path, frame: int | None = None, transform: str | None = None
) -> SourceVolume:
    """A volume in memory, in its own index order, with its geometry in RAS.

    Args:
        runtime: Slicer's classes.
        path: a volume file, the folder of one DICOM series, or a DICOM file that holds a volume.
        frame: which volume of a 4D file or series, counted from 0.
        transform: "sform" or "qform" of a NIfTI file to insist on one; None: Slicer's choice.

    Raises:
        InputError: it cannot be used.
        RequestError: a transform was chosen of what is no NIfTI file.
    """
    if transform is not None and (path.is_dir() or not is_nifti(path)):
        raise RequestError(
            f"{path} is not a NIfTI file (.nii, .nii.gz), which alone has an sform and a qform to choose."
        )
    if _is_dicom(path):
        return load_series(only_series(path), SeriesOptions(), frame)
    return read_volume(runtime, path, frame, transform)


def first_frame(path: Path, frame: int | None) -> int | None:
    """``frame``, or the first one where a 4D NIfTI or series is meant and its geometry is all that matters.

    Raises:
        InputError: the file is missing or its header is damaged.
    """
    if frame is not None:
        return frame
    if _is_dicom(path):
        return 0 if only_series(path).verdict.kind is Kind.SEVERAL else None
    require_volume_file(path)
    return 0 if is_nifti(path) and read_header(path).frames > 1 else None


def _is_dicom(path: Path) -> bool:
    return path.is_dir() or is_dicom_file(path)
