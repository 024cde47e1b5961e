"""View model of Slicer's panel: what it shows, enables and says, in plain Python; the widget only binds.

From the nodes and settings of the moment to a frozen ``PanelView``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import InputError, OutputError, RequestError, SlabExporterError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import (
    AxisName,
    Compression,
    ExportRequest,
    Format,
    LabelOptions,
    Remainder,
    SlabOptions,
)
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.core.placing.placed import Named, place_on
from slab_exporter.core.planning import SlabPlan, plan_slabs
from slab_exporter.export.from_scene import case_name, label_sets, require_apart_from_sources, require_free_place
from slab_exporter.files.encodings.holding import require_holdable
from slab_exporter.mrml.nodes import node_geometry, require_no_transform, voxels_kji
from slab_exporter.mrml.roi import box_inside_roi
from slab_exporter.mrml.slab_rois import MOST_BOXES
from slab_exporter.mrml.volume_files import geometry_warnings
from slab_exporter.prepare.preparation import cut_grid
from slab_exporter.volumes.scene_volumes import geometry_to_cut, header_warnings, require_well_placed

from .rows import Row, row_of, summary, table_headers
from .words import in_panel_words

EXPORT_TIP = "Write the slabs, read every one back, and compare it with the volume."
PREVIEW_TIP = "Show each slab as a coloured box over the volume. Nothing is written."


@dataclass(frozen=True)
class PanelSettings:
    """The panel's settings, in the request's words.

    Attributes:
        thickness: in ``unit``.
        unit: "slices" or "mm".
        block: size of blocks along i, j, k in ``unit`` (voxels for "slices"); empty for slabs. Thickness and axis are
            then not used.
        fill: a number, or "auto".
        output: folder; empty if none is chosen.
        name: of the case; empty for the volume node's name.
        replace: replace an earlier export of the case.

    The others are as in ``SlabOptions`` and ``ExportRequest``.
    """

    thickness: float = 64
    unit: str = "slices"
    axis: AxisName = "axial"
    block: str = ""
    overlap: int = 0
    remainder: Remainder = "keep"
    fill: str = "auto"
    format: Format = "nii.gz"
    compression: Compression = "fast"
    output: str = ""
    name: str = ""
    replace: bool = False


@dataclass(frozen=True)
class Action:
    """A button: whether it can be pressed, and its tooltip, which says why if it cannot."""

    enabled: bool
    tooltip: str


@dataclass(frozen=True)
class PanelView:
    """All that the panel shows.

    Attributes:
        summary: about the volume and the slabs, or what is missing.
        notes: sentences that a user should read.
        case: name of the case that would be written.
        rows: of the table.
        headers: of its columns.
        plan: what a preview shows; None if there is none.
        preview: the button.
        export: the button.
    """

    summary: str
    notes: tuple[str, ...]
    case: str
    rows: tuple[Row, ...]
    headers: tuple[str, ...]
    plan: SlabPlan | None
    preview: Action
    export: Action


def panel_view(settings: PanelSettings, volume: Any, labels: tuple[Any, ...] = (), roi: Any = None) -> PanelView:
    """Return what to show for these settings and nodes.

    Args:
        settings: as the user has set them.
        volume: scalar volume node, or None.
        labels: label map and segmentation nodes.
        roi: markups ROI node to stay within, or None.
    """
    case = "" if volume is None else case_name(volume, settings.name)
    try:
        request = request_of(settings)
        plan = plan_of(request, volume, roi)
    except SlabExporterError as error:
        reason = in_panel_words(error.sentence)
        off = Action(False, reason)
        return PanelView(reason, (), case, (), table_headers(None), None, off, off)
    warnings = (*header_warnings(volume), *geometry_warnings(plan.geometry))
    notes = (*_reversal_note(plan.geometry, volume), *dict.fromkeys(warnings), *plan.notes)
    return PanelView(
        summary=summary(plan, volume),
        notes=tuple(in_panel_words(text) for text in notes),
        case=case,
        rows=tuple(row_of(slab, plan) for slab in plan.slabs),
        headers=table_headers(plan),
        plan=plan,
        preview=_preview_action(plan),
        export=_export_action(settings, case, plan.geometry, volume, labels),
    )


def request_of(settings: PanelSettings) -> ExportRequest:
    """Return the library's request for the panel's settings.

    Raises:
        RequestError: a setting is out of range, or settings contradict each other.
    """
    return ExportRequest(
        slabs=_slab_options(settings),
        format=settings.format,
        compression=settings.compression,
    )


def _slab_options(settings: PanelSettings) -> SlabOptions:
    in_mm, blocks = settings.unit == "mm", settings.block.strip()
    fill = fill_of(settings.fill)
    if blocks:
        sizes = {"block_mm" if in_mm else "block": blocks}
        return slab_options(overlap=settings.overlap, remainder=settings.remainder, fill=fill, **sizes)
    return SlabOptions(
        thickness=64 if in_mm else int(settings.thickness),
        thickness_mm=float(settings.thickness) if in_mm else None,
        axis=settings.axis,
        overlap=settings.overlap,
        remainder=settings.remainder,
        fill=fill,
    )


def fill_of(text: str) -> float | None:
    """Return the fill value that a user typed; None for "auto" and for nothing.

    Raises:
        RequestError: it is not a number.
    """
    if text.strip().lower() in ("", "auto"):
        return None
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"The fill value must be a number or 'auto', not '{text.strip()}'.", option="fill") from None


def plan_of(request: ExportRequest, volume: Any, roi: Any = None) -> SlabPlan:
    """Return the slabs of a volume node, in the index order in which it will be cut.

    Raises:
        SlabExporterError: the node cannot be cut, or the options do not fit it.
    """
    if volume is None:
        raise InputError("Choose the volume to cut.")
    require_no_transform(volume)
    require_well_placed(volume)
    geometry = cut_grid(geometry_to_cut(volume), request.prepare)
    limits: Box | None = None if roi is None else box_inside_roi(roi, geometry)
    plan = plan_slabs(geometry, request.slabs, limits)
    require_holdable(f"'{volume.GetName()}'", geometry, (slab.box.shape for slab in plan.slabs), request.format)
    return plan


def _reversal_note(cut: VolumeGeometry, volume: Any) -> tuple[str, ...]:
    if cut.is_right_handed == node_geometry(volume).is_right_handed:
        return ()
    return (
        f"The file is stored left-handed ({cut.orientation}); Slicer shows it with k reversed. "
        "Slabs and the indices below are the file's.",
    )


def _preview_action(plan: SlabPlan) -> Action:
    if len(plan.slabs) > MOST_BOXES:
        return Action(
            False, f"{len(plan.slabs)} {plan.kind}s are too many to show; the preview shows up to {MOST_BOXES}."
        )
    return Action(True, PREVIEW_TIP)


def _export_action(
    settings: PanelSettings, case: str, geometry: VolumeGeometry, volume: Any, labels: tuple[Any, ...]
) -> Action:
    try:
        for node in labels:
            _require_usable_label(node, volume, geometry)
        if not settings.output.strip():
            raise OutputError("Choose the folder to write to.")
        out = Path(settings.output.strip()).expanduser()
        if not out.is_absolute():
            raise OutputError(f"'{out}' is not a full path; choose the folder with the button.")
        require_apart_from_sources(out, case, [volume, *label_sets(labels).values()])
        require_free_place(out, case, settings.replace)
    except SlabExporterError as error:
        return Action(False, in_panel_words(error.sentence))
    return Action(True, EXPORT_TIP)


def _require_usable_label(node: Any, volume: Any, geometry: VolumeGeometry) -> None:
    """Refuse a label node that the export would refuse, as far as that can be seen at once.

    Raises:
        InputError: with the reason.
    """
    name = node.GetName()
    if node is volume:
        raise InputError(f"'{name}' is chosen as the volume and as a label map.")
    require_no_transform(node)
    if node.IsA("vtkMRMLSegmentationNode"):
        if node.GetSegmentation() is None or node.GetSegmentation().GetNumberOfSegments() == 0:
            raise InputError(f"The segmentation '{name}' holds no segment.")
        return
    voxels_kji(node)
    held = node_geometry(node)
    place_on(Named("the volume", geometry), Named(f"'{name}'", held), "labels", LabelOptions())
