"""What a manifest says of the grid that was cut, where it is not the source's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import VolumeGeometry
from ..index_map import SIGNED_PERMUTATIONS, IndexMap
from ..pieces.records import three


@dataclass(frozen=True)
class PreparedRecord:
    """How the grid that was cut was made of the source's.

    Attributes:
        geometry: the cut grid, in whose indices the boxes count.
        orient: three letters that were asked for; None: the source's order of axes.
        order: from an index in the oriented volume to the source's; None likewise.
    """

    geometry: VolumeGeometry
    orient: str | None = None
    order: IndexMap | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        entry: dict[str, Any] = {
            "shape_ijk": list(self.geometry.shape_ijk),
            "orientation": self.geometry.orientation,
            "affine_ras": self.geometry.affine_ras.tolist(),
        }
        if self.order is not None:
            order = {"code": self.orient, "axes": list(self.order.axes), "signs": list(self.order.signs)}
            entry["orient"] = order
        return entry

    @classmethod
    def from_json(cls, entry: dict[str, Any], source: VolumeGeometry) -> PreparedRecord:
        """Read an entry of a manifest.

        Args:
            entry: the document's.
            source: of the image, as the manifest has it.
        """
        geometry = VolumeGeometry(three(entry["shape_ijk"]), np.array(entry["affine_ras"], dtype=float))
        orient = entry.get("orient")
        if orient is None:
            return cls(geometry)
        axes, signs = three(orient["axes"]), three(orient["signs"])
        if (axes, signs) not in SIGNED_PERMUTATIONS:
            raise ValueError(f"axes {axes} in the directions {signs}")
        return cls(geometry, str(orient["code"]), IndexMap.reordering(axes, signs, source.shape_ijk))
