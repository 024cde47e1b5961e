"""The grid of another volume, from its headers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ..core.geometry import VolumeGeometry
from ..volumes.choice import FileChoice, holds_several, located
from ..volumes.reading import peek_volume


def reference_grid(path: str) -> VolumeGeometry:
    """Return the grid of a volume file or DICOM series; the first volume's of a file that holds several.

    Raises:
        InputError: it cannot be used.
    """
    volume = located(FileChoice(Path(path)))
    if volume.frame is None and holds_several(volume):
        volume = replace(volume, frame=0)
    return peek_volume(volume).geometry


def grid_sha256(grid: VolumeGeometry) -> str:
    """Return the checksum of a grid: what matters of a reference."""
    return hashlib.sha256(repr((grid.shape_ijk, grid.affine_ras.tolist())).encode()).hexdigest()
