"""A volume of a user's scene beside the DICOM series that it was loaded from.

A volume that still is what its images hold, where they lie, is cut from them, as a headless run cuts them. One that
was changed, cropped, moved or resampled since keeps patient and study, and claims no more of the images than is
true: technique and references of single images only where its planes are still theirs, and the frame of reference
only where it is known to lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import RAS_TO_LPS, FloatArray, VolumeGeometry
from ..core.options import SeriesOptions
from ..core.text import Sentence, counted, millimetres
from ..core.volume import DERIVED_FROM, SourceVolume
from ..dicom.reading.load import DicomSource, accepted, load_series, stacked
from ..dicom.reading.scan import series_of_instances
from ..dicom.reading.series import Kind, Series
from ..dicom.reading.stacking import ROUNDING_MM, Stack
from ..mrml.sequences import FrameViews
from .choice import SeriesVolume
from .frame_reading import read_series_stack
from .same_volume import Order, box_within, k_order, order_of_values, same_values, same_volume
from .scene_images import NodeImages

# Slicer places a volume by its first and its last image; both may be rounded.
FREEDOM_MM = 2 * ROUNDING_MM


@dataclass(frozen=True)
class ImagesRead:
    """The images that a node was loaded from, as they are on disk.

    Attributes:
        series: all of them.
        stored: the regular volume that they make; None for any other.
        stack: their planes in order and the values, where they are not evenly spaced; None for no stack.
        is_whole: whether they are all of the series.
        accepted: departures from a regular volume that are accepted.
        shown: where Slicer shows the planes, as ``NodeImages`` has it.
    """

    series: Series
    stored: SourceVolume | None
    stack: tuple[Stack, npt.NDArray] | None
    is_whole: bool
    accepted: SeriesOptions
    shown: FloatArray | None


@dataclass(frozen=True)
class Descent:
    """What a volume of a scene still has of a series that it no longer is.

    Attributes:
        source: headers of the series; without planes where the volume's are not theirs.
        done: what was done to the series, as part of a sentence.
        reason: why the series cannot be cut instead of the volume, half a sentence for the user.
    """

    source: DicomSource
    done: str
    reason: str

    def of(self, volume: SourceVolume, is_label: bool) -> SourceVolume:
        """Return a volume as one that descends from the series; a label map is not of the images' modality."""
        series, source = self.source.series, self.source_of(volume)
        record = {"series_instance_uid": series.info.series_uid, "files": len(series.files), "done": self.done}
        if is_label:
            source = replace(source, series=replace(series, info=replace(series.info, modality="", sop_class="")))
        return replace(volume, dicom=source, record={**volume.record, DERIVED_FROM: record})

    def source_of(self, volume: SourceVolume) -> DicomSource:
        """Return the headers in the order of a volume, which may be cut with k against the scene's."""
        turned = volume.loaded_affine_ras is not None
        return replace(self.source, planes=self.source.planes[::-1]) if turned else self.source


def read_images(images: NodeImages) -> ImagesRead:
    """Read the images that a node was loaded from.

    Raises:
        InputError: they cannot be read.
    """
    series, shown = accepted(series_of_instances(images.files), images.accepted), images.shown
    if series.verdict.kind is Kind.REGULAR:
        stored = load_series(series, images.accepted)
        return ImagesRead(series, stored, None, images.is_whole, images.accepted, shown)
    return ImagesRead(series, None, stacked(series), images.is_whole, images.accepted, shown)


