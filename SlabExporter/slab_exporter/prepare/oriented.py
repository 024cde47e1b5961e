"""Volumes with their index axes in another order: the same voxels in the same places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.index_map import IDENTITY_AXES, IndexMap
from ..core.volume import SourceVolume
from ..files.encodings.nifti_axes import reordered_fields


def oriented(volume: SourceVolume, order: IndexMap) -> SourceVolume:
    """Return a volume in another index order, with the headers that belong to it.

    Args:
        volume: as it was read.
        order: from an index in the result to the index in it.
    """
    if order.keeps_order:
        return volume
    turned = volume.rearranged(order)
    header = volume.header
    if header is not None:
        header = reordered_fields(header, order, turned.geometry, volume.nifti_transform)
    return replace(turned, header=header, dicom=_dicom(volume.dicom, order), loaded_affine_ras=None)


def _dicom(source: Any, order: IndexMap) -> Any:
    """Return what is known of a series' planes: those of the result are images of it only if no image was changed."""
    if source is None or not source.planes:
        return source
    whole = order.axes == IDENTITY_AXES and order.signs[:2] == (1, 1)
    return replace(source, planes=source.planes[:: order.signs[2]] if whole else ())
