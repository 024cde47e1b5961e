"""The one door through which ``compare``, ``where``, ``flirt`` and ``stitch`` open a volume of any kind."""

from __future__ import annotations

from pathlib import Path

from .case_reading import read_volume
from .dicom.load import load_series
from .dicom.scan import find_series, volumes_of
from .files.nifti import read_header
from .mrml.runtime import SlicerRuntime
from .mrml.volume_files import NIFTI_EXTENSIONS, require_volume_file
from .pure.dicom_options import SeriesOptions
from .pure.errors import InputError
from .pure.naming import volume_extension
from .pure.source import SourceVolume


def open_any(runtime: SlicerRuntime, path: Path, frame: int | None = None) -> SourceVolume:
    """A volume in memory, in its own index order, with its geometry in RAS.

    Args:
        runtime: Slicer's classes.
        path: a volume file, or a folder with one DICOM series (a slab of DICOM images, say).
        frame: which volume of a 4D file or series, counted from 0.

    Raises:
        InputError: it cannot be used.
    """
    if path.is_dir():
        series = volumes_of(path, find_series(path))
        if len(series) != 1:
            raise InputError(f"{path} is a folder, which should hold one DICOM series; it holds {len(series)}.")
        return load_series(series[0], SeriesOptions(), frame)
    return read_volume(runtime, path, frame)


def first_frame(path: Path, frame: int | None) -> int | None:
    """``frame``, or the first one where a 4D NIfTI is meant and its geometry is all that matters.

    Raises:
        InputError: the file is missing or its header is damaged.
    """
    if frame is not None or path.is_dir():
        return frame
    require_volume_file(path)
    if volume_extension(path) in NIFTI_EXTENSIONS and read_header(path).frames > 1:
        return 0
    return None
