"""The one door through which ``compare``, ``where``, ``flirt`` and ``stitch`` open a volume of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError, RequestError
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.options import SeriesOptions
from ..core.volume import SourceVolume
from ..dicom.reading.load import load_series, peek
from ..dicom.reading.scan import is_dicom_file, only_series
from ..dicom.reading.series import Kind
from ..files.itk_headers import judge_before_loading
from ..files.mgh import EXTENSIONS as MGH_EXTENSIONS
from ..files.nifti import read_header
from ..files.nifti_transforms import header_geometry, refuse_unusable, transform_warnings
from ..files.nifti_voxels import choose_frame
from ..files.readback import image_geometry
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import geometry_warnings, is_nifti, place, prefetch, require_volume_file


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
    _refuse_transform_of_others(path, transform)
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


def peek_geometry(runtime: SlicerRuntime, choice: FileChoice, series: SeriesOptions) -> VolumeGeometry:
    """Geometry of a volume that ``export`` would cut, from headers: no voxel is read.

    Args:
        runtime: Slicer's classes.
        choice: a volume file, the folder of one DICOM series, or a DICOM file that holds a volume.
        series: what is accepted of a DICOM series.

    Raises:
        InputError: it cannot be used.
        RequestError: a transform was chosen of what is not a NIfTI file.
    """
    _refuse_transform_of_others(choice.path, choice.transform)
    if _is_dicom(choice.path):
        return peek(only_series(choice.path), series, choice.frame)[0]
    return _peek(runtime, choice.path, choice.frame, choice.transform)[0]


def _refuse_transform_of_others(path: Path, transform: str | None) -> None:
    if transform is not None and (path.is_dir() or not is_nifti(path)):
        raise RequestError(
            f"{path} is not a NIfTI file (.nii, .nii.gz), which alone has an sform and a qform to choose."
        )


def _peek(
    runtime: SlicerRuntime, path: Path, frame: int | None, transform: str | None
) -> tuple[VolumeGeometry, int, tuple[str, ...]]:
    """Geometry, bytes a voxel and warnings of a volume file, from its header."""
    require_volume_file(path)
    if is_nifti(path):
        header = read_header(path)
        choose_frame(header, frame)
        refuse_unusable(header, transform)
        geometry = header_geometry(header, transform)
        warnings = (*transform_warnings(header, transform), *geometry_warnings(geometry))
        return geometry, header.dtype.itemsize, warnings
    if volume_extension(path) in MGH_EXTENSIONS:
        volume = place(runtime, path, prefetch(path, frame, transform), transform)
        return volume.geometry, volume.voxels_kji.dtype.itemsize, volume.warnings
    judge_before_loading(path)
    geometry, itemsize = _peek_generic(path)
    return geometry, itemsize, geometry_warnings(geometry)


def _peek_generic(path: Path) -> tuple[VolumeGeometry, int]:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        return image_geometry(reader), sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path}: its header cannot be judged beforehand; inspect it.") from error


def read_volume(
    runtime: SlicerRuntime, path: Path, frame: int | None = None, transform: str | None = None
) -> SourceVolume:
    """One volume file in memory, in the file's index order.

    Raises:
        InputError: it cannot be used.
    """
    return place(runtime, path, prefetch(path, frame, transform), transform)


def read_label(runtime: SlicerRuntime, path: Path, transform: str | None) -> SourceVolume:
    """A label map, by the transform that was chosen for its image if its header has that one.

    Raises:
        InputError: it cannot be used.
    """
    require_volume_file(path)
    has_it = is_nifti(path) and transform is not None and getattr(read_header(path), transform) is not None
    return read_volume(runtime, path, transform=transform if has_it else None)
