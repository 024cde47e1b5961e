"""A volume in memory, ready to be cut: voxels, geometry and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from .geometry import FloatArray, VolumeGeometry


@dataclass(frozen=True)
class SourceVolume:
    """What the pipeline cuts.

    Attributes:
        name: for messages: a file's path, or a node's name.
        path: of the file; None for a volume that exists only in a scene.
        sha256: of the file's bytes, or of the node's voxels.
        geometry: shape and affine (RAS) in the order of ``voxels_kji``.
        voxels_kji: the values, C-contiguous, in native byte order.
        header: NIfTI header record whose descriptive fields the slabs keep; None for other files.
        nifti_transform: "sform" or "qform", whichever gave the affine; None for other files.
        frame: which frame of a 4D file this is; None for 3D files.
        loaded_affine_ras: the affine that Slicer holds, where its index order is another one.
        warnings: what a user should know about this file.
        record: what the manifest says of it besides: of a DICOM series its UID and how it was made
            regular, of a reordered label map its own geometry.
        dicom: the planes' headers (``dicom.load.DicomSource``); None for other files.
        segments: (value, name) of each segment, for a label map made of a segmentation.
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
