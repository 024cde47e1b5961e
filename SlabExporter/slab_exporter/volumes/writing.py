"""Write whole volumes: Slicer's header, the voxels piece by piece, all read back, then renamed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OutputError, VerificationError, writing
from ..core.geometry import VolumeGeometry
from ..core.text import Option
from ..core.volume import SourceVolume
from ..files.atomic import scratch_beside
from ..files.encodings.table import encoding_of
from ..files.machine import THREADS
from ..files.readback import (
    array_view_kji,
    first_change,
    image_geometry,
    open_reader,
    planes_at_a_time,
    verify_place,
)
from ..files.voxel_file import VoxelFile, write_voxel_file
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import slicers_header


def require_writable(path: Path, overwrite: bool) -> None:
    """Refuse an output file that is in use or of another format.

    Raises:
        RequestError: the extension is none of ``WRITABLE``.
        OutputError: the file exists.
    """
    encoding_of(path)
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already; choose another name, or add ", Option.on("overwrite"), " to replace it."
        )


def write_volume(
    runtime: SlicerRuntime, volume: SourceVolume, final: Path, channels: npt.NDArray | None = None
) -> None:
    """Write a volume; ``final`` appears complete and verified, or not at all.

    Args:
        runtime: Slicer's classes.
        volume: voxels, geometry, and the header whose descriptive fields are kept.
        final: its extension, one of ``WRITABLE``, says the encoding; its folder is made if missing.
        channels: (channels, k, j, i) to be written instead of ``volume.voxels_kji``, as 4D NIfTI.

    Raises:
        OutputError: it could not be written.
        VerificationError: what was written is not what should have been.
    """
    voxels = np.ascontiguousarray(volume.voxels_kji[np.newaxis] if channels is None else channels)
    encoding = encoding_of(final)
    if volume.frames is None or not encoding.holds_channels:
        encoding.require_possible(final, volume.geometry.shape_ijk, len(voxels))
    with scratch_beside(final) as scratch, writing(final):
        corner, ready = scratch / f"corner{encoding.raw_extension}", scratch / f"volume{encoding.extension}"
        header = slicers_header(runtime, volume.geometry, voxels.dtype, corner, len(voxels))
        described = encoding.described(header, volume, volume.geometry.box)
        write_voxel_file(ready, VoxelFile(encoding, described, voxels), "fast", final.name, True, THREADS)
        _ask_simpleitk(ready, voxels, volume.geometry, encoding.reads_part, final.name)
        os.replace(ready, final)


def _ask_simpleitk(path: Path, voxels_ckji: npt.NDArray, geometry: VolumeGeometry, reads_part: bool, name: str) -> None:
    """Compare what SimpleITK reads: type, shape, place, values of some planes (all where ITK reads whole files).

    Raises:
        VerificationError: SimpleITK finds something other than what was to be written.
    """
    channels, size = len(voxels_ckji), geometry.shape_ijk
    reader = open_reader(path)
    expected = size if channels == 1 else (*size, channels)
    in_list = channels > 1 and reader.GetNumberOfComponents() == channels  # ITK: several numbers per voxel
    expected = size if in_list else expected
    if tuple(reader.GetSize()) != expected:
        raise VerificationError(f"{name}: it has {tuple(reader.GetSize())} voxels instead of {expected}.")
    planes = min(planes_at_a_time(size), size[2]) if reads_part else size[2]
    first = min(max(0, (first_change(voxels_ckji[0]) or 0) - 1), size[2] - planes)
    # a size of 0 along the fourth axis gives a three-dimensional image
    reader.SetExtractSize([*size[:2], planes, 0][: len(expected)])
    reader.SetExtractIndex([0, 0, first, 0][: len(expected)])
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise VerificationError(f"{name}: SimpleITK cannot read it back.") from error
    affine = image_geometry(image).affine_ras.copy()
    affine[:3, 3] -= first * affine[:3, 2]
    verify_place(path, name, VolumeGeometry(size, affine), geometry)
    found, written = array_view_kji(image), voxels_ckji[0, first : first + planes]
    found = found[..., 0] if in_list else found
    if found.dtype != written.dtype:
        raise VerificationError(f"{name}: voxels are {found.dtype.name} instead of {written.dtype.name}.")
    # ITK's NIfTI library reads NaN and infinities as 0
    if not np.array_equal(found, written) and not np.array_equal(
        found[np.isfinite(written)], written[np.isfinite(written)]
    ):
        raise VerificationError(f"{name}: voxels differ from what was to be written.")
