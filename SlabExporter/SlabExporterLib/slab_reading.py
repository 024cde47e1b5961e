"""One slab's file for stitching: a volume file by anybody, or DICOM of our own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .files.nifti import read_header
from .files.nifti_transforms import refuse_unusable
from .files.nifti_voxels import read_frames
from .formats import read_dicom_slab
from .mrml.runtime import SlicerRuntime
from .mrml.volume_files import is_nifti, nifti_geometry, require_volume_file
from .open_volume import open_any
from .pure.errors import InputError
from .pure.geometry import VolumeGeometry
from .pure.manifest import Manifest, SlabRecord


@dataclass(frozen=True)
class SlabFile:
    """What a slab's file holds.

    Attributes:
        voxels_ckji: values, channels first, in the file's index order.
        geometry: None where it was lost.
        fields: the NIfTI header; None for other files.
    """

    voxels_ckji: npt.NDArray
    geometry: VolumeGeometry | None
    fields: Any


def open_slab(runtime: SlicerRuntime, path: Path, trust_names: bool) -> SlabFile:
    """A slab's file; without geometry where there is none and names are trusted.

    Raises:
        InputError: it cannot be used.
    """
    if path.is_dir() or not is_nifti(path):
        volume = open_any(runtime, path)
        return SlabFile(volume.voxels_kji[np.newaxis], volume.geometry, None)
    require_volume_file(path)
    try:
        header = read_header(path)
        frames = read_frames(header)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        refuse_unusable(header, None)
        geometry = nifti_geometry(runtime, header, None)
    except InputError:
        if not trust_names:
            raise
        return SlabFile(frames, None, header.fields)
    return SlabFile(frames, geometry, header.fields)


def read_own_dicom(path: Path, slab: SlabRecord, manifest: Manifest, label_set: str | None) -> npt.NDArray:
    """The voxels (KJI) of an export's own DICOM slab, in the type of what it was cut from.

    Args:
        path: of the slab.
        slab: its record.
        manifest: of the case.
        label_set: name of the set it belongs to; None for the images.

    Raises:
        SlabExporterError: the slab does not lie where it should, or the manifest names no type.
    """
    record = manifest.source if label_set is None else manifest.label_sources[label_set]
    try:
        dtype = np.dtype(record["dtype"])
    except (KeyError, TypeError) as error:
        raise InputError(f"The manifest of {manifest.case} does not say of what type its source was.") from error
    return read_dicom_slab(path, slab.geometry).astype(dtype)
