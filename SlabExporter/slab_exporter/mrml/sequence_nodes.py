"""Sequences made in a user's scene of frames that were read from a file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..core.several.frames import FramesRecord
from ..core.several.index import FrameIndex
from ..core.volume import SourceVolume
from .nodes import as_slicer_loads, fill_node

# vtkMRMLSequenceNode.h: values of an index that are nearer to each other than this are one item.
_TOLERANCE = 0.001


def add_sequence(
    scene: Any, volume: SourceVolume, name: str, index: FrameIndex | None = None, is_label: bool = False
) -> Any:
    """Return a new sequence node with the frames of a volume, each where it lies in the patient.

    Where the file's order is left-handed, k is reversed, as Slicer does when it loads a volume.

    Args:
        scene: of the user.
        volume: with several frames.
        name: of the sequence.
        index: what they are ordered by; None for what the file says.
        is_label: whether they are label maps.

    Raises:
        ValueError: it holds one volume.
    """
    stack, geometry = volume.frames, volume.geometry
    if stack is None:
        raise ValueError(f"{volume.name} holds no frames.")
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    values = _set_index(sequence, index or FramesRecord.of_stack(stack).ordered_by)
    kind = "vtkMRMLLabelMapVolumeNode" if is_label else "vtkMRMLScalarVolumeNode"
    for n, value in enumerate(values):
        node = scene.CreateNodeByClass(kind)
        node.UnRegister(None)  # the factory's own reference
        node.SetName(f"{name}_{n:04d}")
        sequence.SetDataNodeAtValue(node, value)
        fill_node(node, *as_slicer_loads(stack.voxels_fkji[n], geometry), copy=True)
        sequence.UpdateDataNodeAtValue(node, value, True)  # without copying the voxels once more
    return sequence


def _set_index(sequence: Any, index: FrameIndex) -> tuple[str, ...]:
    """Describe the index of a sequence, and return a distinct value for each frame."""
    numbers = index.numbers
    gap = min((b - a for a, b in pairwise(sorted(numbers))), default=1.0) if numbers else 1.0
    if len(set(index.values)) < len(index.values) or gap <= 0:
        index = FrameIndex("frame", "", tuple(map(str, range(len(index.values)))))
    elif numbers is not None:
        sequence.SetNumericIndexValueTolerance(min(_TOLERANCE, gap / 10))
    sequence.SetIndexName(index.name)
    sequence.SetIndexUnit(index.unit)
    sequence.SetIndexType(sequence.TextIndex if index.numbers is None else sequence.NumericIndex)
    return index.values
