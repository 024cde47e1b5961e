"""Label maps and segmentations of a user's scene as sources on their image's voxels, also frame by frame."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from ..attended import beside
from ..core.errors import InputError
from ..core.options.labels import LabelOptions
from ..core.progress import Progress, no_progress
from ..core.several.frames import FrameStack
from ..core.volume import SourceVolume
from ..mrml.nodes import require_no_transform
from ..mrml.runtime import SlicerRuntime
from ..mrml.segmentations import segmentation_volume
from ..mrml.sequences import HeldFrames, SequenceFrames, held_frames
from .labels.placing import on_image
from .scene_frames import frames_of
from .scene_volumes import label_volume

_SEGMENTATION = "vtkMRMLSegmentationNode"


def label_of_node(
    runtime: SlicerRuntime,
    node: Any,
    image_node: Any,
    image: SourceVolume,
    numbers: tuple[int, ...],
    label_set: str,
    options: LabelOptions,
    progress: Progress = no_progress,
) -> SourceVolume:
    """Return a label map or segmentation node as a source on the image's voxels.

    One that shows a frame of a sequence gives the frames at the index values of those of the image. Any other labels
    all frames of the image alike.

    Args:
        runtime: Slicer's classes.
        node: label map or segmentation node.
        image_node: the volume that it labels.
        image: as it was read of that.
        numbers: of its frames in the scene (``numbers_in_scene``).
        label_set: the name of the set, for sentences.
        options: how label maps are taken.
        progress: called meanwhile, as ``attended.beside`` says.

    Raises:
        InputError: it is of another kind, cannot be used, or does not lie on the image.
    """
    if not node.IsA(_SEGMENTATION) and not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(f"'{node.GetName()}' is neither a label map nor a segmentation.")
    labels, images = held_frames(node), held_frames(image_node)
    if not isinstance(labels, SequenceFrames) or images is None or numbers in ((), (images.shown,)):
        if node.IsA(_SEGMENTATION):
            return segmentation_volume(runtime, node, image.geometry, progress)
        return label_volume(runtime, node, image, label_set, options, progress)
    require_no_transform(node)
    theirs = _items(labels, images, numbers)
    if node.IsA(_SEGMENTATION):
        return _segmentations(runtime, labels, theirs, image, progress)
    return beside(lambda _: on_image(frames_of(runtime, labels, theirs), image, label_set, options), progress)


def _items(labels: SequenceFrames, images: HeldFrames, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the items of a sequence at the index values of another's: browsers go by values, not by numbers.

    Raises:
        InputError: there is none.
    """
    index, found = images.index, []
    for number in numbers:
        item = int(labels.kept.GetItemNumberFromIndexValue(index.values[number], True))
        if item < 0:
            where = f"{index.name} {index.values[number]} {index.unit}".strip()
            raise InputError(
                f"The sequence '{labels.kept.GetName()}' has no labels for frame {number} of '{images.kept.GetName()}' "
                f"({where}); add them, or leave that frame out."
            )
        found.append(item)
    return tuple(found)


def _segmentations(
    runtime: SlicerRuntime, labels: SequenceFrames, numbers: tuple[int, ...], image: SourceVolume, progress: Progress
) -> SourceVolume:
    """Return segmentations of a sequence as frames of one label map.

    Raises:
        InputError: they have not the same segments.
    """
    name = str(labels.kept.GetName())
    nodes = [labels.node(n, _SEGMENTATION) for n in numbers]
    parts = [segmentation_volume(runtime, node, image.geometry, progress) for node in nodes]
    first = parts[0]
    for number, part in zip(numbers, parts, strict=True):
        if part.segments != first.segments:
            raise InputError(
                f"The segmentations of '{name}' at items {numbers[0]} and {number} do not have the same segments, and "
                "their labels would mean different things; give both the same ones, in one order."
            )
    voxels = np.stack([part.voxels_kji for part in parts])
    stack = FrameStack(voxels, numbers, labels.count, index=labels.index.chosen(numbers))
    return replace(
        first,
        name=name,
        sha256=hashlib.sha256(voxels.data).hexdigest(),
        voxels_kji=voxels[0],
        frame=numbers[0],
        frames=stack if len(numbers) > 1 else None,
        warnings=tuple(dict.fromkeys(text for part in parts for text in part.warnings)),
    )
