"""Which slabs of an export hold a voxel of the volume that was cut."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.geometry import Box
from ..core.manifest import Manifest


@dataclass(frozen=True)
class SlabHit:
    """A slab that holds a point.

    Attributes:
        index: number of the slab.
        image: its file, relative to the manifest.
        voxel: the nearest voxel, in the slab's own indices.
    """

    index: int
    image: str
    voxel: tuple[int, int, int]


def slabs_holding(manifest: Manifest, voxel: tuple[int, int, int]) -> tuple[SlabHit, ...]:
    """Return the slabs that hold a voxel of the volume that was cut, and where in them it is."""
    hits = []
    for slab in manifest.slabs:
        if _holds(slab.box, voxel):
            i, j, k = (v - start for v, start in zip(voxel, slab.box.start, strict=True))
            hits.append(SlabHit(slab.index, slab.image, (i, j, k)))
    return tuple(hits)


def left_out_holding(manifest: Manifest, voxel: tuple[int, int, int]) -> tuple[int, ...]:
    """Return the numbers of slabs that would hold a voxel of the volume that was cut, but were left out."""
    left = manifest.plan.left_out
    return () if left is None else tuple(piece.index for piece in left.pieces if _holds(piece.box, voxel))


def _holds(box: Box, voxel: tuple[int, int, int]) -> bool:
    return all(a <= v < b for a, v, b in zip(box.start, voxel, box.stop, strict=True))
