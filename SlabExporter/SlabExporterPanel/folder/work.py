"""Look at a folder of cases, or export it, and tell of it in events, as documents of JSON."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from slab_exporter.cases.find import Case, find_cases, match_summary, split_and_grouped
from slab_exporter.cases.parts import deal
from slab_exporter.core.errors import OutputError
from slab_exporter.core.naming import REPORT, piece_noun
from slab_exporter.core.progress import ProgressEvent
from slab_exporter.core.text import lengths, sizes
from slab_exporter.export.data_set import holds_case
from slab_exporter.export.from_files import ExportResult, RunOptions, export_cases
from slab_exporter.export.identity import named_for_export
from slab_exporter.export.nnunet import require_layout
from slab_exporter.export.output_folder import refuse_other_content
from slab_exporter.files.disk import is_exported_case
from slab_exporter.files.network.downloads import Downloads
from slab_exporter.inspection.dry_run import Outlook, outlook
from slab_exporter.mrml.runtime import open_runtime
from slab_exporter.pipeline.limiting import require_sound

from ..views.words import in_panel_words
from .task import FolderTask, require_output

Tell = Callable[[dict[str, Any]], None]


def perform(task: FolderTask, tell: Tell) -> None:
    """Do a task.

    Raises:
        SlabExporterError: nothing could be done at all.
    """
    with Downloads(lambda text: tell({"event": "downloading", "message": text})) as files:
        cases = _cases(task, files, tell)
        if task.exports:
            _export(task, cases, tell)
        else:
            _look(task, cases, tell)


def _cases(task: FolderTask, files: Downloads, tell: Tell) -> list[Case]:
    def warn(text: str) -> None:
        tell({"event": "warning", "case": "", "message": in_panel_words(text)})

    cases = find_cases([task.inputs], list(task.labels), task.out, warn, task.data_set.channels, files)
    return named_for_export(split_and_grouped(cases, task.request, task.data_set), task.request.deidentify, warn)


def _look(task: FolderTask, cases: list[Case], tell: Tell) -> None:
    """Tell what an export would make of each case, as far as headers show."""
    require_sound(cases, task.request)
    require_layout(cases, task.request, task.data_set)
    tell({"event": "found", "cases": len(cases), "summary": "; ".join(match_summary(cases))})
    dealt = deal(cases, task.data_set.split, task.data_set.seed)
    for text in dealt.warnings:
        tell({"event": "warning", "case": "", "message": in_panel_words(text)})
    with open_runtime() as runtime:
        for case in cases:
            one = replace(outlook(runtime, case, task.request), part=dealt.parts[case.name])
            tell(_planned(one, task.out is not None and holds_case(task.out / case.name)))
    tell({"event": "looked", "output": "none" if task.out is None else output_state(task.out)})


def _planned(one: Outlook, is_there: bool) -> dict[str, Any]:
    case, plan = one.case, one.plan
    event: dict[str, Any] = {"event": "planned", "case": case.name, "there": is_there, "part": one.part}
    event |= {"images": [case.told(str(image.image)) for image in case.images], "patient": case.group or case.name}
    event |= {"labels": {name: case.told(str(path)) for name, path in case.labels.items()}}
    event |= {"warnings": [in_panel_words(text) for text in one.warnings]}
    if plan is None:
        return event | {"error": in_panel_words(one.error or "")}
    grid = plan.geometry
    event |= {"pieces": len(plan.slabs), "piece": plan.kind, "bytes": one.voxel_bytes}
    return event | {"voxels": sizes(grid.shape_ijk), "spacing": lengths(grid.spacing), "axes": grid.orientation}


def output_state(out: Path) -> str:
    """Return what an output folder is good for: "new" for a start, "earlier" for going on, "other" for neither."""
    if not out.exists():
        return "new"
    if not out.is_dir():
        return "other"
    try:
        refuse_other_content(out, resume=False, overwrite=False)
    except OutputError:
        return "earlier" if any(is_exported_case(path) for path in out.iterdir() if path.is_dir()) else "other"
    return "new" if os.access(out, os.W_OK | os.X_OK) else "locked"


def _export(task: FolderTask, cases: list[Case], tell: Tell) -> None:
    """Export the cases, and tell of every step."""

    def progress(event: ProgressEvent) -> None:
        if event.kind != "waiting":
            tell(_step(event))

    out, began = require_output(task), time.monotonic()
    tell({"event": "begun", "cases": [case.name for case in cases]})
    run = RunOptions(data_set=task.data_set)
    result = export_cases(cases, out, task.request, progress, task.resume, False, run)
    tell(_finished(result, out) | {"seconds": round(time.monotonic() - began, 1)})


def _step(event: ProgressEvent) -> dict[str, Any]:
    step: dict[str, Any] = {"event": event.kind, "case": event.case, "done": event.done, "total": event.total}
    step |= {"piece": event.piece, "message": in_panel_words(event.message)}
    return step if event.slab is None else step | {"verified": bool(event.slab.verified)}


def _finished(result: ExportResult, out: Path) -> dict[str, Any]:
    slabs = [slab for manifest in result.manifests for slab in manifest.slabs]
    report = out / REPORT
    return {
        "event": "finished",
        "cases": len(result.manifests),
        "failed": len(result.failures),
        "pieces": len(slabs),
        "piece": piece_noun(manifest.plan.kind for manifest in result.manifests),
        "verified": sum(slab.verified for slab in slabs),
        "problems": [in_panel_words(text) for text in result.problems],
        "report": str(report) if report.is_file() else "",
    }
