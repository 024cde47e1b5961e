"""What all peers share: where slabs begin and end, how they are named, and their command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

THICKNESS = 64


def case_name(volume: Path) -> str:
    """Return the file name without .nii.gz."""
    return volume.name.removesuffix(".nii.gz")


def slab_ranges(slices: int) -> list[tuple[int, int]]:
    """Return the half-open slice ranges of all slabs; the last one may be thinner."""
    return [(k, min(k + THICKNESS, slices)) for k in range(0, slices, THICKNESS)]


def slab_file(case_folder: Path, index: int) -> Path:
    """Return the file of one slab."""
    return case_folder / f"{case_folder.name}_slab-{index:03d}.nii.gz"


def run_peer(export_volume: Callable[[Path, Path], None]) -> None:
    """Call `export_volume(volume, case_folder)` for each file of `peer.py OUT FILE...`."""
    out, *volumes = map(Path, sys.argv[1:])
    for volume in volumes:
        case_folder = out / case_name(volume)
        case_folder.mkdir(parents=True)
        export_volume(volume, case_folder)
