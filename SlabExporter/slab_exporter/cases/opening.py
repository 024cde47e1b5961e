"""The volumes of a case, as ``volumes.reading`` opens them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.errors import InputError, RequestError
from ..core.geometry import VolumeGeometry
from ..core.index_map import order_of_axes
from ..core.options import ExportRequest, SeriesOptions
from ..core.text import Option
from ..core.volume import SourceVolume
from ..dicom.labels.references import References, label_object
from ..dicom.reading.contradictions import divided
from ..dicom.reading.load import accepted
from ..dicom.reading.series import Kind, Series
from ..mrml.runtime import SlicerRuntime
from ..volumes.choice import FileVolume, OneVolume, SeriesVolume
from ..volumes.labels.masks import is_mask_pattern
from ..volumes.labels.opening import LabelFile, open_labels
from ..volumes.reading import open_volume
from .case import Case, filled_in
from .channels.channel import Channel


def request_for(case: Case, request: ExportRequest) -> ExportRequest:
    """Return the request with the files of one case: its ROI, of the list or by a pattern; the reference by a pattern.

    Raises:
        RequestError: a pattern cannot be filled in.
    """
    like = request.prepare.like
    if is_pattern(like):
        reference = filled_in(str(like), case.original or case, "reference")
        request = replace(request, prepare=replace(request.prepare, like=str(reference)))
    if case.within is not None:
        return replace(request, within=str(case.within))
    within = request.within
    if not is_pattern(within):
        return request
    return replace(request, within=str(filled_in(str(within), case.original or case, "ROI")))


def is_pattern(path: str | None) -> bool:
    """Return whether an option names a file for each case, as in "rois/{case}.mrk.json"."""
    return path is not None and "{" in path and not Path(path).exists()


def image_of(case: Case | Channel, request: ExportRequest) -> OneVolume:
    """Return the image of a case, or of one of its channels, read as the request says."""
    frame = request.frame if case.frame is None else case.frame
    if case.series is not None:
        return SeriesVolume(case.series, frame, request.series, request.frames)
    return FileVolume(case.image, frame, request.nifti_transform, request.allow_outside_data, request.frames)


def label_of(case: Case, name: str, request: ExportRequest) -> LabelFile:
    """Return one of a case's label files, read as the request says of its image."""
    values = case.structures.get(name, {})
    # the frames of a file that are channels have one label map, which is not a frame
    frame = None if case.channels else request.frame if case.frame is None else case.frame
    return LabelFile(
        case.labels[name],
        request.nifti_transform,
        request.allow_outside_data,
        values,
        frames=request.frames,
        frame=frame,
    )


def open_case_labels(
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
    result: dict[str, SourceVolume] = {}
    for name in case.labels:
        said = _refers_elsewhere(case, name)
        for key, label in open_labels(runtime, label_of(case, name, request), image, name, request.labels).items():
            if key in result:
                raise InputError(f"Two label sets of {case.name} are called '{key}'; give them other names.")
            result[key] = replace(label, warnings=(*said, *label.warnings))
    return result


def _refers_elsewhere(case: Case, name: str) -> tuple[str, ...]:
    """Return a sentence where a DICOM segmentation or structure set names another series than the image."""
    path = case.labels[name]
    found = None if case.series is None or is_mask_pattern(path) else label_object(path)
    if found is None or case.series is None or refers_to(found, case.series):
        return ()
    return (f"{path} refers to another series than the image; it is taken because its voxels lie on the image's.",)


def refers_to(found: References, series: Series) -> bool:
    """Return whether a DICOM segmentation or structure set is of a series."""
    frames = {one.frame_of_reference for one in series.slices}
    return any(found.suit(series.info.series_uid, frame) for frame in frames)


def with_address(volume: SourceVolume, case: Case) -> SourceVolume:
    """Return a volume that is known by the address that it was downloaded from; another one as it is."""
    address = case.addresses.get(str(volume.path))
    if address is None:
        return volume
    told = tuple(map(case.told, volume.warnings))
    return replace(volume, name=case.told(volume.name), warnings=told, record={**volume.record, "path": address})


def open_channel(
    runtime: SlicerRuntime, case: Case, channel: Channel, request: ExportRequest, image: SourceVolume
) -> SourceVolume:
    """Return a further image of a case; a file beside a DICOM series in the order of the series' axes.

    Args:
        runtime: Slicer's classes.
        case: whose image it is.
        channel: it.
        request: how it is read.
        image: the first image.

    Raises:
        InputError: it cannot be used.
    """
    volume = open_volume(runtime, image_of(channel, request))
    beside_series = case.series is not None and channel.series is None
    return _in_order_of(volume, image.geometry) if beside_series else volume


def _in_order_of(volume: SourceVolume, grid: VolumeGeometry) -> SourceVolume:
    """Return a volume with its index axes as those of a grid: programs that convert a series reverse rows or slices."""
    own = volume.geometry
    order = order_of_axes(own, grid)
    if order is None or order.keeps_order:
        return volume
    record = {"file_shape_ijk": list(own.shape_ijk), "file_affine_ras": own.affine_ras.tolist()}
    return replace(volume.rearranged(order), header=None, record={**volume.record, **record})


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
    if any(case.channels for case in cases):
        raise RequestError(
            Option.on("split_series"), " makes a case of each volume, ", Option("channels"), " one of several: choose."
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