def volume_of_images(name: str, held: SourceVolume, images: ImagesRead) -> SourceVolume | Descent:
    """Return the series as a headless run reads it where it still is the volume, otherwise what is left of it.

    An irregular series of which that is accepted is read so where Slicer shows its planes where they lie.

    Args:
        name: of the node.
        held: as the scene holds it.
        images: from which it was loaded.

    Raises:
        InputError: Slicer shows the images elsewhere than where they lie.
    """
    stored, series = images.stored, images.series
    if stored is None:
        return _irregular(name, held, images)
    order = same_volume(stored, held, FREEDOM_MM)
    if order is None or _is_shown_elsewhere(images.shown, held.geometry):
        return _what_is_left(name, held, stored)
    if images.is_whole:
        return stored if order == "same" else replace(stored, loaded_affine_ras=held.geometry.affine_ras)
    count = counted(len(series.files), "image")
    source = _with_planes(stored.dicom, slice(None), order)
    reason = f"'{name}' holds {count} of a DICOM series that has more"
    return Descent(source, f"of which {count} were loaded into 3D Slicer", reason)


def frames_of_images(
    name: str, place: VolumeGeometry, views: FrameViews, numbers: tuple[int, ...], images: NodeImages
) -> SourceVolume | tuple[Descent, ...]:
    """Return the volumes of a series as a headless run reads them where they still are the frames of a scene.

    Args:
        name: of the sequence or multi-volume.
        place: where the frames lie.
        views: their voxels.
        numbers: of them in the scene, which may count the volumes of the series otherwise.
        images: from which all frames of the scene were loaded.

    Returns:
        The volumes; or for each frame what is left of the series.

    Raises:
        InputError: the images cannot be read.
    """
    series = series_of_instances(images.files)
    if series.verdict.kind is not Kind.SEVERAL:
        reason = f"The DICOM images of '{name}' are no series of several volumes ({series.verdict.reason})"
        return (Descent(_patient_of(series), "changed in 3D Slicer", reason),) * len(numbers)
    stored = read_series_stack(SeriesVolume(series, frames="all"))
    order = k_order(stored.geometry, place, FREEDOM_MM)
    theirs = () if order is None else _matched(stored, views, numbers, order)
    if order is None or len(theirs) < len(numbers):
        reason = f"'{name}' was changed in Slicer since it was loaded from DICOM"
        return (Descent(_patient_of(series), "changed in 3D Slicer", reason),) * len(numbers)
    if images.is_whole:
        found = read_series_stack(SeriesVolume(series, frames=",".join(map(str, theirs))))
        return found if order == "same" else replace(found, loaded_affine_ras=place.affine_ras)
    planes = [] if stored.frames is None else [stored.frames.planes[n] for n in theirs]
    count = counted(len(series.files), "image")
    reason = f"'{name}' holds {count} of a DICOM series that has more"
    done = f"of which {count} were loaded into 3D Slicer"
    return tuple(Descent(_with_planes(one, slice(None), order), done, reason) for one in planes)


def _patient_of(series: Series) -> DicomSource:
    return DicomSource(series, (), series.slices[0], in_frame=False)


def _matched(stored: SourceVolume, views: FrameViews, numbers: tuple[int, ...], order: Order) -> tuple[int, ...]:
    """Return which volume of a series each frame is; fewer where one is none of them."""
    volumes, found = list(stored.frames_kji), list[int]()
    for n, number in enumerate(numbers):
        held = views[n] if order == "same" else views[n][::-1]
        near = sorted(range(len(volumes)), key=lambda m: abs(m - number))
        match = next((m for m in near if m not in found and _is_same(volumes[m], held)), None)
        if match is None:
            return tuple(found)
        found.append(match)
    return tuple(found)


def _is_same(volume: npt.NDArray, held: npt.NDArray) -> bool:
    return volume.shape == held.shape and same_values(volume, held)


def _is_shown_elsewhere(shown: FloatArray | None, held: VolumeGeometry) -> bool:
    """Return whether a transform moves the first voxel of a plane by more than rounding."""
    if shown is None:
        return False
    planes = np.arange(held.shape_ijk[2])
    own = held.ras(np.stack([0 * planes, 0 * planes, planes], axis=1))
    return float(np.max(np.linalg.norm(shown[:, 0] - own, axis=1))) > FREEDOM_MM


