"""``--dry-run``: which files belong together, what would be cut and how much that is, from headers alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.find import Case, match_summary
from ..cli.terminal import print_json
from ..core.errors import InputError, SlabExporterError
from ..core.geometry import VolumeGeometry
from ..core.naming import volume_extension
from ..core.options import ExportRequest
from ..core.planning import SlabPlan, plan_slabs
from ..dicom.reading.load import peek
from ..files.itk_headers import judge_before_loading
from ..files.mgh import EXTENSIONS as MGH_EXTENSIONS
from ..files.nifti import read_header
from ..files.nifti_transforms import refuse_unusable, transform_warnings
from ..files.nifti_voxels import choose_frame
from ..files.readback import image_geometry
from ..mrml.roi import read_roi_box
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..mrml.volume_files import geometry_warnings, is_nifti, nifti_geometry, place, prefetch, require_volume_file


@dataclass(frozen=True)
class Outlook:
    """What an export would make of a case.

    Attributes:
        case: its files.
        plan: the slabs; None if it cannot be exported.
        voxel_bytes: of all slabs, uncompressed.
        warnings: sentences.
        error: why it cannot be exported.
    """

    case: Case
    plan: SlabPlan | None = None
    voxel_bytes: int = 0
    warnings: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        result: dict[str, Any] = {"event": "planned", "case": self.case.name, "image": str(self.case.image)}
        result |= {"labels": {name: str(path) for name, path in self.case.labels.items()}, "group": self.case.group}
        if self.plan is not None:
            result |= {
                "shape_ijk": list(self.plan.geometry.shape_ijk),
                "slabs": [[list(slab.box.start), list(slab.box.stop)] for slab in self.plan.slabs],
                "voxel_bytes": self.voxel_bytes,
            }
        return result | {"warnings": list(self.warnings), "error": self.error}


def dry_run(cases: list[Case], out: Path, request: ExportRequest, as_json: bool) -> int:
    """Print the plan of an export; nothing is written.

    Returns:
        How many cases cannot be exported, as far as headers tell.
    """
    with open_runtime() as runtime:
        outlooks = [outlook(runtime, case, request) for case in cases]
    if as_json:
        for one in outlooks:
            print_json(one.to_json())
    else:
        print("\n".join(_text(outlooks, cases, out)))
    return sum(one.error is not None for one in outlooks)


def outlook(runtime: SlicerRuntime, case: Case, request: ExportRequest) -> Outlook:
    """Judge one case by its headers; what is wrong with it is part of the answer."""
    try:
        if case.problem is not None:
            raise InputError(case.problem)
        geometry, itemsize, warnings = _peek_image(runtime, case, request)
        limits = None
        if request.within is not None:
            limits = read_roi_box(runtime, Path(request.within), geometry)
        plan = plan_slabs(geometry, request.slabs, limits)
        for name, path in case.labels.items():
            label, label_itemsize, more = _peek(runtime, path, None, None)
            # A label map of a series may count its axes differently.
            same = label.shape_ijk == geometry.shape_ijk if case.series is None else _same_sizes(label, geometry)
            if not same:
                raise InputError(
                    f"The label map {path} ({name}) has {label.shape_ijk} voxels, {case.image} {geometry.shape_ijk}."
                )
            itemsize += label_itemsize
            warnings += more
        voxels = sum(int(np.prod(slab.box.shape)) for slab in plan.slabs)
        return Outlook(case, plan, voxels * itemsize, tuple(dict.fromkeys((*warnings, *plan.notes))))
    except SlabExporterError as error:
        return Outlook(case, error=str(error))


def _same_sizes(a: VolumeGeometry, b: VolumeGeometry) -> bool:
    return sorted(a.shape_ijk) == sorted(b.shape_ijk)


def _peek_image(
    runtime: SlicerRuntime, case: Case, request: ExportRequest
) -> tuple[VolumeGeometry, int, tuple[str, ...]]:
    if case.series is None:
        return _peek(runtime, case.image, request.frame, request.nifti_transform)
    return peek(case.series, request.series, request.frame)


def _peek(
    runtime: SlicerRuntime, path: Path, frame: int | None, transform: str | None
) -> tuple[VolumeGeometry, int, tuple[str, ...]]:
    """Geometry, bytes a voxel and warnings of a volume file, from its header."""
    require_volume_file(path)
    if is_nifti(path):
        header = read_header(path)
        choose_frame(header, frame)
        refuse_unusable(header, transform)
        geometry = nifti_geometry(runtime, header, transform)
        warnings = (*transform_warnings(header, geometry), *geometry_warnings(geometry))
        return geometry, header.dtype.itemsize, warnings
    if volume_extension(path) in MGH_EXTENSIONS:
        volume = place(runtime, path, prefetch(path, frame, transform), transform)
        return volume.geometry, volume.voxels_kji.dtype.itemsize, volume.warnings
    judge_before_loading(path)
    geometry, itemsize = _peek_generic(path)
    return geometry, itemsize, geometry_warnings(geometry)


def _peek_generic(path: Path) -> tuple[VolumeGeometry, int]:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        return image_geometry(reader), sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path}: its header cannot be judged beforehand; inspect it.") from error


def _text(outlooks: list[Outlook], cases: list[Case], out: Path) -> list[str]:
    lines = ["; ".join(match_summary(cases)), ""]
    lines += _table([_HEADER, *(_row(one) for one in outlooks)])
    lines.append("")
    for one in outlooks:
        lines += [f"{one.case.name}: warning: {text}" for text in one.warnings]
    lines += [f"{one.case.name}: CANNOT BE EXPORTED: {one.error}" for one in outlooks if one.error is not None]
    plans = [one.plan for one in outlooks if one.plan is not None]
    slices = sum(plan.limits.shape[plan.axis] for plan in plans)
    lines.append(
        f"{len(plans)} of {len(outlooks)} cases, {sum(len(plan.slabs) for plan in plans):,} slabs, {slices:,} slices: "
        f"{_bytes(sum(one.voxel_bytes for one in outlooks))} of voxels before compression{_room(out)}. "
        "Nothing was written (--dry-run)."
    )
    return lines


_HEADER = ("case", "slabs", "voxels", "spacing mm", "axes", "image", "label maps")


def _row(one: Outlook) -> tuple[str, ...]:
    labels = ", ".join(str(path) for path in one.case.labels.values()) or "-"
    if one.plan is None:
        return (one.case.name, "-", "-", "-", "-", str(one.case.image), labels)
    geometry = one.plan.geometry
    spacing = " x ".join(f"{s:.3g}" for s in geometry.spacing)
    shape = " x ".join(map(str, geometry.shape_ijk))
    return (one.case.name, str(len(one.plan.slabs)), shape, spacing, geometry.orientation, str(one.case.image), labels)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _bytes(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _room(out: Path) -> str:
    place = next((path for path in (out.resolve(), *out.resolve().parents) if path.exists()), None)
    return "" if place is None else f"; {_bytes(shutil.disk_usage(place).free)} free in {out}"
