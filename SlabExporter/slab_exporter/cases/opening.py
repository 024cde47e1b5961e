"""The volumes of a case, as ``volumes.reading`` opens them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.errors import RequestError
from ..core.options import ExportRequest, SeriesOptions
from ..core.text import Option
from ..core.volume import SourceVolume
from ..dicom.reading.contradictions import divided
from ..dicom.reading.load import accepted
from ..dicom.reading.series import Kind
from ..mrml.runtime import SlicerRuntime
from ..volumes.choice import FileVolume, OneVolume, SeriesVolume, label_file
from ..volumes.labels.placing import on_image
from ..volumes.reading import open_volume
from .case import Case, filled_in


def request_for(case: Case, request: ExportRequest) -> ExportRequest:
    """Return the request with the ROI file of one case: the list's, or the one that a pattern gives.

    Raises:
        RequestError: the pattern cannot be filled in.
    """
    if case.within is not None:
        return replace(request, within=str(case.within))
    within = request.within
    if within is None or "{" not in within or Path(within).exists():
        return request
    return replace(request, within=str(filled_in(within, case.original or case, "ROI")))


def image_of(case: Case, request: ExportRequest) -> OneVolume:
    """Return the image of a case, read as the request says."""
    if case.series is not None:
        return SeriesVolume(case.series, request.frame if case.frame is None else case.frame, request.series)
    return FileVolume(case.image, request.frame, request.nifti_transform, request.allow_outside_data)


def label_of(path: Path, request: ExportRequest) -> FileVolume:
    """Return a label map, read as the request says of its image.

    Raises:
        InputError: the file is missing, or its header is damaged.
    """
    return label_file(path, request.nifti_transform, request.allow_outside_data)


def open_labels(
    runtime: SlicerRuntime, case: Case, request: ExportRequest, image: SourceVolume
) -> dict[str, SourceVolume]:
    """Return the label maps of a case on its image's voxels, by the name of their set.

    Args:
        runtime: Slicer's classes.
        case: whose label maps they are.
        request: how they are read and taken.
        image: of the case.

    Raises:
        InputError: a file cannot be used, or does not lie on the image.
    """
    return {
        name: on_image(open_volume(runtime, label_of(path, request)), image, name, request.labels)
        for name, path in case.labels.items()
    }


def with_series_split(cases: list[Case], options: SeriesOptions, frame: int | None) -> list[Case]:
    """Return the cases, with a series of several volumes as one case per volume: ``<case>_frame-0`` and so on.

    They keep the group and the label maps of the series.

    Args:
        cases: as ``find_cases`` makes them.
        options: what departure from a regular volume is accepted of a series.
        frame: which volume was asked for; None for none.

    Raises:
        RequestError: one volume was asked for as well.
    """
    if frame is not None:
        raise RequestError(
            "Choose either ", Option.to("frame", frame), " or ", Option.on("split_series"), ": one volume, or all."
        )
    taken = {case.name.casefold() for case in cases}
    return [part for case in cases for part in _parts(case, options, taken)]


def _parts(case: Case, options: SeriesOptions, taken: set[str]) -> list[Case]:
    series = None if case.series is None else accepted(case.series, options)
    if series is None or series.verdict.kind is not Kind.SEVERAL:
        return [case]
    frames = divided(series.slices)
    count = 0 if frames is None else len(frames.volumes)
    base = f"{case.name}_frame"
    while any(f"{base}-{n}".casefold() in taken for n in range(count)):
        base += "_"
    taken.update(f"{base}-{n}".casefold() for n in range(count))
    return [replace(case, name=f"{base}-{n}", frame=n) for n in range(count)]
