"""One point in every coordinate system, and a sentence on how they relate for the volume at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import RequestError
from ..core.geometry import AXIS_LETTERS, FloatArray, VolumeGeometry
from ..core.manifest import Manifest

_TO_LPS = np.array([-1.0, -1.0, 1.0])
_NAMES = {"R": "right", "L": "left", "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior"}


@dataclass(frozen=True)
class Location:
    """A point.

    Attributes:
        ijk: voxel index in the file's order, not rounded.
        ras: mm, as in NIfTI and Slicer.
        lps: mm, as in DICOM and ITK.
        voxel: the nearest voxel.
        inside: whether the point lies within half a voxel of one of the volume's.
    """

    ijk: FloatArray
    ras: FloatArray
    lps: FloatArray
    voxel: tuple[int, int, int]
    inside: bool


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


def locate(geometry: VolumeGeometry, frame: str, point: tuple[float, float, float]) -> Location:
    """A point in all frames.

    Args:
        geometry: of the volume.
        frame: "ijk", "ras" or "lps": what ``point`` is given in.
        point: voxel index or mm.

    Raises:
        RequestError: a coordinate is no finite number.
    """
    given = np.array(point, dtype=float)
    with np.errstate(all="ignore"):  # what is not finite is refused below
        if frame == "ijk":
            ijk, ras = given, geometry.ras(given)
        else:
            ras = given if frame == "ras" else given * _TO_LPS
            ijk = geometry.ijk(ras)
    if not np.all(np.isfinite(np.concatenate([ijk, ras]))):
        raise RequestError(f"A point needs three finite numbers, not {point}.")
    i, j, k = (int(v) for v in np.floor(ijk + 0.5))
    inside = all(0 <= v < n for v, n in zip((i, j, k), geometry.shape_ijk, strict=True))
    return Location(ijk, ras, ras * _TO_LPS, (i, j, k), inside)


def slabs_holding(manifest: Manifest, voxel: tuple[int, int, int]) -> tuple[SlabHit, ...]:
    """The slabs that hold a voxel of the source, and where in them it is."""
    hits = []
    for slab in manifest.slabs:
        local = [v - start for v, start in zip(voxel, slab.box.start, strict=True)]
        if all(0 <= v < n for v, n in zip(local, slab.box.shape, strict=True)):
            hits.append(SlabHit(slab.index, slab.image, (local[0], local[1], local[2])))
    return tuple(hits)


def explain_axes(geometry: VolumeGeometry) -> str:
    """How DICOM's and NIfTI's x, y, z relate for this volume, and where its indices run."""
    runs = []
    for name, (axis, sign) in zip("ijk", geometry.ras_axis_of_index, strict=True):
        letter = AXIS_LETTERS[axis][sign < 0]
        ras = f"{'+' if sign > 0 else '-'}{'xyz'[axis]}"
        lps_sign = sign if axis == 2 else -sign
        lps = f"{'+' if lps_sign > 0 else '-'}{'xyz'[axis]}"
        runs.append(f"{name} runs to the patient's {_NAMES[letter]} (NIfTI {ras}, DICOM {lps})")
    oblique = geometry.obliquity_degrees
    nearest = f", nearest axes: the volume is {oblique:.1f} degrees oblique" if oblique > 0.05 else ""
    return (
        f"DICOM's x and y are NIfTI's with the opposite sign, z is the same; in this volume {'; '.join(runs)}{nearest}."
    )
