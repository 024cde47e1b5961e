"""What a manifest says of its sources and its plan: frozen records, to and from JSON.

A document is data from outside. ``from_json`` raises KeyError, TypeError or ValueError for what is
missing or of the wrong kind; what a later version has added is kept in ``extra``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .geometry import Box, FloatArray, VolumeGeometry
from .naming import PieceKind
from .pieces.limiting import LimitRecord
from .pieces.records import BlockRecord, LeftOutRecord, three
from .text import as_stored

Json = dict[str, Any]


@dataclass(frozen=True)
class SourceRecord:
    """The image or one label set, as it was read.

    Attributes:
        path: from the manifest's folder: a file, or the folder of a DICOM series; None for a volume of
            a Slicer scene, and where nothing may name the source.
        geometry: of the source, in the index order of its file.
        sha256: of the file, or over a series' files; None where an earlier version did not say, and beside the next.
        frame_sha256: of one frame of a huge 4D file, and of what comes before the voxels; the rest was not read.
        dtype: of the voxels, by numpy's name; likewise.
        node: name in the scene, where there is no path.
        loaded_affine_ras: what Slicer held (IJK -> RAS mm), where its index order is another one.
        segments: (value, name) of each, for a label map made of a segmentation.
        colours: (value, (red, green, blue)) of those that have one.
        read_as: how label maps were made of a file of segments, and which of them this is; None for others.
        series_instance_uid: of a DICOM series, which may share its folder.
        files: how many the series has.
        allow_uneven_mm: what was accepted of the series.
        allow_damaged: which images of the series were lost or damaged, and that was accepted; None for none.
        resampled: how a regular volume was made of the series; None where it was one.
        derived_from: the DICOM series of a scene's volume that was changed, how many "files" it has, what was "done".
        file_geometry: of a label map's file, where it was put on the image's voxels.
        placed: how it was put there; None where it lies as it is stored, and in what earlier versions wrote.
        frame: of a 4D file or series; None for 3D.
        frames, frame_numbers: of a label map, how many were cut together (None: one for all), which if not the image's.
        nifti_transform: "sform" or "qform", whichever gave the affine; None for other files.
        outside_data: files of voxels that lay outside the folder of the header that names them; that was accepted.
        extra: what is not known here.
    """

    path: str | None
    geometry: VolumeGeometry
    sha256: str | None = None
    dtype: str | None = None
    node: str | None = None
    loaded_affine_ras: FloatArray | None = None
    segments: tuple[tuple[int, str], ...] = ()
    colours: tuple[tuple[int, tuple[int, int, int]], ...] = ()
    read_as: Json | None = None
    series_instance_uid: str | None = None
    files: int | None = None
    allow_uneven_mm: float | None = None
    resampled: Json | None = None
    allow_damaged: str | None = None
    derived_from: Json | None = None
    file_geometry: VolumeGeometry | None = None
    placed: Json | None = None
    frame: int | None = None
    nifti_transform: str | None = None
    outside_data: tuple[str, ...] = ()
    frame_sha256: str | None = None
    frames: int | None = None
    frame_numbers: tuple[int, ...] = ()
    extra: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """As it stands in the manifest."""
        own = self.file_geometry
        entry = {
            "sha256": self.sha256,
            "frame_sha256": self.frame_sha256,
            "shape_ijk": list(self.geometry.shape_ijk),
            "dtype": self.dtype,
            "orientation": self.geometry.orientation,
            "affine_ras": self.geometry.affine_ras.tolist(),
            "node": self.node,
            "loaded_affine_ras": None if self.loaded_affine_ras is None else self.loaded_affine_ras.tolist(),
            "segments": self._segments() or None,
            "read_as": self.read_as,
            "series_instance_uid": self.series_instance_uid,
            "files": self.files,
            "allow_uneven_mm": self.allow_uneven_mm,
            "allow_damaged": self.allow_damaged,
            "resampled": self.resampled,
            "derived_from": self.derived_from,
            "file_shape_ijk": None if own is None else list(own.shape_ijk),
            "file_affine_ras": None if own is None else own.affine_ras.tolist(),
            "placed": self.placed,
            "frame": self.frame,
            "frames": self.frames,
            "frame_numbers": list(self.frame_numbers) or None,
            "nifti_transform": self.nifti_transform,
            "outside_data": list(self.outside_data) or None,
        }
        return {"path": self.path} | {key: value for key, value in entry.items() if value is not None} | self.extra

    def _segments(self) -> list[Json]:
        colours = dict(self.colours)
        return [
            {"value": value, "name": name} | ({"rgb": list(colours[value])} if value in colours else {})
            for value, name in self.segments
        ]

    @classmethod
    def from_json(cls, entry: Json) -> SourceRecord:
        """Read an entry of a manifest."""
        rest = _Entries(entry)
        path = _of_kind("path", rest.pop("path"), str, type(None))
        geometry = _geometry(rest.pop("shape_ijk"), rest.pop("affine_ras"))
        rest.pop("orientation", None)  # follows from the affine
        loaded = rest.pop("loaded_affine_ras", None)
        segments = tuple(rest.pop("segments", ()))
        own_shape, own_affine = rest.pop("file_shape_ijk", None), rest.pop("file_affine_ras", None)
        return cls(
            path=path,
            geometry=geometry,
            sha256=rest.optional("sha256", str),
            frame_sha256=rest.optional("frame_sha256", str),
            dtype=rest.optional("dtype", str),
            node=rest.optional("node", str),
            loaded_affine_ras=None if loaded is None else np.array(loaded, dtype=float),
            segments=tuple((int(s["value"]), str(s["name"])) for s in segments),
            colours=tuple((int(s["value"]), three(s["rgb"])) for s in segments if "rgb" in s),
            read_as=rest.optional("read_as", dict),
            series_instance_uid=rest.optional("series_instance_uid", str),
            files=rest.optional("files", int),
            allow_uneven_mm=rest.optional("allow_uneven_mm", int, float),
            allow_damaged=rest.optional("allow_damaged", str),
            resampled=rest.optional("resampled", dict),
            derived_from=rest.optional("derived_from", dict),
            file_geometry=None if own_affine is None else _geometry(own_shape, own_affine),
            placed=rest.optional("placed", dict),
            frame=rest.optional("frame", int),
            frames=rest.optional("frames", int),
            frame_numbers=tuple(_of_kind("frame_numbers", n, int) for n in rest.pop("frame_numbers", ())),
            nifti_transform=rest.optional("nifti_transform", str),
            outside_data=tuple(_of_kind("outside_data", path, str) for path in rest.pop("outside_data", ())),
            extra=dict(rest),
        )


@dataclass(frozen=True)
class PlanRecord:
    """Every option that shaped the slabs, resolved for the volume; what is not said has a neutral value.

    Attributes:
        axis: as asked for; None for blocks.
        index_axis: "i", "j" or "k", along which was cut; None for blocks.
        numbered: direction of the slabs' numbers, as in "I to S"; of blocks along each axis, slowest first.
        thickness: slices in a slab; None for blocks.
        thickness_mm: in mm, where it was asked for so.
        overlap: slices that a slab shares with the one before; None for blocks.
        remainder: what became of a last slab that was not full.
        fill: value of padded voxels of the image, and of its voxels that no slab holds; None where there are none.
        within: path of the ROI file.
        limits: box of the source that the slabs stay within.
        uncovered: half-open index range along the cut axis that no slab holds.
        notes: sentences about the plan.
        format: word of the request.
        compression: word of the request.
        asked: the request as it was made.
        dicom: how DICOM slabs were written; None for others.
        block: sizes and overlaps of blocks; None for slabs.
        left_out: pieces that were not written, and why; None for none.
        limited: what ``limits`` was cut to, and whether it is one piece; None for neither.
        cut_at: indices along the cut axis at which slabs begin, where they are not equally thick; ``thickness`` is
            then that of the thickest.
        extra: what is not known here.
    """

    axis: str | None = "axial"
    index_axis: str | None = "k"
    numbered: str = ""
    thickness: int | None = 0
    thickness_mm: float | None = None
    overlap: int | None = 0
    remainder: str = "keep"
    fill: float | None = None
    within: str | None = None
    limits: Box | None = None
    uncovered: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    format: str = "nii.gz"
    compression: str = "fast"
    asked: Json | None = None
    dicom: Json | None = None
    block: BlockRecord | None = None
    left_out: LeftOutRecord | None = None
    limited: LimitRecord | None = None
    cut_at: tuple[int, ...] | None = None
    extra: Json = field(default_factory=dict)

    @property
    def kind(self) -> PieceKind:
        """What the pieces are called."""
        if self.limited is not None and self.limited.one_piece:
            return "crop"
        return "slab" if self.block is None else "block"

    @property
    def largest_error(self) -> float:
        """By how much rounding may have changed a voxel of DICOM slabs; 0 for exact values."""
        return float((self.dicom or {}).get("largest_error", 0.0))

    def to_json(self) -> Json:
        """As it stands in the manifest."""
        entry = {
            "axis": self.axis,
            "index_axis": self.index_axis,
            "numbered": self.numbered,
            "thickness": self.thickness,
            "thickness_mm": self.thickness_mm,
            "overlap": self.overlap,
            "remainder": self.remainder,
            "fill": self.fill,
            "within": self.within,
            "ijk_limits": None if self.limits is None else [list(self.limits.start), list(self.limits.stop)],
            "uncovered": None if self.uncovered is None else list(self.uncovered),
            "notes": as_stored(self.notes),
            "format": self.format,
            "compression": self.compression,
            "asked": self.asked,
        }
        known = {
            "dicom": self.dicom,
            "block": None if self.block is None else self.block.to_json(),
            "left_out": None if self.left_out is None else self.left_out.to_json(),
            "limited": None if self.limited is None else self.limited.to_json(),
            "cut_at": None if self.cut_at is None else list(self.cut_at),
        }
        return entry | {name: value for name, value in known.items() if value is not None} | self.extra

    @classmethod
    def from_json(cls, entry: Json) -> PlanRecord:
        """Read the plan of a manifest."""
        rest = _Entries(entry)
        limits, uncovered = rest.pop("ijk_limits", None), rest.pop("uncovered", None)
        block, left_out = rest.optional("block", dict), rest.optional("left_out", dict)
        limited, cut_at = rest.optional("limited", dict), rest.optional("cut_at", list)
        of_slabs = () if block is None else (type(None),)  # what blocks do not have is null
        words, numbers = ("axis", "index_axis"), ("thickness", "overlap")
        record = cls(
            **{name: _of_kind(name, rest.pop(name), str, *of_slabs) for name in words if name in rest},
            **{name: _of_kind(name, rest.pop(name), int, *of_slabs) for name in numbers if name in rest},
            **{
                name: _of_kind(name, rest.pop(name), str)
                for name in ("numbered", "remainder", "format", "compression")
                if name in rest
            },
            thickness_mm=rest.optional("thickness_mm", int, float),
            fill=rest.optional("fill", int, float),
            within=rest.optional("within", str),
            limits=None if limits is None else Box(*(three(corner) for corner in limits)),
            uncovered=None if uncovered is None else (int(uncovered[0]), int(uncovered[1])),
            notes=tuple(str(text) for text in rest.pop("notes", ())),
            asked=rest.optional("asked", dict),
            dicom=rest.optional("dicom", dict),
            block=None if block is None else BlockRecord.from_json(block),
            left_out=None if left_out is None else LeftOutRecord.from_json(left_out),
            limited=None if limited is None else LimitRecord.from_json(limited),
            cut_at=None if cut_at is None else tuple(_of_kind("cut_at", n, int) for n in cut_at),
            extra=dict(rest),
        )
        _ = record.largest_error, ("i", "j", "k", None).index(record.index_axis)  # raise where they are senseless
        return record


class _Entries(Json):
    """A copy of a JSON object from which entries are taken until the unknown ones are left."""

    def __init__(self, entry: Any) -> None:
        super().__init__(_of_kind("an entry", entry, dict))

    def optional(self, name: str, *kinds: type) -> Any:
        """An entry that may be missing or null."""
        value = self.pop(name, None)
        return None if value is None else _of_kind(name, value, *kinds)


def _of_kind(name: str, value: Any, *kinds: type) -> Any:
    if isinstance(value, bool) or not isinstance(value, kinds):  # to Python, true is a whole number
        raise TypeError(f"{name} is {str(value)[:40]!r}")
    return value


def _geometry(shape_ijk: Any, affine_ras: Any) -> VolumeGeometry:
    return VolumeGeometry(three(shape_ijk), np.array(affine_ras, dtype=float))
