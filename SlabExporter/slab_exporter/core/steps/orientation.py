"""Order of index axes by the letters of where they point to in the patient."""

from __future__ import annotations

from ..geometry import AXIS_LETTERS, VolumeGeometry
from ..index_map import IndexMap, Three


def order_towards(geometry: VolumeGeometry, code: str) -> IndexMap:
    """Return the map from an index in the volume so oriented to the index in the volume as it is.

    Of an oblique volume each index axis counts as the patient's axis that it is nearest to; nothing is rotated.

    Args:
        geometry: of the volume as it is.
        code: one of ``codes.ORIENTATIONS``.

    >>> import numpy as np
    >>> order = order_towards(VolumeGeometry((512, 512, 300), np.diag([-1.0, 1, 2, 1])), "RAS")
    >>> order.axes, order.signs, order.origin
    ((0, 1, 2), (-1, 1, 1), (511, 0, 0))
    """
    axes, signs = [], []
    for letter in code:
        ras_axis = next(n for n, ends in enumerate(AXIS_LETTERS) if letter in ends)
        axis, sign = geometry.index_axis(ras_axis)
        axes.append(axis)
        signs.append(sign if letter == AXIS_LETTERS[ras_axis][0] else -sign)
    return IndexMap.reordering(_three(axes), _three(signs), geometry.shape_ijk)


def _three(values: list[int]) -> Three:
    a, b, c = values
    return a, b, c
