"""A slab as a folder of DICOM files: written under a temporary name, read back, compared, renamed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy.typing as npt

from ...core.errors import writing
from ...files.checksum import file_sha256
from ...files.slab_files import FinishedFile
from ..reading.scan import combined_sha256
from .readback import verify_slab_folder
from .slab_series import SlabSeries


def write_slab_folder(
    series: SlabSeries, voxels_kji: npt.NDArray, unfinished: Path, final: Path, fill: float, verify: bool
) -> FinishedFile:
    """Write one slab; ``final`` appears complete or not at all.

    Args:
        series: its header.
        voxels_kji: its values.
        unfinished: a folder to make, on the same disk.
        final: the slab's folder, which must not exist.
        fill: value of voxels outside the source.
        verify: read back and compare with the source.

    Raises:
        VerificationError: what was written is not the source's box.
        OutputError: it could not be written.
    """
    try:
        with writing(final):
            unfinished.mkdir()
            write_images(series, voxels_kji, unfinished)
            if verify:
                image = series.header.image
                error = series.header.form.largest_error
                verify_slab_folder(unfinished, image.voxels_kji, image.geometry, series.box, fill, error)
            checksum = folder_sha256(unfinished)
            os.replace(unfinished, final)
            return FinishedFile(checksum, verify)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_images(series: SlabSeries, voxels_kji: npt.NDArray, folder: Path) -> None:
    """One file an image, 0001.dcm and so on, in order of k.

    Raises:
        OSError: a file could not be written.
    """
    digits = max(4, len(str(len(voxels_kji))))
    for number, (head, pixels) in enumerate(series.images(voxels_kji), start=1):
        with open(folder / f"{number:0{digits}d}.dcm", "wb", buffering=0) as file:
            file.write(head)
            pixels.tofile(file)


def folder_sha256(folder: Path) -> str:
    """Check sum of a slab's folder: over the sorted check sums of its files."""
    return combined_sha256([file_sha256(path) for path in sorted(folder.iterdir())])
