"""The one door to label maps: of any kind, put on their image's voxels, one or several from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...core.errors import InputError
from ...core.geometry import VolumeGeometry
from ...core.options.labels import LabelOptions, Overlapping
from ...core.segments.layers import Layers, Member, layered, member_values
from ...core.segments.segmented import Segmented
from ...core.text import counted
from ...core.volume import SourceVolume
from ...dicom.labels.references import label_object
from ...dicom.labels.segmentation import read_segmentation
from ...dicom.labels.structures import read_structures
from ...dicom.reading.scan import is_dicom_file
from ...files.detached import source_sha256
from ...files.disk import file_sha256
from ...files.statements.segments import holds_layers, nrrd_segments
from ...mrml.runtime import SlicerRuntime
from ..choice import FileVolume, frames_of, label_file
from ..reading import open_volume
from .layers import read_layers
from .masks import is_mask_pattern, masks_sha256, read_masks
from .placing import on_image

LabelKind = Literal["volume", "layers", "masks", "dicom-seg", "rtstruct"]


@dataclass(frozen=True)
class LabelFile:
    """A file, or folder, of labels as it is to be read.

    Attributes:
        path: of a label map, a segmentation, a structure set, or of a folder or pattern of masks.
        transform: "sform" or "qform" of NIfTI files to insist on one.
        allow_outside: a header may name files of voxels outside its folder.
        values: of segments, by their names; empty for the file's own, or 1, 2, 3, ...
        volume: how a label map is read, where that is known; None to find out.
        frames: which volumes of a 4D label map are read together, as of its image; None: one.
        frame: which volume of a 4D label map, likewise.
    """

    path: Path
    transform: str | None = None
    allow_outside: bool = False
    values: Mapping[str, int] = field(default_factory=dict)
    volume: FileVolume | None = None
    frames: str | None = None
    frame: int | None = None

    def label_map(self) -> FileVolume:
        """Return how the label map at the path is read: of a 4D one the frames that are read of its image.

        Raises:
            InputError: it is missing, or its header is damaged.
        """
        if self.volume is not None:
            return self.volume
        chosen = label_file(self.path, self.transform, self.allow_outside)
        several = (self.frames is not None or self.frame is not None) and frames_of(self.path) > 1
        return replace(chosen, frames=self.frames, frame=self.frame) if several else chosen


def label_kind(path: Path) -> LabelKind:
    """Return what kind of labels lie at a path.

    Raises:
        InputError: a DICOM file that is neither a segmentation nor a structure set.
    """
    if is_mask_pattern(path):
        return "masks"
    if holds_layers(path):
        return "layers"
    found = label_object(path)
    if found is None and is_dicom_file(path):
        raise InputError(f"{path} is DICOM, but neither a segmentation (SEG) nor a structure set (RTSTRUCT).")
    return "volume" if found is None else found.kind


def label_sha256(path: Path, allow_outside: bool = False) -> str:
    """Return the check sum of labels, as their source in a manifest has it."""
    kind = label_kind(path)
    if kind == "masks":
        return masks_sha256(path)
    return source_sha256(path, allow_outside) if kind in ("volume", "layers") else file_sha256(path)


def open_labels(
    runtime: SlicerRuntime, file: LabelFile, image: SourceVolume, label_set: str, options: LabelOptions
) -> dict[str, SourceVolume]:
    """Return the label maps of a file on its image's voxels, by the names of their sets.

    Args:
        runtime: Slicer's classes.
        file: what to read.
        image: which is labelled.
        label_set: the name of the set; further label maps are called ``<label_set>_layer-2`` and so on.
        options: how label maps are taken.

    Raises:
        InputError: it cannot be read, or does not lie on the image.
    """
    kind = label_kind(file.path)
    if kind == "volume":
        label = _named(open_volume(runtime, file.label_map()))
        require_frames_of(label, image, label_set)
        return {label_set: on_image(label, image, label_set, options)}
    sha256 = label_sha256(file.path, file.allow_outside)
    segmented = _read(runtime, kind, file, image, label_set, options)
    layers = _layers(segmented, file.values, options.overlapping)
    # what is known only now that the masks have been read stands in the notes
    said = segmented.warnings + segmented.notes() + layers.warnings(str(file.path), options.overlapping)
    result = {}
    for number, layer in enumerate(layers.layers, start=1):
        volume = SourceVolume(
            name=str(file.path),
            path=str(file.path),
            sha256=sha256,
            geometry=segmented.geometry,
            voxels_kji=layer.voxels_kji,
            warnings=said,
            record={"read_as": _record(kind, label_set, number, options)},
            segments=tuple((member.value, member.name) for member in layer.members),
            colours=tuple((member.value, member.rgb) for member in layer.members if member.rgb is not None),
        )
        result[layer_name(label_set, number)] = on_image(volume, image, label_set, options)
    return result


def require_frames_of(label: SourceVolume, image: SourceVolume, label_set: str) -> None:
    """Refuse a 4D label map that holds another number of frames than its image, whose frames it could not label.

    Raises:
        InputError: with both numbers.
    """
    ours, theirs = _count(image), _count(label)
    if ours is not None and theirs is not None and ours != theirs:
        raise InputError(
            f"The label map {label.name} ({label_set}) holds {counted(theirs, 'frame')}, {image.name} {ours}: "
            "it must hold one for each frame of the image, or a single one for all of them."
        )


def _count(volume: SourceVolume) -> int | None:
    """Return how many frames the file of a volume holds that is of a frame of it; None where that is not known."""
    if volume.frames is not None:
        return volume.frames.of
    is_frame = volume.frame is not None and volume.path is not None and volume.dicom is None
    return frames_of(Path(str(volume.path))) if is_frame else None


def layer_name(label_set: str, number: int) -> str:
    """Return the name of a set of label maps of one layer.

    >>> layer_name("labels", 1), layer_name("labels", 2)
    ('labels', 'labels_layer-2')
    """
    return label_set if number == 1 else f"{label_set}_layer-{number}"


def open_again(
    runtime: SlicerRuntime, file: LabelFile, image: tuple[str, VolumeGeometry], read_as: Mapping[str, Any]
) -> SourceVolume:
    """Return the label map that a manifest records, made of its file once more.

    Args:
        runtime: Slicer's classes.
        file: with the recorded values of the segments.
        image: name and recorded grid of the image.
        read_as: the record.

    Raises:
        InputError: it cannot be made so any more.
    """
    name, geometry = image
    overlapping: Overlapping = "last" if read_as.get("overlapping") == "last" else "layers"
    tolerance = read_as.get("label_tolerance")
    options = LabelOptions(
        "image" if read_as.get("label_affine") == "image" else "file",
        None if tolerance is None else float(tolerance),
        overlapping,
    )
    grid = SourceVolume(name, None, "", geometry, np.zeros((0, 0, 0), np.uint8))
    label_set, number = str(read_as.get("label_set", "labels")), int(read_as.get("layer", 1))
    found = open_labels(runtime, file, grid, label_set, options)
    if layer_name(label_set, number) not in found:
        raise InputError(f"{file.path} does not give {number} label maps, as the manifest says it did.")
    return found[layer_name(label_set, number)]


def _record(kind: LabelKind, label_set: str, number: int, options: LabelOptions) -> dict[str, Any]:
    record: dict[str, Any] = {"kind": kind, "overlapping": options.overlapping, "label_set": label_set, "layer": number}
    if options.label_affine != "file":
        record["label_affine"] = options.label_affine
    if options.label_tolerance is not None:
        record["label_tolerance"] = options.label_tolerance
    return record


def _named(volume: SourceVolume) -> SourceVolume:
    """Return a label map with the names and colours that the header of a .seg.nrrd file states."""
    found = nrrd_segments(Path(volume.name))
    if not found:
        return volume
    colours = tuple((one.value, one.rgb) for one in found if one.rgb is not None)
    return replace(volume, segments=tuple((one.value, one.name) for one in found), colours=colours)


def _read(
    runtime: SlicerRuntime,
    kind: LabelKind,
    file: LabelFile,
    image: SourceVolume,
    label_set: str,
    options: LabelOptions,
) -> Segmented:
    if kind == "layers":
        return read_layers(file.path, file.allow_outside)
    if kind == "masks":
        return read_masks(runtime, file.path, image, label_set, options, file.transform)
    if kind == "dicom-seg":
        return read_segmentation(file.path, image.geometry)
    return read_structures(file.path, image.geometry)


def _layers(segmented: Segmented, given: Mapping[str, int], overlapping: Overlapping) -> Layers:
    values = member_values([one.value for one in segmented.stated])
    if given and all(one.name in given for one in segmented.stated):
        values = [given[one.name] for one in segmented.stated]
    members = [Member(one.name, value, one.rgb) for one, value in zip(segmented.stated, values, strict=True)]
    return layered(segmented.geometry.shape_ijk[::-1], members, segmented.masks(), overlapping)
