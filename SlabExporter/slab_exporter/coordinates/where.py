"""Where a point lies: in a volume, in an export's slabs, and through a registration in another image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError, RequestError
from ..core.geometry import AXIS_LETTERS, FloatArray, VolumeGeometry
from ..core.manifest import FILE_NAME, Manifest, find_manifests, read_manifest
from ..core.naming import PieceKind
from ..core.text import Words, in_words, lengths, python_words, sizes
from ..core.volume import SourceVolume
from ..files.disk import written_part
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..pipeline.formats.table import kind_of
from ..volumes.choice import FileChoice
from ..volumes.reading import open_for_geometry
from .held_by import SlabHit, left_out_holding, slabs_holding
from .registration import GridMaker, exported_grid, fsl_grid, read_ras


@dataclass(frozen=True)
class Place:
    """A point in one image.

    Attributes:
        name: the image, for people.
        geometry: of the image.
        location: the point.
        value: of the nearest voxel of what was cut; None outside, or where no file holds it.
        fsl: gives the image as FSL sees it; raises InputError where FSL cannot have seen it.
        slabs: that hold it, for an export.
        warnings: unusual things about the image itself.
        kind: what the slabs are called.
        left_out: numbers of slabs that would hold it, but were left out.
        prepared: the point in the volume that was made of the source and cut; None where the source was.
    """

    name: str
    geometry: VolumeGeometry
    location: Location
    value: float | int | None
    fsl: GridMaker
    slabs: tuple[SlabHit, ...] | None = None
    warnings: tuple[str, ...] = ()
    kind: PieceKind = "slab"
    left_out: tuple[int, ...] = ()
    prepared: Location | None = None

    @property
    def ijk(self) -> FloatArray:
        """Voxel index in the file's order, not rounded."""
        return self.location.ijk

    @property
    def ras(self) -> FloatArray:
        """In mm, as in NIfTI and Slicer."""
        return self.location.ras

    @property
    def lps(self) -> FloatArray:
        """In mm, as in DICOM and ITK."""
        return self.location.lps

    @property
    def voxel(self) -> tuple[int, int, int]:
        """The nearest voxel."""
        return self.location.voxel

    @property
    def inside(self) -> bool:
        """Whether the point lies within half a voxel of one of the image's."""
        return self.location.inside

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        where = self.location
        result: dict[str, Any] = {
            "name": self.name,
            "ijk": where.ijk.tolist(),
            "voxel": list(where.voxel),
            "ras": where.ras.tolist(),
            "lps": where.lps.tolist(),
            "inside": where.inside,
            "value": self.value,
            "orientation": self.geometry.orientation,
            "shape_ijk": list(self.geometry.shape_ijk),
            "warnings": list(self.warnings),
        }
        if self.slabs is not None:
            result["slabs"] = [asdict(hit) | {"voxel": list(hit.voxel)} for hit in self.slabs]
            result["left_out"] = list(self.left_out)
        if self.prepared is not None:
            result["prepared"] = {"ijk": self.prepared.ijk.tolist(), "voxel": list(self.prepared.voxel)}
        return result

    def to_text(self, words: Words = python_words) -> str:
        """Return lines for people, with options in ``words``."""
        g, where = self.geometry, self.location
        i, j, k = where.voxel
        lines = [
            f"{self.name}: {sizes(g.shape_ijk)} voxels, {g.orientation}, {lengths(g.spacing, 4)} mm",
            f"  voxel (i, j, k)          {_shown(where.ijk)}",
            f"  RAS mm (NIfTI, Slicer)   {_shown(where.ras)}",
            f"  LPS mm (DICOM, ITK)      {_shown(where.lps)}",
        ]
        if where.inside:
            value = "" if self.value is None or self.prepared is not None else f", value {self.value:g}"
            lines.append(f"  nearest voxel            ({i}, {j}, {k}){value}")
            lines.append(f"  in numpy                 nibabel [{i}, {j}, {k}], SimpleITK and Slicer [{k}, {j}, {i}]")
        else:
            lines.append("  outside the volume")
        if self.prepared is not None:
            held = "" if self.value is None else f", value {self.value:g}"
            lines.append(f"  voxel of what was cut    {_shown(self.prepared.ijk)}{held}")
        if self.slabs is not None:
            for hit in self.slabs:
                lines.append(f"  {f'{self.kind} {hit.index}':<24} {hit.image} at {hit.voxel}")
            if where.inside and not self.slabs:
                left = ", ".join(str(index) for index in self.left_out)
                lines.append(f"  in no {self.kind}" + (f" that was written: {left} was left out" if left else ""))
        lines.append(f"  {explain_axes(g)}")
        lines += [f"  note: {in_words(text, words)}" for text in self.warnings]
        return "\n".join(lines)