def _irregular(name: str, held: SourceVolume, images: ImagesRead) -> SourceVolume | Descent:
    """Return images that are no regular volume as it is accepted, or what is left of them.

    Of a tilted gantry Slicer makes a sheared volume, of uneven gaps one under a transform.

    Raises:
        InputError: the volume holds them as if they were regular, or more is not accepted.
    """
    series = images.series
    if series.verdict.kind is Kind.SEVERAL and len(series.slices) == held.geometry.shape_ijk[2]:
        shown = f"Slicer shows all images of '{name}' as one volume, but "
        raise InputError(f"{shown}{series.verdict.reason}. Export {series.folder} with the command line.")
    reason = f"'{name}' is not a regular volume as its DICOM images lie ({series.verdict.reason})"
    if images.stack is not None:
        stack, voxels = images.stack
        order = order_of_values(voxels, held.voxels_kji)
        off = np.inf if images.shown is None else _distance_mm(images.shown, stack)
        if order is not None and off > FREEDOM_MM:
            raise InputError(*_misplaced(name, off, series))
        if order is not None and images.accepted != SeriesOptions() and images.is_whole:
            return load_series(series, images.accepted)
        if order is not None:
            source = DicomSource(series, stack.slices, stack.slices[0])
            return Descent(_with_planes(source, slice(None), order), "as 3D Slicer holds it", reason)
    return Descent(_patient_of(series), "made regular or changed in 3D Slicer", reason)


def _distance_mm(shown: FloatArray, stack: Stack) -> float:
    """Return how far corners of planes are shown from where those of a stack lie, in the order that suits better."""
    if len(shown) != len(stack.slices):
        return np.inf
    first, (width, height) = stack.slices[0], stack.pixel_mm
    along = np.array([0 * stack.row, (first.columns - 1) * width * stack.row, (first.rows - 1) * height * stack.column])
    truth = (stack.positions[:, None, :] + along) * np.diag(RAS_TO_LPS)[:3]
    return min(float(np.max(np.linalg.norm(places - truth, axis=-1))) for places in (shown, shown[::-1]))


def _misplaced(name: str, off: float, series: Series) -> tuple[str | Sentence, ...]:
    """Return that Slicer shows the planes of a series elsewhere than where they lie, and what to do."""
    return (
        f"Slicer shows '{name}' up to {millimetres(off)} mm away from where its DICOM images lie: "
        f"{series.verdict.reason}. Load it again from Slicer's DICOM database, and either harden the transform that it "
        f"then lies under, or export it from the Python console; or export {series.folder} with the command line. For "
        "both: ",
        series.verdict.remedy,
    )


def _what_is_left(name: str, held: SourceVolume, stored: SourceVolume) -> Descent:
    """Tell cropped, changed, moved and resampled volumes apart, as far as that can be known."""
    found = box_within(stored.geometry, held.geometry, FREEDOM_MM)
    if found is None:
        order = order_of_values(stored.voxels_kji, held.voxels_kji)
        done = "resampled, moved or changed" if order is None else "moved or given other voxel sizes"
        source = _with_planes(replace(stored.dicom, in_frame=False), slice(None), order)
    else:
        box, direction = found
        i, j, k = map(slice, box.start, box.stop)
        is_same = same_values(stored.voxels_kji[k, j, i], held.voxels_kji[:: 1 if direction == "same" else -1])
        words = [] if box == stored.geometry.box else ["cropped"]
        done = " and ".join(words if is_same else [*words, "changed"])
        source = _with_planes(stored.dicom, k, direction if is_same else None)
    return Descent(source, f"{done} in 3D Slicer", f"'{name}' was {done} in Slicer since it was loaded from DICOM")


def _with_planes(source: DicomSource, k: slice, order: Order | None) -> DicomSource:
    """Return the headers with the planes that are the volume's; without planes and window where none is."""
    if order is None:
        return replace(source, planes=(), window=None)
    return replace(source, planes=source.planes[k][:: 1 if order == "same" else -1])
