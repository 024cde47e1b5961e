"""The one door to volumes on disk, of any kind: ``open_volume`` (voxels and geometry) and ``peek_volume`` (headers).

Only the voxels of formats that ITK reads need Slicer. ``read_ahead`` does all else, and may run while
Slicer's libraries are being imported; ``open_volume`` goes on from there, or does both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import InputError, reading
from ..core.several.choice import chosen_frames
from ..core.text import Option, Sentence
from ..core.volume import SourceVolume, VolumePeek
from ..dicom.reading.load import load_series, peek_series
from ..files.detached import FilesAsFound, outside_files, outside_said
from ..files.itk.headers import judge_before_loading, stored_type
from ..files.mgh import peek_mgh, read_mgh
from ..files.nifti import NiftiHeader, read_header
from ..files.nifti_transforms import form_used, header_geometry, refuse_unusable, transform_warnings
from ..files.nifti_voxels import choose_frame, read_nifti
from ..files.readback import image_geometry
from ..files.stacks.itk_frames import read_itk_header
from ..files.statements.table import has_forms, read_statement
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import geometry_warnings, load_volume_file, require_volume_file
from .choice import FileChoice, FileVolume, OneVolume, SeriesVolume, holds_several, located
from .frame_reading import numbers_in, only_frame, read_itk_stack, read_nifti_stack, read_series_stack


@dataclass(frozen=True)
class LeftToSlicer:
    """A file whose header was judged, and whose voxels only Slicer reads.

    Attributes:
        file: which, and how it is to be read.
        found: it and the files of its voxels, as they were before that.
    """

    file: FileVolume
    found: FilesAsFound


# How far a volume has been read without Slicer: all of it (NIfTI, MGH, DICOM), or the header.
VolumeAhead = SourceVolume | LeftToSlicer


def peek_volume(volume: OneVolume | FileChoice) -> VolumePeek:
    """Return what the headers tell of a volume that ``open_volume`` would read: no voxel, and no Slicer.

    Raises:
        InputError: it cannot be used.
        RequestError: a transform was chosen for what is not a NIfTI file.
    """
    if isinstance(volume, FileChoice):
        volume = located(volume)
    if isinstance(volume, SeriesVolume):
        return _peek_series(volume)
    require_volume_file(volume.path)
    with reading(volume.path):
        if volume.kind == "NIfTI":
            peek = _peek_nifti(volume)
        elif volume.kind == "MGH":
            _require_only_frame(volume)
            peek = peek_mgh(volume.path)
        else:
            peek = _peek_with_itk(volume)
    said = _said(volume, _outside(volume))
    return replace(peek, warnings=(*peek.warnings, *geometry_warnings(peek.geometry), *said))


def read_ahead(volume: OneVolume) -> VolumeAhead:
    """Read a volume as far as that needs no Slicer.

    Raises:
        InputError: it is missing, damaged or cannot be cut.
    """
    if isinstance(volume, SeriesVolume):
        if volume.frames is not None:
            return read_series_stack(volume)
        return load_series(volume.series, volume.accepted, volume.frame)
    require_volume_file(volume.path)
    with reading(volume.path):
        if volume.kind == "NIfTI":
            header = read_header(volume.path)
            refuse_unusable(header, volume.transform)
            frame = only_frame(volume.frames, volume.frame, header.frames, str(volume.path))
            if volume.frames is not None and frame is None:
                return _noted(read_nifti_stack(header, volume), volume)
            return _noted(_read_nifti(header, frame, volume.transform), volume)
        if volume.kind == "MGH":
            _require_only_frame(volume)
            return _noted(read_mgh(volume.path), volume)
        found = FilesAsFound.of(volume.path, volume.allow_outside)
        several = read_itk_stack(volume)  # refuses what ITK stumbles over
        if several is not None:
            found.require_unchanged()
            return _noted(several, volume)
        _require_only_frame(volume)
        return LeftToSlicer(volume, found)


def open_volume(
    runtime: SlicerRuntime, volume: OneVolume | FileChoice, ahead: VolumeAhead | None = None
) -> SourceVolume:
    """Return a volume in memory, in its own index order, with its geometry in RAS.

    Args:
        runtime: Slicer's classes.
        volume: what to read.
        ahead: what ``read_ahead`` returned for it; None: it was not called.

    Raises:
        InputError: it cannot be used.
        RequestError: a transform was chosen for what is not a NIfTI file.
    """
    if isinstance(volume, FileChoice):
        volume = located(volume)
    if ahead is None:
        ahead = read_ahead(volume)
    if isinstance(ahead, SourceVolume):
        return ahead
    return _noted(load_volume_file(runtime, ahead.file.path, ahead.found, ahead.file.transform), ahead.file)


def open_for_geometry(runtime: SlicerRuntime, choice: FileChoice) -> SourceVolume:
    """Return the same as ``open_volume``; the first volume of a 4D file or series where none was chosen.

    Raises:
        SlabExporterError: it cannot be used.
    """
    volume = located(choice)
    if volume.frame is None and holds_several(volume):
        volume = replace(volume, frame=0)
    return open_volume(runtime, volume)


def _require_only_frame(volume: FileVolume) -> None:
    if volume.frames is not None:
        chosen_frames(volume.frames, 1, str(volume.path))
    if volume.frame not in (None, 0):
        raise InputError(
            f"{volume.path} holds one volume; ",
            Option.to("frame", volume.frame),
            " does not exist (use 0 or leave it out).",
        )


def _read_nifti(header: NiftiHeader, frame: int | None, transform: str | None) -> SourceVolume:
    """One volume of a NIfTI file, where its header states that it lies."""
    stored = read_nifti(header, frame)
    return SourceVolume(
        name=str(stored.path),
        path=str(stored.path),
        sha256=stored.sha256,
        geometry=header_geometry(header, transform),
        voxels_kji=stored.voxels_kji,
        header=header.fields,
        nifti_transform=form_used(header, transform),
        frame=stored.frame,
        frame_only=stored.frame_only,
        warnings=stored.warnings + tuple(transform_warnings(header, transform)),
    )


def _peek_nifti(volume: FileVolume) -> VolumePeek:
    header = read_header(volume.path)
    frame = only_frame(volume.frames, volume.frame, header.frames, str(volume.path))
    numbers = None if volume.frames is None else chosen_frames(volume.frames, header.frames, str(volume.path))
    if frame is not None or numbers is None:
        choose_frame(header, frame)
    refuse_unusable(header, volume.transform)
    return VolumePeek(
        kind="NIfTI",
        geometry=header_geometry(header, volume.transform),
        dtype=header.dtype.newbyteorder("="),
        frames=header.frames,
        is_scaled=header.scaling != (1.0, 0.0),
        warnings=tuple(transform_warnings(header, volume.transform)),
        numbers=numbers,
    )


def _peek_series(volume: SeriesVolume) -> VolumePeek:
    if volume.frames is None:
        return peek_series(volume.series, volume.accepted, volume.frame)
    peek = peek_series(volume.series, volume.accepted, 0 if volume.holds_several else None)
    numbers = chosen_frames(volume.frames, peek.frames, volume.series.shown)
    return replace(peek, numbers=numbers)


def _peek_with_itk(volume: FileVolume) -> VolumePeek:
    path = volume.path
    stated = read_statement(path, volume.transform)
    count = judge_before_loading(path, whole=False, allow_outside=volume.allow_outside)
    if count == 1:
        _require_only_frame(volume)
    numbers = numbers_in(volume, count) if count > 1 else None
    try:
        geometry = stated.placed(image_geometry(read_itk_header(path)), volume.transform)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path}: its header cannot be judged beforehand; inspect it.") from error
    taken = None if volume.frames is None else numbers
    return VolumePeek("ITK", geometry, stored_type(path), count, warnings=stated.warnings, numbers=taken)


def _noted(volume: SourceVolume, file: FileVolume) -> SourceVolume:
    outside = _outside(file)
    record = volume.record | ({"outside_data": [path.as_posix() for path in outside]} if outside else {})
    warnings = (*volume.warnings, *geometry_warnings(volume.geometry), *_said(file, outside))
    return replace(volume, warnings=warnings, record=record)


def _outside(file: FileVolume) -> tuple[Path, ...]:
    """The files that were read from outside the header's folder."""
    return outside_files(file.path) if file.allow_outside and file.kind == "ITK" else ()


def _said(file: FileVolume, outside: tuple[Path, ...]) -> tuple[str, ...]:
    """Sentences about a choice that does not apply, and about files from elsewhere."""
    said = [outside_said(file.path, outside)] if outside else []
    if file.transform is not None and not has_forms(file.path):
        unused = Option.to("nifti_transform", file.transform)
        is_none = f" does not apply to {file.path.name}, which is not a NIfTI file and has neither sform nor qform."
        said.insert(0, Sentence(unused, is_none))
    return tuple(said)
