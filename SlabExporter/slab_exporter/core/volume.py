"""A volume in memory, ready to be cut: voxels, geometry and where they came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .geometry import Box, FloatArray, VolumeGeometry
from .index_map import IndexMap
from .several.frames import FrameStack, FrameTime
from .values import label_objection

# Entry of ``SourceVolume.record`` of a volume that was made ready before it is cut: what was done, for people.
PREPARED = "prepared"
# Entry of a volume of a Slicer scene that is no longer the DICOM series that it was loaded from: which, what was done.
DERIVED_FROM = "derived_from"


@dataclass(frozen=True)
class SourceVolume:
    """A volume in memory, as the pipeline cuts it.

    Attributes:
        name: for messages: a file's path, or a node's name.
        path: of the file; None for a volume that exists only in a scene.
        sha256: of the file's bytes, or of the node's voxels; where ``frame_only`` of header and frame.
        geometry: shape and affine (RAS) in the order of ``voxels_kji``.
        voxels_kji: the values, C-contiguous, in native byte order.
        header: NIfTI header record whose descriptive fields the slabs keep; None for other files.
        nifti_transform: "sform" or "qform", whichever gave the affine; None for other files.
        frame: which frame of a 4D file this is; None for 3D files.
        frames: all frames that were read of a 4D file, of which ``voxels_kji`` is the first; None for one volume.
        time: when it is, of a frame that is cut apart from the others of its source; None where that is not known.
        frame_only: whether of a huge 4D file nothing but the header and this frame was read.
        loaded_affine_ras: the affine that Slicer holds, where its index order is another one.
        warnings: what a user should know about this file.
        record: what the manifest says of it besides: of a DICOM series its UID and how it was made
            regular, of a label map that was put on the image's grid its own geometry and what was done.
        dicom: the planes' headers (``dicom.load.DicomSource``); None for other files.
        segments: (value, name) of each segment, for a label map made of a segmentation.
        colours: (value, red, green, blue from 0 to 255) of those whose file states one.
    """

    name: str
    path: str | None
    sha256: str
    geometry: VolumeGeometry
    voxels_kji: npt.NDArray
    header: Any = None
    nifti_transform: str | None = None
    frame: int | None = None
    loaded_affine_ras: FloatArray | None = None
    warnings: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    dicom: Any = None
    segments: tuple[tuple[int, str], ...] = ()
    colours: tuple[tuple[int, tuple[int, int, int]], ...] = ()
    frame_only: bool = False
    frames: FrameStack | None = None
    time: FrameTime | None = None

    @property
    def frames_kji(self) -> Iterator[npt.NDArray]:
        """Voxels (KJI) of each frame; of one volume its own."""
        stack = self.frames
        return iter([self.voxels_kji]) if stack is None else (stack.voxels_fkji[n] for n in range(len(stack)))

    def each_frame(self, change: Callable[[SourceVolume], SourceVolume]) -> SourceVolume:
        """Return the volume with every frame changed alike.

        Args:
            change: from one volume to one on another grid, or with other values.
        """
        stack = self.frames
        if stack is None:
            return change(self)
        first = change(replace(self, frames=None))
        voxels = np.empty((len(stack), *first.voxels_kji.shape), first.voxels_kji.dtype)
        voxels[0] = first.voxels_kji
        for n in range(1, len(stack)):
            voxels[n] = change(replace(self, voxels_kji=stack.voxels_fkji[n], frames=None)).voxels_kji
        return replace(first, voxels_kji=voxels[0], frames=replace(stack, voxels_fkji=voxels))

    @property
    def made(self) -> tuple[str, ...]:
        """What was done with the voxels of its source, as parts of a sentence."""
        regular = ("made a regular volume by linear interpolation",) if "resampled" in self.record else ()
        before = (str(self.record[DERIVED_FROM]["done"]),) if DERIVED_FROM in self.record else ()
        ready = (str(self.record[PREPARED]),) if PREPARED in self.record else ()
        return (*regular, *before, *ready)

    def inside(self, box: Box) -> npt.NDArray:
        """Return the voxels (KJI) of a box as far as it lies inside the volume; a view."""
        return self.voxels_kji[box.intersection(self.geometry.box).slices_kji()]

    def rearranged(self, order: IndexMap) -> SourceVolume:
        """Return the same voxels in the same places of the patient, in another index order.

        Args:
            order: from a voxel's index in the result to its index here (``IndexMap.reordering``).

        Returns:
            A copy of the voxels with the affine that belongs to them; all else stays, and whoever
            rearranges drops what depended on the order.

        Raises:
            ValueError: the map leaves out voxels of this volume, or reaches outside it.

        >>> ct = SourceVolume("ct", None, "", VolumeGeometry((2, 3, 4), np.eye(4)), np.zeros((4, 3, 2)))
        >>> head_first = ct.rearranged(IndexMap.reordering((2, 0, 1), (-1, 1, 1), (2, 3, 4)))
        >>> head_first.geometry.shape_ijk, head_first.geometry.affine_ras[:3, 3].tolist()
        ((4, 2, 3), [0.0, 0.0, 3.0])
        """
        geometry = order.reordered(self.geometry)
        if order.box(geometry.shape_ijk) != self.geometry.box:
            raise ValueError(f"{order} does not cover the {self.geometry.shape_ijk} voxels of {self.name}.")
        voxels = np.ascontiguousarray(order.arranged(self.voxels_kji.T, geometry.shape_ijk).T)
        return replace(self, voxels_kji=voxels, geometry=geometry)


@dataclass(frozen=True)
class VolumePeek:
    """Facts from the headers of a volume whose voxels were not read.

    Attributes:
        kind: "NIfTI", "MGH" or "DICOM", or "ITK" for every other file.
        geometry: shape and affine (RAS), in the index order in which the volume would be read.
        dtype: of the stored voxels, in native byte order.
        frames: how many volumes the file or series holds, of which this is one.
        is_scaled: values are computed from the stored ones, so that their type is known only when they are read.
        warnings: what a user should know about the headers.
        numbers: of the frames that would be read; None for one volume.
    """

    kind: Literal["NIfTI", "MGH", "ITK", "DICOM"]
    geometry: VolumeGeometry
    dtype: np.dtype
    frames: int = 1
    is_scaled: bool = False
    warnings: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = None

    @property
    def bytes_per_voxel(self) -> int:
        """Bytes of a stored voxel, in all frames that would be read."""
        return self.dtype.itemsize * (1 if self.numbers is None else len(self.numbers))

    @property
    def voxel_bytes(self) -> int:
        """Bytes of the stored voxels of this one volume, or of the frames that would be read, uncompressed."""
        return math.prod(self.geometry.shape_ijk) * self.bytes_per_voxel


def label_warnings(label: SourceVolume) -> tuple[str, ...]:
    """Return what a user should know about a label map: its file's warnings, and values that are no labels."""
    objection = next(filter(None, map(label_objection, label.frames_kji)), None)
    if objection is None:
        return label.warnings
    if "fractions" in objection or "NaN" in objection:
        advice = "Programs cut such values off (0.999 becomes 0) or refuse them; save it as whole numbers."
    else:
        advice = "Labels are whole numbers from 0 (background) on; was an image given, or a map of distances?"
    return (*label.warnings, f"{label.name} is not a label map: it {objection}. {advice}")


def is_identity(geometry: VolumeGeometry) -> bool:
    """Return whether an affine is the identity, as programs write it that have lost the real one.

    >>> is_identity(VolumeGeometry((2, 2, 2), np.eye(4))), is_identity(VolumeGeometry((2, 2, 2), np.diag([1, 1, 3, 1])))
    (True, False)
    """
    return bool(np.allclose(geometry.affine_ras, np.eye(4), rtol=0, atol=1e-6))


def geometry_facts(geometry: VolumeGeometry) -> dict[str, Any]:
    """Return shape, spacing and orientation of a geometry, rounded for people."""
    return {
        "shape": list(geometry.shape_ijk),
        "spacing": [round(float(s), 6) for s in geometry.spacing],
        "orientation": geometry.orientation,
        "handedness": "right-handed" if geometry.is_right_handed else "left-handed",
        "obliquity": round(geometry.obliquity_degrees, 2),
        "shear": round(geometry.shear, 6),
    }
