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
from slab_exporter.export.from_scene import case_name, require_layout_for, require_one_limit
from slab_exporter.files.encodings.holding import require_holdable
from slab_exporter.mrml.nodes import node_geometry, require_no_transform
from slab_exporter.mrml.roi import box_inside_roi
from slab_exporter.mrml.slab_rois import MOST_BOXES, shown_pieces
from slab_exporter.mrml.volume_files import geometry_warnings
from slab_exporter.prepare.preparation import cut_grid
from slab_exporter.volumes.held.headers import geometry_to_cut, header_warnings, require_well_placed

from ..settings import PanelSettings, data_set_of, request_of
from ..translation import tr as _
from .action import Action
from .checks import output_folder, require_usable_label, require_usable_output
from .frames import FramesView, frame_notes, frames_view
from .preview.found import Found, Search, refined, search_for
from .replacing import earlier_export
from .rows import Row, extent_tip, rows_of, summary, table_headers, table_note
from .words import in_panel_words

EXPORT_TIP = _("Write the slabs, read every one back, and compare it with the volume.")
PREVIEW_TIP = _("Show each slab as a coloured box over the volume, as long as this module is open. Nothing is written.")


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
        search: what has to be found in the voxels before the plan is what will be cut; None for nothing more.
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
    search: Search | None = None

    @property
    def may_replace(self) -> bool:
        """Whether there is something to replace."""
        return bool(self.earlier)


def panel_view(
    settings: PanelSettings,
    volume: Any,
    labels: tuple[Any, ...] = (),
    roi: Any = None,
    found: Found | None = None,
) -> PanelView:
    """Return what to show for these settings and nodes.

    Args:
        settings: as the user has set them.
        volume: scalar volume node, or None.
        labels: label map and segmentation nodes.
        roi: markups ROI node to stay within, or None.
        found: what was found in the voxels the last time; used where it is of these settings and nodes.
    """
    case = "" if volume is None else case_name(volume, settings.name, settings.frames)
    try:
        request, data_set = request_of(settings), data_set_of(settings)
        plan = plan_of(request, volume, roi)
        search = search_for(request, volume, labels, plan.geometry)
        if search is not None and found is not None and found.key == search.key:
            plan, search = refined(plan, request, found), None
        notes = _notes(request, plan, volume, search)
    except SlabExporterError as error:
        off = Action(False, in_panel_words(error.sentence))
        return PanelView(off, off, case, can_harden=_is_moved(volume), frames=frames_view(volume))
    folder = _case_folder(settings, case)
    return PanelView(
        preview=_preview_action(request, plan, search),
        export=_export_action(settings, _Case(case, volume, labels), plan.geometry, request, data_set),
        case=case,
        folder=folder,
        earlier="" if folder is None else earlier_export(folder),
        summary="\n".join((summary(plan, volume), *_new_folder_note(settings))),
        notes=tuple(in_panel_words(text) for text in notes),
        order=_order_note(plan.geometry, volume),
        rows=rows_of(plan),
        headers=table_headers(plan),
        extent_tip=extent_tip(plan),
        plan=plan,
        frames=frames_view(volume),
        search=search,
    )


def plan_of(request: ExportRequest, volume: Any, roi: Any = None) -> SlabPlan:
    """Return the slabs of a volume node, in the index order in which it will be cut.

    What is found in the voxels (the box around labels, pieces without labels) is not looked for: the plan is that of
    the whole volume.

    Raises:
        SlabExporterError: the node cannot be cut, or the options do not fit it.
    """
    if volume is None:
        raise InputError(_("Choose the volume to cut."))
    require_one_limit(request, roi)
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


def _notes(request: ExportRequest, plan: SlabPlan, volume: Any, search: Search | None) -> tuple[str, ...]:
    warnings = dict.fromkeys((*header_warnings(volume), *geometry_warnings(plan.geometry)))
    boxes = {"labels": _("the box around the label maps"), "body": _("the box around the body"), None: ""}
    is_open = search is not None or request.frames is not None
    box, kept = boxes[request.limit.crop_to] if is_open else "", request.keep.keep if is_open else "all"
    cropped = _("Only {box} is cut; until it is found the table shows the whole volume.")
    sparse = _("Pieces with nothing {kept} are left out; until they are found all are shown.")
    slow = search is not None and not search.is_quick
    return (
        *frame_notes(request, volume),
        *warnings,
        *plan.notes,
        *((cropped.format(box=box),) if box else ()),
        *((sparse.format(kept=_KEPT[kept]),) if kept != "all" else ()),
        *((_("'Find now', in the section 'Slabs', looks for them."),) if slow else ()),
        *table_note(plan),
    )


_KEPT = {"labelled": _("labelled"), "body": _("of the body")}


def _new_folder_note(settings: PanelSettings) -> tuple[str, ...]:
    try:
        out = output_folder(settings.output)
    except OutputError:
        return ()
    return () if out.exists() else (_("The folder {folder} is new and will be made.").format(folder=out),)


def _order_note(cut: VolumeGeometry, volume: Any) -> str:
    held = node_geometry(volume)
    if cut.orientation == held.orientation:
        return ""
    if cut.orientation == held.k_reversed().orientation and not cut.is_right_handed:
        return _(
            "The file is stored left-handed ({axes}); Slicer shows it with k reversed. "
            "Slabs and the indices below are the file's."
        ).format(axes=cut.orientation)
    return _("The slabs' axes point to {cut}, Slicer's to {held}; the indices are the slabs'.").format(
        cut=cut.orientation, held=held.orientation
    )


def _preview_action(request: ExportRequest, plan: SlabPlan, search: Search | None) -> Action:
    if request.limit.crop_to is not None and request.frames is not None:
        return Action(False, _("The box that is cut is found when you export; without 'Crop to' slabs can be shown."))
    if request.limit.crop_to is not None and search is not None:
        return Action(False, _("The box that is cut is not found yet: see the section 'Slabs'."))
    if (count := len(shown_pieces(plan))) > MOST_BOXES:
        shown = _("{slabs} are too many to show; the preview shows up to {most}.")
        return Action(False, shown.format(slabs=counted(count, plan.kind), most=MOST_BOXES))
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
