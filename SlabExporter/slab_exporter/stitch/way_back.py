"""From the grid that was cut back to the source's, where a volume was made ready before it was cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..core.index_map import IndexMap
from ..core.manifest import Manifest
from ..core.volume import PREPARED, SourceVolume
from ..files.encodings.nifti_axes import reordered_fields


def on_source_grid(
    volume: SourceVolume, voxels_ckji: npt.NDArray, manifest: Manifest
) -> tuple[SourceVolume, npt.NDArray]:
    """Return a stitched volume on its source's grid, whose affine is the recorded one to the last digit.

    Args:
        volume: geometry and header on the cut grid.
        voxels_ckji: its voxels (channels, k, j, i).
        manifest: of the export.
    """
    record, source = manifest.prepared, manifest.source.geometry
    if record is None or record.order is None:
        return volume, voxels_ckji
    back = record.order.inverse()
    voxels = _arranged(voxels_ckji, back, source.shape_ijk)
    header = volume.header
    if header is not None:
        form = next((name for name in ("sform", "qform") if int(header[f"{name}_code"]) > 0), None)
        header = reordered_fields(header, back, source, form)
    done = {PREPARED: "on the source's grid"}
    return replace(volume, geometry=source, voxels_kji=voxels[0], header=header, record=done), voxels


def _arranged(voxels_ckji: npt.NDArray, order: IndexMap, shape: tuple[int, int, int]) -> npt.NDArray:
    return np.swapaxes(order.arranged(np.swapaxes(voxels_ckji, 1, 3), shape), 1, 3)
