"""Predictions in files that hold several numbers per voxel or no geometry: vector images, nnU-Net's .npz, .npy."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, reading
from ..core.geometry import RAS_TO_LPS, VolumeGeometry
from ..core.naming import volume_extension
from ..files.detached import voxel_files
from ..files.itk.reader import read_itk_image
from ..files.machine import native_messages_hidden, require_memory
from ..files.nifti import read_header
from ..files.nifti_transforms import header_geometry
from ..files.readback import array_view_kji
from ..files.stacks.itk_frames import header_reader
from ..files.statements.table import read_statement
from .channel_axes import channels_first

ARRAY_EXTENSIONS = (".npz", ".npy")
_VECTORS = (".nrrd", ".nhdr", ".mha", ".mhd")
# What nnU-Net calls its array, now and before (SimpleITK's order: channels, z, y, x).
_NNUNET = ("probabilities", "softmax")


@dataclass(frozen=True)
class Channels:
    """Voxels of a file as (channels, k, j, i).

    Attributes:
        voxels_ckji: the values.
        geometry: of one channel; None where the file states none.
        note: a sentence on what was taken for granted; None for nothing.
    """

    voxels_ckji: npt.NDArray
    geometry: VolumeGeometry | None
    note: str | None = None


def is_array_file(path: Path) -> bool:
    """Return whether a file holds numpy arrays."""
    return path.suffix.lower() in ARRAY_EXTENSIONS


def read_array_file(path: Path, shape_ijk: tuple[int, int, int], trust_names: bool) -> Channels:
    """Read a .npz of nnU-Net, or a .npy; nothing is ever unpickled.

    Args:
        path: of the file.
        shape_ijk: of its slab.
        trust_names: take the geometry of an array without one from the slab of its name.

    Raises:
        InputError: it cannot be read, or its axes cannot be told.
    """
    if path.suffix.lower() == ".npy":
        return Channels(channels_first(_array(path), shape_ijk, str(path)), None)
    voxels = _array(path)
    if voxels.ndim != 4:
        raise InputError(f"{path}: its probabilities have the shape {voxels.shape}, not (channels, z, y, x).")
    beside = path.with_suffix(".nii.gz")
    if beside.is_file():
        return Channels(voxels, header_geometry(read_header(beside)))
    if voxels.shape[1:] != shape_ijk[::-1] or trust_names:
        return Channels(voxels, None)
    note = "states no geometry: its axes are taken for channels, z, y, x of its slab, as nnU-Net writes them."
    return Channels(voxels, VolumeGeometry(shape_ijk, np.eye(4)), note)


def _array(path: Path) -> npt.NDArray:
    """Return the array of a .npy file, or nnU-Net's of a .npz file."""
    try:
        with reading(path):
            if path.suffix.lower() == ".npy":
                require_memory(path, path.stat().st_size)
                return np.asarray(np.load(path, allow_pickle=False))
            with zipfile.ZipFile(path) as packed:
                require_memory(path, sum(one.file_size for one in packed.infolist()))
            with np.load(path, allow_pickle=False) as arrays:
                key = next((name for name in _NNUNET if name in arrays.files), None)
                if key is not None:
                    return np.asarray(arrays[key])
                held = ", ".join(arrays.files[:5]) or "nothing"
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path} is not a file of numpy arrays, is damaged, or holds Python objects.") from error
    raise InputError(f"{path} holds {held}; of .npz files the array 'probabilities' of nnU-Net is taken.")


def vector_kind(path: Path) -> tuple[np.dtype, int] | None:
    """Return type and number of channels of a vector or 4D image that ITK reads; None of one number per voxel.

    Raises:
        InputError: its header is damaged.
    """
    import SimpleITK as sitk

    if volume_extension(path) not in _VECTORS:
        return None
    voxel_files(path)
    reader = header_reader(path)
    size = reader.GetSize()
    channels = reader.GetNumberOfComponents() * (size[3] if len(size) == 4 else 1)
    if channels == 1 or len(size) not in (3, 4):
        return None
    one = sitk.Image([1, 1], reader.GetPixelID(), reader.GetNumberOfComponents())
    return sitk.GetArrayViewFromImage(one).dtype, channels


def read_vectors(path: Path) -> Channels:
    """Read a vector or 4D image that ITK reads.

    Raises:
        InputError: it is damaged.
    """
    try:
        with native_messages_hidden():
            image = read_itk_image(path)
    except RuntimeError as error:
        raise InputError(f"{path} is damaged: its voxels cannot be read.") from error
    voxels = array_view_kji(image)
    several = image.GetDimension() == 4
    voxels = np.array(voxels if several else np.moveaxis(voxels, -1, 0))
    direction = np.array(image.GetDirection()).reshape(image.GetDimension(), -1)[:3, :3]
    matrix = np.eye(4)
    matrix[:3, :3] = direction * np.array(image.GetSpacing()[:3])
    matrix[:3, 3] = image.GetOrigin()[:3]
    by_itk = VolumeGeometry(image.GetSize()[:3], RAS_TO_LPS @ matrix)
    return Channels(voxels, read_statement(path).placed(by_itk))
