"""The box of a volume that is cut, where it is found in the voxels or comes from an ROI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..cases.case import Case
from ..cases.opening import is_pattern, request_for
from ..core.errors import RequestError, VerificationError, reading
from ..core.geometry import Box, VolumeGeometry
from ..core.options import ExportRequest
from ..core.pieces.bounding import around, bounding_box, enlarged
from ..core.pieces.limiting import CropTo, LimitOptions, LimitRecord
from ..core.records import PlanRecord
from ..core.text import Option
from ..core.volume import SourceVolume
from ..files.disk import file_sha256
from ..mrml.roi import read_roi_box
from ..mrml.runtime import SlicerRuntime
from ..prepare.reference import reference_grid
from ..volumes.body import body_mask
from .keeping import labelled_anywhere, require_labels


def require_sound(cases: Sequence[Case], request: ExportRequest) -> None:
    """Refuse a request that does not fit these cases, before anything is written.

    Raises:
        RequestError: with what to add or to leave out.
        InputError: the volume whose grid is to be taken cannot be used.
    """
    if request.prepare.like is not None and not is_pattern(request.prepare.like):
        reference_grid(request.prepare.like)
    require_labels(cases, request)
    if request.frame is not None and any(case.channels and case.frame is not None for case in cases):
        raise RequestError(
            "Choose either ", Option.to("frame", request.frame), " or ", Option.to("channels", "4d"), ": one, or all."
        )
    if request.frames is not None and any(case.frame is not None for case in cases):
        raise RequestError(
            Option.to("frames", request.frames),
            " takes the volumes of a file together; ",
            Option.to("channels", "4d"),
            " and ",
            Option.on("split_series"),
            " take them apart: choose.",
        )
    require_one_kind_of_several(request, any(case.channels for case in cases))
    _require_one_limit(cases, request)
    for case in cases:
        request_for(case, request)  # refuses a pattern that cannot be filled in


def require_one_kind_of_several(request: ExportRequest, has_channels: bool) -> None:
    """Refuse frames and channels together where both would be series.

    Raises:
        RequestError: with what to choose.
    """
    if request.frames is not None and request.format == "dicom" and has_channels:
        raise RequestError(
            "As DICOM, frames and channels are series each, and cannot be told apart: choose ",
            Option("format"),
            " nii.gz or nrrd for ",
            Option("channels"),
            " with ",
            Option("frames"),
            ".",
        )


def _require_one_limit(cases: Sequence[Case], request: ExportRequest) -> None:
    """Refuse to crop to label maps where no case has one, and to the voxels of a case that has an ROI.

    Raises:
        RequestError: with what to add or to leave out.
    """
    crop_to = request.limit.crop_to
    if crop_to == "labels" and not any(case.labels for case in cases):
        raise RequestError(Option.to("crop_to", "labels"), " needs label maps; add ", Option("labels"), ".")
    limited = next((case for case in cases if case.within is not None), None)
    if crop_to is not None and limited is not None:
        raise RequestError(
            Option.to("crop_to", crop_to),
            f" and the list, which names an ROI for {limited.name} in its column 'within', each say what is cut: "
            "leave one out.",
        )


def limits_of(
    runtime: SlicerRuntime, image: SourceVolume, labels: Sequence[SourceVolume], request: ExportRequest
) -> Box | None:
    """Return the box that a request limits the cutting to; None for the whole volume.

    Args:
        runtime: Slicer's classes, for the ROI.
        image: the volume.
        labels: label maps on its grid.
        request: the ROI, or what to crop to.

    Raises:
        InputError: the ROI file is missing, or holds no ROI.
        RequestError: the box holds no voxel.
    """
    if request.within is not None:
        return read_roi_box(runtime, Path(request.within), image.geometry)
    if request.limit.crop_to is None:
        return None
    return enlarged(found_box(image, labels, request.limit.crop_to), request.limit.margin or 0.0, image.geometry)


def found_box(image: SourceVolume, labels: Sequence[SourceVolume], crop_to: CropTo) -> Box:
    """Return the box around all label maps, or around the body in the image, without a margin.

    Raises:
        RequestError: there is no label map, or the box holds no voxel.
    """
    if crop_to == "labels" and not labels:
        raise RequestError(f"{image.name} has no label map, and ", Option.to("crop_to", "labels"), " needs one.")
    box = box_around(labels if crop_to == "labels" else [image], crop_to)
    if box is None:
        nothing = {
            "labels": f"No voxel of {' or '.join(label.name for label in labels)} is labelled",
            "body": f"{image.name} holds no body: all of its voxels are equal",
        }
        raise RequestError(f"{nothing[crop_to]}, and ", Option.to("crop_to", crop_to), " would leave nothing to cut.")
    return box


def box_around(volumes: Iterable[SourceVolume], crop_to: CropTo) -> Box | None:
    """Return the box around what is cropped to in all of the volumes, which share a grid; None for nothing."""
    boxes = [cropping_box(volume, crop_to) for volume in volumes]
    return around([box for box in boxes if box is not None])


def cropping_box(volume: SourceVolume, crop_to: CropTo) -> Box | None:
    """Return the box around the labelled voxels of a label map, or around the body in an image; None for nothing."""
    wanted: npt.NDArray[np.bool_] = body_mask(volume.voxels_kji) if crop_to == "body" else labelled_anywhere(volume)
    return bounding_box(wanted)


def limit_record(request: ExportRequest) -> LimitRecord | None:
    """Return what the manifest says of the limits besides their box; None where nothing was asked for."""
    one_piece = request.slabs.crop
    return None if request.limit == LimitOptions() and not one_piece else LimitRecord(request.limit, one_piece)


class LimitCheck:
    """Comparison of the box that an export was limited to with the one that its sources give again.

    Args:
        plan: of the manifest.
    """

    def __init__(self, plan: PlanRecord) -> None:
        self._plan = plan
        self._crop_to = None if plan.limited is None else plan.limited.options.crop_to
        self._boxes: list[Box] = []

    def see(self, source: SourceVolume, is_label: bool) -> None:
        """Take note of the image or of a label map, in any order."""
        if self._crop_to is None or is_label != (self._crop_to == "labels"):
            return
        if (box := cropping_box(source, self._crop_to)) is not None:
            self._boxes.append(box)

    def require_same(self, runtime: SlicerRuntime, folder: Path, geometry: VolumeGeometry) -> None:
        """Compare, after all sources have been seen; an ROI file is read where it is still the same file.

        Args:
            runtime: Slicer's classes, for the ROI.
            folder: of the manifest.
            geometry: of the volume that was cut.

        Raises:
            VerificationError: the box is another one.
        """
        if self._crop_to is not None and self._plan.limited is not None:
            box, what = around(self._boxes), f"around the {self._crop_to}"
            box = box and enlarged(box, self._plan.limited.options.margin or 0.0, geometry)
        elif (path := self._unchanged_roi(folder)) is not None:
            box, what = read_roi_box(runtime, path, geometry), f"inside {path.name}"
        else:
            return
        if box != self._plan.limits:
            raise VerificationError(f"the manifest limits the slabs to {self._plan.limits}; the box {what} is {box}.")

    def _unchanged_roi(self, folder: Path) -> Path | None:
        recorded = (self._plan.asked or {}).get("within_sha256")
        if self._plan.within is None or not isinstance(recorded, str) or "\0" in self._plan.within:
            return None
        path = folder / self._plan.within
        if not path.is_file():
            return None
        with reading(f"The ROI file {path}"):
            return path if file_sha256(path) == recorded else None
