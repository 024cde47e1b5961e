"""Checks that a run has produced what it should: every slab of every volume, no voxel missing."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

from peers.nifti_header import HEADER_BYTES, read_shape
from peers.slabs import case_name, slab_ranges


def voxel_count(file: Path) -> int:
    """Return the number of voxels that the NIfTI header promises."""
    with gzip.open(file) as stream:
        return math.prod(read_shape(stream.read(HEADER_BYTES)))


def slab_files(case_folder: Path) -> list[Path]:
    return sorted(case_folder.rglob("*.nii.gz"))


def find_fault(volumes: list[Path], out: Path, manifest_expected: bool) -> str | None:
    """Return what is wrong with the outputs in one sentence, None if nothing is."""
    for volume in volumes:
        with gzip.open(volume) as stream:
            shape = read_shape(stream.read(HEADER_BYTES))
        case_folder = out / case_name(volume)
        slabs, expected = slab_files(case_folder), len(slab_ranges(shape[2]))
        if len(slabs) != expected:
            return f"{len(slabs)} slabs instead of {expected}"
        if sum(map(voxel_count, slabs)) < math.prod(shape):
            return "voxels are missing"
        if manifest_expected and not (case_folder / "manifest.json").is_file():
            return "no manifest.json"
    return None


def written_megabytes(out: Path) -> float:
    """Return the size of all slabs together, in MB (10^6 bytes)."""
    return sum(file.stat().st_size for file in slab_files(out)) / 1e6
