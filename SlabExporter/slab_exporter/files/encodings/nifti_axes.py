"""NIfTI fields of a volume whose index axes were put in another order, or that was put on another grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.geometry import VolumeGeometry
from ...core.index_map import IndexMap
from ..nifti_transforms import same_form_mm
from .nifti_forms import ALIGNED, write_squared

_MILLIMETRES = 2
# NIFTI_SLICE_SEQ_INC to ALT_DEC2 of nifti1.h: the order in time of slices that are counted the other way round
_REVERSED_SLICES = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5}


def reordered_fields(fields: npt.NDArray, order: IndexMap, geometry: VolumeGeometry, form: str | None) -> npt.NDArray:
    """Return the header fields of the same voxels in another index order, or None for None.

    Both forms then say what ``geometry`` says: of a volume whose two forms differ, the one that was used.

    Args:
        fields: NIfTI header record of the volume as it was.
        order: from an index in the new volume to the index in it.
        geometry: of the new volume, RAS mm.
        form: "sform" or "qform", whichever placed the volume; None where its header has neither.
    """
    kept = placed_fields(fields, geometry, form)
    _reorder_scan(kept, order)
    return kept


def regridded_fields(fields: npt.NDArray, geometry: VolumeGeometry, form: str | None, keeps_axes: bool) -> npt.NDArray:
    """Return the header fields of a volume that was resampled: its slices are not the scan's any more.

    Args:
        fields: NIfTI header record of the volume as it was.
        geometry: of the new volume, RAS mm.
        form: "sform" or "qform", whichever placed the volume; None where its header has neither.
        keeps_axes: index axes run as they did, so that the directions of the scan are still known.
    """
    kept = placed_fields(fields, geometry, form)
    kept["slice_code"], kept["slice_duration"] = 0, 0
    if not keeps_axes:
        kept["dim_info"] = 0
    return kept


def placed_fields(fields: npt.NDArray, geometry: VolumeGeometry, form: str | None) -> npt.NDArray:
    """Return header fields with another grid, which both forms state; the code is the one of ``form``."""
    kept: Any = fields.copy()
    code = ALIGNED if form is None else int(fields[f"{form}_code"])
    kept["dim"][1:4] = geometry.shape_ijk
    kept["xyzt_units"] = (int(fields["xyzt_units"]) & ~7 & 0xFF) | _MILLIMETRES
    kept["sform_code"] = kept["qform_code"] = code
    kept["srow"] = geometry.affine_ras[:3]
    write_squared(kept, geometry.squared(), geometry.box, same_form_mm(geometry))
    return np.asarray(kept)


def _reorder_scan(fields: Any, order: IndexMap) -> None:
    """Let frequency, phase and slice direction, and the slices' order in time, follow the axes.

    "dim_info" holds the three index axes, counted from 1, in two bits each; 0 is unknown.
    """
    packed = int(fields["dim_info"])
    named = [(packed >> shift) & 3 for shift in (0, 2, 4)]
    moved = [order.axes.index(axis - 1) + 1 if axis else 0 for axis in named]
    fields["dim_info"] = moved[0] | moved[1] << 2 | moved[2] << 4
    if moved[2] and order.signs[moved[2] - 1] < 0:
        fields["slice_code"] = _REVERSED_SLICES.get(int(fields["slice_code"]), int(fields["slice_code"]))
