"""Several volumes as one node shows them: a sequence with its browser, or a multi-volume.

They are read from where the scene keeps them. The node that shows one of them, and the browser that says which,
are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.several.index import FrameIndex
from ..core.text import sizes
from .nodes import node_geometry, voxels_kji

_BROWSER = "vtkMRMLSequenceBrowserNode"
# Of the extension MultiVolumeImporter: a scalar volume with as many numbers per voxel as there are frames
# (vtkMRMLMultiVolumeNode.h; its attributes are set in MultiVolumeImporterPlugin.py).
_MULTI_VOLUME = "vtkMRMLMultiVolumeNode"
_LABELS = "MultiVolume.FrameLabels"
_NAME = "MultiVolume.FrameIdentifyingDICOMTagName"
_UNIT = "MultiVolume.FrameIdentifyingDICOMTagUnits"


@dataclass(frozen=True)
class ShownFrame:
    """The frame of a sequence that a node shows at the moment.

    Attributes:
        sequence: name of the sequence.
        number: of the frame, from 0.
        count: of frames.
    """

    sequence: str
    number: int
    count: int

    def sentence(self, name: str) -> str:
        """Return what an export of the node called ``name`` leaves out.

        >>> ShownFrame("Perfusion", 2, 20).sentence("Perfusion")
        "'Perfusion' shows frame 2 of the 20 (0 to 19) of the sequence 'Perfusion': this frame alone is exported."
        """
        return (
            f"'{name}' shows frame {self.number} of the {self.count} (0 to {self.count - 1}) of the sequence "
            f"'{self.sequence}': this frame alone is exported."
        )


@dataclass(frozen=True)
class SequenceFrames:
    """The frames of a sequence.

    Attributes:
        kept: the sequence node, which may have a file.
        shown: number of the frame that the browser shows, from 0.
    """

    kept: Any
    shown: int

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.kept.GetNumberOfDataNodes())

    @property
    def index(self) -> FrameIndex:
        """What they are ordered by."""
        values = tuple(str(self.kept.GetNthIndexValue(n)) for n in range(self.count))
        return FrameIndex(str(self.kept.GetIndexName()), str(self.kept.GetIndexUnit()), values)

    def node(self, number: int, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
        """Return the node that holds a frame.

        Raises:
            InputError: it is of another kind.
        """
        found = self.kept.GetNthDataNode(number)
        if found is None or not found.IsA(kind):
            what = "scalar volume" if kind == "vtkMRMLScalarVolumeNode" else "segmentation"
            raise InputError(f"Frame {number} of the sequence '{self.kept.GetName()}' is not a {what}.")
        return found

    def voxels_kji(self, number: int) -> npt.NDArray:
        """Return the voxels of a frame: a view.

        Raises:
            InputError: it is not a volume, or holds no voxels.
        """
        return voxels_kji(self.node(number))

    def geometry(self, number: int) -> VolumeGeometry:
        """Return where a frame lies."""
        return node_geometry(self.node(number))


@dataclass(frozen=True)
class MultiVolumeFrames:
    """The frames of a multi-volume, with the same attributes."""

    kept: Any
    shown: int

    @property
    def count(self) -> int:
        """How many numbers there are per voxel."""
        image = self.kept.GetImageData()
        return 0 if image is None else int(image.GetNumberOfScalarComponents())

    @property
    def index(self) -> FrameIndex:
        """What they are ordered by; their numbers where the node does not say."""
        values = multi_volume_values(self.kept.GetAttribute(_LABELS) or "")
        if len(values) != self.count:
            return FrameIndex("", "", tuple(map(str, range(self.count))))
        return FrameIndex(self.kept.GetAttribute(_NAME) or "", self.kept.GetAttribute(_UNIT) or "", values)

    def voxels_kji(self, number: int) -> npt.NDArray:
        """Return the voxels of a frame: a view, whose voxels do not lie side by side.

        Raises:
            InputError: the node holds no voxels.
        """
        from vtkmodules.util.numpy_support import vtk_to_numpy

        image = self.kept.GetImageData()
        if self.count == 0 or image.GetPointData().GetScalars() is None:
            raise InputError(f"The volume '{self.kept.GetName()}' holds no voxels.")
        values = vtk_to_numpy(image.GetPointData().GetScalars())
        return values.reshape(*image.GetDimensions()[::-1], self.count)[..., number]

    def geometry(self, number: int) -> VolumeGeometry:
        """Return where the frames lie."""
        return node_geometry(self.kept)


HeldFrames = SequenceFrames | MultiVolumeFrames


def held_frames(node: Any) -> HeldFrames | None:
    """Return the frames of which a node shows one; None where it does not belong to several."""
    if node.IsA(_MULTI_VOLUME):
        display = node.GetDisplayNode()
        shown = int(display.GetFrameComponent()) if hasattr(display, "GetFrameComponent") else 0
        frames = MultiVolumeFrames(node, shown)
        return frames if frames.count > 1 else None
    browser = browser_of(node)
    if browser is None:
        return None
    return SequenceFrames(browser.GetSequenceNode(node), int(browser.GetSelectedItemNumber()))


def browser_of(node: Any) -> Any:
    """Return the browser of the sequence of several items that a node shows; None where it shows none."""
    scene = node.GetScene()
    for number in range(scene.GetNumberOfNodesByClass(_BROWSER) if scene is not None else 0):
        browser = scene.GetNthNodeByClass(number, _BROWSER)
        sequence = browser.GetSequenceNode(node)
        if sequence is not None and sequence.GetNumberOfDataNodes() > 1:
            return browser
    return None


def name_without_index(node: Any) -> str:
    """Return a node's name; of one whose name a browser changes with the frame, "CT [time=2s]", its sequence's."""
    browser = browser_of(node)
    if browser is not None and browser.GetOverwriteProxyName(browser.GetSequenceNode(node)):
        node = browser.GetSequenceNode(node)
    return str(node.GetName() or "")


def shown_frame(node: Any) -> ShownFrame | None:
    """Return the frame that a node shows; None where it does not follow a sequence of several."""
    frames = held_frames(node)
    return None if frames is None else ShownFrame(str(frames.kept.GetName()), frames.shown, frames.count)


def frames_in_memory(frames: HeldFrames, numbers: tuple[int, ...]) -> FrameViews:
    """Return frames as they lie in the scene.

    Raises:
        InputError: they are of several grids or types, or one is not a volume.
    """
    name, first = frames.kept.GetName(), numbers[0]
    views = [frames.voxels_kji(number) for number in numbers]
    place = frames.geometry(first)
    for number, view in zip(numbers, views, strict=True):
        other = frames.geometry(number)
        apart = place.difference(other)
        # a series may have thousands of frames, and a panel asks again with each change
        is_equal = other.shape_ijk == place.shape_ijk and np.array_equal(other.affine_ras, place.affine_ras)
        if not is_equal and not apart.is_same_grid():
            how = str(apart) if apart.same_shape else f"{sizes(apart.shapes[0])} and {sizes(apart.shapes[1])} voxels"
            raise InputError(
                f"Frames {first} and {number} of '{name}' lie on different grids ({how}) and cannot be frames of one "
                "file; export them one by one, or resample them to one grid first."
            )
        if view.dtype != views[0].dtype:
            raise InputError(
                f"Frame {number} of '{name}' holds {view.dtype.name}, frame {first} {views[0].dtype.name}; frames of "
                "one file are of one type: convert them, or export them one by one."
            )
    return FrameViews(tuple(views))


class FrameViews:
    """Voxels (frames, k, j, i) of several arrays, indexed as one array is, by a frame first; nothing is copied.

    Args:
        views: voxels (KJI) of each frame, of one shape and type.
    """

    def __init__(self, views: tuple[npt.NDArray, ...]) -> None:
        self._views = views
        self.dtype = views[0].dtype
        self.shape = (len(views), *views[0].shape)

    def k_reversed(self) -> FrameViews:
        """Return the same voxels with k the other way round."""
        return FrameViews(tuple(view[::-1] for view in self._views))

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, index: int | tuple[int | slice, ...]) -> npt.NDArray:
        frame, *inside = index if isinstance(index, tuple) else (index,)
        assert isinstance(frame, int)
        return np.ascontiguousarray(self._views[frame][tuple(inside)])


def multi_volume_values(text: str) -> tuple[str, ...]:
    """Return the values that a multi-volume states of its frames, "0,40,80".

    >>> multi_volume_values("0, 40,80")
    ('0', '40', '80')
    """
    return tuple(value.strip() for value in text.split(",")) if text.strip() else ()