def find_place(file: FileChoice, space: str, point: tuple[float, float, float]) -> Place:
    """Return a point in a volume, or in the slabs of an export.

    Args:
        file: a volume, of a 4D file the first where none is chosen; or a case's folder or manifest; or the
            folder of an export of one case.
        space: "ijk", "ras" or "lps": what ``point`` is given in.
        point: voxel index in the file's order, or mm.

    Raises:
        InputError: nothing there can be used.
        RequestError: a NIfTI transform was chosen for a file that is not a NIfTI file.
    """
    with open_runtime() as runtime:
        manifest_path = _manifest_at(file.path)
        if manifest_path is None:
            return _at(open_for_geometry(runtime, file), space, point, str(file.path))
        if file.transform is not None:
            raise RequestError(f"{file.path} is an export; its sform or qform was chosen when it was made.")
        return _in_export(runtime, manifest_path, space, point)


def through_registration(place: Place, matrix: Path, reference: FileChoice) -> Place:
    """Return the same point in the reference image of a registration.

    Args:
        place: the point in the moving image.
        matrix: FLIRT's matrix, or an ITK transform file.
        reference: the image that it was registered to.

    Raises:
        InputError: a file that cannot be used, or with FLIRT's matrix an image that is not a NIfTI file.
    """
    with open_runtime() as runtime:
        source = open_for_geometry(runtime, reference)
        ras = read_ras(matrix, place.fsl, partial(fsl_grid, source)) @ np.append(place.location.ras, 1.0)
        return _at(source, "ras", (float(ras[0]), float(ras[1]), float(ras[2])), str(reference.path))


def _manifest_at(path: Path) -> Path | None:
    if path.name.endswith(".json"):
        return path
    if not path.is_dir() or not ((path / FILE_NAME).is_file() or any(path.glob(f"*/{FILE_NAME}"))):
        return None
    manifests = find_manifests(path)
    if len(manifests) > 1:
        names = ", ".join(p.parent.name for p in manifests[:5])
        raise InputError(f"{path} holds {len(manifests)} cases; give the folder of one of them ({names} ...).")
    return manifests[0]


def _at(source: SourceVolume, space: str, point: tuple[float, float, float], name: str) -> Place:
    location = locate(source.geometry, space, point)
    value = _value(source.voxels_kji, location.voxel) if location.inside else None
    return Place(name, source.geometry, location, value, partial(fsl_grid, source), warnings=source.warnings)


def _in_export(runtime: SlicerRuntime, manifest_path: Path, space: str, point: tuple[float, float, float]) -> Place:
    manifest: Manifest = read_manifest(manifest_path)
    location = locate(manifest.source.geometry, space, point)
    cut = locate(manifest.geometry, "ras", (location.ras[0], location.ras[1], location.ras[2]))
    hits = slabs_holding(manifest, cut.voxel)
    value = None
    if hits:
        file = written_part(manifest_path.parent, hits[0].image)
        value = _value(kind_of(file).read(runtime, file, _slab(manifest, hits[0])), hits[0].voxel)
    grid = partial(exported_grid, manifest, manifest_path.parent)
    return Place(
        name=f"{manifest.case} (export)",
        geometry=manifest.source.geometry,
        location=location,
        value=value,
        fsl=grid,
        slabs=hits,
        warnings=manifest.warnings,
        kind=manifest.plan.kind,
        left_out=left_out_holding(manifest, cut.voxel),
        prepared=None if manifest.prepared is None else cut,
    )


def _slab(manifest: Manifest, hit: SlabHit) -> VolumeGeometry:
    return next(slab.geometry for slab in manifest.slabs if slab.index == hit.index)


def _value(voxels_kji: np.ndarray, voxel: tuple[int, int, int]) -> float | int | None:
    i, j, k = voxel
    value = voxels_kji[k, j, i].item()
    return value if np.isfinite(value) else None


def _shown(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in point) + ")"


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


def locate(geometry: VolumeGeometry, space: str, point: tuple[float, float, float]) -> Location:
    """Return a point in all coordinate systems.

    Args:
        geometry: of the volume.
        space: "ijk", "ras" or "lps": what ``point`` is given in.
        point: voxel index or mm.

    Raises:
        RequestError: a coordinate is not a finite number.
    """
    given = np.array(point, dtype=float)
    with np.errstate(all="ignore"):  # what is not finite is refused below
        if space == "ijk":
            ijk, ras = given, geometry.ras(given)
        else:
            ras = given if space == "ras" else given * _TO_LPS
            ijk = geometry.ijk(ras)
    if not np.all(np.isfinite(np.concatenate([ijk, ras]))):
        raise RequestError(f"A point needs three finite numbers, not {point}.")
    i, j, k = (int(v) for v in np.floor(ijk + 0.5))
    inside = all(0 <= v < n for v, n in zip((i, j, k), geometry.shape_ijk, strict=True))
    return Location(ijk, ras, ras * _TO_LPS, (i, j, k), inside)


def explain_axes(geometry: VolumeGeometry) -> str:
    """Return a sentence on how DICOM's and NIfTI's x, y, z relate for this volume, and where its indices run."""
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
