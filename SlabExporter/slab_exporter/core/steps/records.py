"""What a manifest says of the grid that was cut, where it is not the source's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RequestError
from ..geometry import VolumeGeometry
from ..index_map import SIGNED_PERMUTATIONS, IndexMap
from ..options.prepare import INTERPOLATIONS, Interpolation
from ..pieces.records import three
from .spacing import Spacing, spacing_of


@dataclass(frozen=True)
class ResampledRecord:
    """How values were computed on the grid that was cut.

    Attributes:
        interpolation: of images; label maps are sampled by nearest neighbour.
        spacing: mm that were asked for along i, j, k, 0 where an axis was kept; None for another volume's grid.
        like: path of that volume's file, from the manifest's folder; None where it must not be named.
        smoothed_mm: standard deviation of the Gaussian before sampling, along the axes of the oriented volume.
        outside: value asked for where the grid reaches beyond the image; None for air or 0, by the image's values.
    """

    interpolation: Interpolation
    spacing: Spacing | None = None
    like: str | None = None
    smoothed_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    outside: float | None = None

    @property
    def words(self) -> str:
        """What was done, as a part of a sentence."""
        grid = "another volume's grid" if self.spacing is None else "other voxel sizes"
        return f"resampled to {grid} by {self.interpolation} interpolation"

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {
            "spacing_mm": None if self.spacing is None else list(self.spacing),
            "like": self.like,
            "interpolation": self.interpolation,
            "labels": "nearest",
            "smoothed_mm": list(self.smoothed_mm),
            "outside": self.outside,
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> ResampledRecord:
        """Read an entry of a manifest."""
        i, j, k = (float(sigma) for sigma in entry["smoothed_mm"])
        outside = entry.get("outside")
        if entry["interpolation"] not in INTERPOLATIONS:
            raise ValueError(f"interpolation {entry['interpolation']!r}")
        try:
            spacing = None if entry.get("spacing_mm") is None else spacing_of(entry["spacing_mm"])
        except RequestError as error:
            raise ValueError(str(error)) from error
        return cls(
            interpolation=entry["interpolation"],
            spacing=spacing,
            like=None if entry.get("like") is None else str(entry["like"]),
            smoothed_mm=(i, j, k),
            outside=None if outside is None else float(outside),
        )


@dataclass(frozen=True)
class PreparedRecord:
    """How the grid that was cut was made of the source's.

    Attributes:
        geometry: the cut grid, in whose indices the boxes count.
        orient: three letters that were asked for; None: the source's order of axes.
        order: from an index in the oriented volume to the source's; None likewise.
        resampled: how values were computed; None where they are the source's.
    """

    geometry: VolumeGeometry
    orient: str | None = None
    order: IndexMap | None = None
    resampled: ResampledRecord | None = None

    @property
    def words(self) -> str:
        """What was done, as a part of a sentence."""
        turned = None if self.order is None else f"its axes put in the order {self.orient}"
        return ", ".join(text for text in (turned, self.resampled and self.resampled.words) if text)

    def named(self, like: str | None) -> PreparedRecord:
        """Return the record with the path of another volume as the manifest names it."""
        return self if self.resampled is None else replace(self, resampled=replace(self.resampled, like=like))

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
        if self.resampled is not None:
            entry["resample"] = self.resampled.to_json()
        return entry

    @classmethod
    def from_json(cls, entry: dict[str, Any], source: VolumeGeometry) -> PreparedRecord:
        """Read an entry of a manifest.

        Args:
            entry: the document's.
            source: of the image, as the manifest has it.
        """
        geometry = VolumeGeometry(three(entry["shape_ijk"]), np.array(entry["affine_ras"], dtype=float))
        orient, resample = entry.get("orient"), entry.get("resample")
        resampled = None if resample is None else ResampledRecord.from_json(resample)
        if orient is None:
            return cls(geometry, resampled=resampled)
        axes, signs = three(orient["axes"]), three(orient["signs"])
        if (axes, signs) not in SIGNED_PERMUTATIONS:
            raise ValueError(f"axes {axes} in the directions {signs}")
        return cls(geometry, str(orient["code"]), IndexMap.reordering(axes, signs, source.shape_ijk), resampled)
