"""View model of Slicer's panel: what it shows, enables and says, in plain Python; the widget only binds.

From the nodes and settings of the moment to a frozen ``PanelView``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import InputError, OutputError, SlabExporterError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.options import DataSetOptions, ExportRequest
from slab_exporter.core.planning import SlabPlan, plan_slabs
from slab_exporter.core.text import counted
from slab_exporter.export.from_scene import case_name, require_layout_for
from slab_exporter.files.encodings.holding import require_holdable
from slab_exporter.mrml.nodes import node_geometry, require_no_transform
from slab_exporter.mrml.roi import box_inside_roi
from slab_exporter.mrml.slab_rois import MOST_BOXES
from slab_exporter.mrml.volume_files import geometry_warnings
from slab_exporter.prepare.preparation import cut_grid
from slab_exporter.volumes.scene_volumes import geometry_to_cut, header_warnings, require_well_placed

from ..settings import PanelSettings, data_set_of, request_of
from .action import Action
from .checks import output_folder, require_usable_label, require_usable_output
from .frames import FramesView, frame_notes, frames_view
from .replacing import earlier_export
from .rows import Row, extent_tip, row_of, summary, table_headers
from .words import in_panel_words

EXPORT_TIP = "Write the slabs, read every one back, and compare it with the volume."
PREVIEW_TIP = "Show each slab as a coloured box over the volume, as long as this module is open. Nothing is written."


@dataclass(frozen=True)
class PanelView:
    """All that the panel shows.

    Attributes:
        preview: the box that shows slabs in the views.
        export: the button.
        case: name of the case that would be written.
        folder: where it would be written; None as long as that is not clear.
        earlier: what an earlier export of the case left there, and would be lost; empty for nothing.
        summary: about the volume and the slabs; empty if there is no plan.
        notes: sentences that a user should read.
        order: how the indices in the table are counted; empty where that goes without saying.
        rows: of the table.
        headers: of its columns.
        extent_tip: what the numbers of the column "mm" are.
        plan: what a preview shows; None if there is none.
        can_harden: whether the volume lies under a linear transform, which can be applied to a copy.
        frames: what there is to choose of a sequence; None for a single volume.
    """

    preview: Action
    export: Action
    case: str = ""
    folder: Path | None = None
    earlier: str = ""
    summary: str = ""
    notes: tuple[str, ...] = ()
    order: str = ""
    rows: tuple[Row, ...] = ()
    headers: tuple[str, ...] = table_headers(None)
    extent_tip: str = ""
    plan: SlabPlan | None = None
    can_harden: bool = False
    frames: FramesView | None = None

    @property
    def may_replace(self) -> bool:
        """Whether there is something to replace."""
        return bool(self.earlier)


def panel_view(settings: PanelSettings, volume: Any, labels: tuple[Any, ...] = (), roi: Any = None) -> PanelView:
    """Return what to show for these settings and nodes.

    Args:
        settings: as the user has set them.
        volume: scalar volume node, or None.
        labels: label map and segmentation nodes.
        roi: markups ROI node to stay within, or None.
    """
    case = "" if volume is None else case_name(volume, settings.name, settings.frames)
    try:
        request, data_set = request_of(settings), data_set_of(settings)
        plan = plan_of(request, volume, roi)
        notes = _notes(request, plan, volume)
    except SlabExporterError as error:
        off = Action(False, in_panel_words(error.sentence))
        return PanelView(off, off, case, can_harden=_is_moved(volume), frames=frames_view(volume))
    folder = _case_folder(settings, case)
    return PanelView(
        preview=_preview_action(request, plan),
        export=_export_action(settings, _Case(case, volume, labels), plan.geometry, request, data_set),
        case=case,
        folder=folder,
        earlier="" if folder is None else earlier_export(folder),
        summary="\n".join((summary(plan, volume), *_new_folder_note(settings))),
        notes=tuple(in_panel_words(text) for text in notes),
        order=_order_note(plan.geometry, volume),
        rows=tuple(row_of(slab, plan) for slab in plan.slabs),
        headers=table_headers(plan),
        extent_tip=extent_tip(plan),
        plan=plan,
        frames=frames_view(volume),
    )


def plan_of(request: ExportRequest, volume: Any, roi: Any = None) -> SlabPlan:
    """Return the slabs of a volume node, in the index order in which it will be cut.

    What is found in the voxels (the box around labels, pieces without labels) is not looked for: the plan is that of
    the whole volume.

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


def _is_moved(volume: Any) -> bool:
    transform = None if volume is None else volume.GetParentTransformNode()
    return transform is not None and bool(transform.IsTransformToWorldLinear())


def _case_folder(settings: PanelSettings, case: str) -> Path | None:
    try:
        return output_folder(settings.output) / case
    except OutputError:
        return None


def _notes(request: ExportRequest, plan: SlabPlan, volume: Any) -> tuple[str, ...]:
    warnings = dict.fromkeys((*header_warnings(volume), *geometry_warnings(plan.geometry)))
    found = {"labels": "the box around the label maps", "body": "the box around the body", None: ""}
    box, kept = found[request.limit.crop_to], request.keep.keep
    return (
        *frame_notes(request, volume),
        *warnings,
        *plan.notes,
        *((f"Only {box} is cut; it is found when you export, and the table shows the whole volume.",) if box else ()),
        *((f"Pieces with nothing {_KEPT[kept]} are found and left out when you export.",) if kept != "all" else ()),
    )


_KEPT = {"labelled": "labelled", "body": "of the body"}


def _new_folder_note(settings: PanelSettings) -> tuple[str, ...]:
    try:
        out = output_folder(settings.output)
    except OutputError:
        return ()
    return () if out.exists() else (f"The folder {out} is new and will be made.",)


def _order_note(cut: VolumeGeometry, volume: Any) -> str:
    held = node_geometry(volume)
    if cut.orientation == held.orientation:
        return ""
    if cut.orientation == held.k_reversed().orientation:
        return (
            f"The file is stored left-handed ({cut.orientation}); Slicer shows it with k reversed. "
            "Slabs and the indices below are the file's."
        )
    return f"The slabs' axes point to {cut.orientation}, Slicer's to {held.orientation}; the indices are the slabs'."


def _preview_action(request: ExportRequest, plan: SlabPlan) -> Action:
    if request.limit.crop_to is not None:
        return Action(False, "The box that is cut is found when you export; without 'Crop to' slabs can be shown.")
    if len(plan.slabs) > MOST_BOXES:
        return Action(
            False, f"{counted(len(plan.slabs), plan.kind)} are too many to show; the preview shows up to {MOST_BOXES}."
        )
    return Action(True, PREVIEW_TIP)


@dataclass(frozen=True)
class _Case:
    """What would be exported: the case's name, the volume node, label nodes."""

    name: str
    volume: Any
    labels: tuple[Any, ...]


def _export_action(
    settings: PanelSettings, case: _Case, geometry: VolumeGeometry, request: ExportRequest, data_set: DataSetOptions
) -> Action:
    try:
        for node in case.labels:
            require_usable_label(node, case.volume, geometry)
        require_layout_for(case.name, case.labels, request, data_set)
        out = output_folder(settings.output)
        may_replace = settings.replace == str(out / case.name)
        require_usable_output(out, case.name, case.volume, case.labels, may_replace)
    except SlabExporterError as error:
        return Action(False, in_panel_words(error.sentence))
    return Action(True, EXPORT_TIP)
