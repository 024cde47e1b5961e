"""One case from source volumes to a finished folder: plan, cut, verify, record."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core.errors import reading, writing
from ..core.geometry import Box
from ..core.manifest import FILE_NAME, Manifest
from ..core.naming import SCRATCH
from ..core.options import ExportRequest
from ..core.options.labels import LabelOptions
from ..core.pieces.keeping import KeepOptions
from ..core.pieces.limiting import LimitOptions
from ..core.planning import SlabPlan, plan_slabs
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.records import PlanRecord
from ..core.steps.records import PreparedRecord
from ..core.values import fill_value
from ..core.volume import SourceVolume, label_warnings
from ..files.disk import file_sha256
from ..files.encodings.holding import require_holdable
from ..files.gzip_codec import has_isal
from ..files.machine import THREADS
from ..interrupts import or_left_alone
from ..mrml.runtime import SlicerRuntime
from ..prepare.losses import vanished_labels
from ..prepare.preparation import Preparation, preparation_of
from ..prepare.reference import grid_sha256, reference_grid
from ..prepare.resampled import resampler_version
from ..report.pictures import write_previews
from ..volumes.body import body_remembered
from .case_folder import new_case_folder
from .case_sources import CaseSources, channel_records, label_records, relative_to, source_record
from .formats.slab_format import CaseContents, CaseFormat
from .formats.table import case_format
from .gradients import gradients_of, write_gradients
from .keeping import keep_pieces
from .limiting import limit_record, limits_of
from .slab_writer import IMAGE, IMAGE_FOLDER, CaseWork, Target, write_slabs


def export_sources(
    runtime: SlicerRuntime,
    case: CaseSources,
    request: ExportRequest,
    folder: Path,
    progress: Progress = no_progress,
    limits: Box | None = None,
    threads: int = THREADS,
    leave_aside: bool = False,
) -> Manifest:
    """Cut a case into slabs and fill its folder, manifest last.

    Args:
        runtime: Slicer's classes, with a scene for temporary nodes.
        case: image and label maps in memory.
        request: what to make.
        folder: the case's folder. An earlier export of this case stays in it until this one is whole.
        progress: told of every slab; may raise ``Cancelled``.
        limits: voxels of the prepared volume to stay within, instead of those that the request names.
        threads: helpers that verify and pack; 0 for none beside the calling thread.
        leave_aside: leave it to the caller to ``put_in_place`` the whole case.

    Returns:
        The manifest as written.

    Raises:
        SlabExporterError: with a sentence; what this call had written is removed again.
    """
    case.require_one_grid()
    preparation = preparation_of(case.image.geometry, request.prepare, request.slabs.fill)
    ready = case if preparation is None else or_left_alone(lambda: case.prepared(preparation))
    labels = list(ready.labels.values())
    with body_remembered():  # which may be both cropped to and kept
        plan = plan_case(ready.image, request, limits or limits_of(runtime, ready.image, labels, request))
        plan = keep_pieces(plan, ready.image, labels, request.keep)
    told, gradients = case, gradients_of(case.image, ready.image)
    if request.deidentify:
        case, ready = case.without_identity(), ready.without_identity()
    targets = _targets(ready, plan, request)
    form = case_format(_contents(ready, plan, targets, request))
    line = plan.describe(case.image.voxels_kji.dtype.name)
    progress(ProgressEvent("case-started", case.name, 0, len(plan.slabs), line, piece=plan.kind))
    lost = () if preparation is None or not preparation.resamples else _losses(case, ready)
    said = (*_warnings(told, plan, form), *lost, *gradients.said)
    for text in said:
        progress(ProgressEvent("warning", case.name, 0, len(plan.slabs), text))
    with new_case_folder(folder, [target.folder for target in targets], leave_aside) as new:
        work = CaseWork(case.name, targets, plan, form, new, new / SCRATCH, request.verify, threads)
        records = write_slabs(runtime, work, progress)
        frames = write_gradients(case.frames, gradients, new, IMAGE_FOLDER, case.name)
        write_previews(ready.image, list(ready.labels.values()), new, new / SCRATCH)
        manifest = Manifest(
            case=case.name,
            source=source_record(case.image, folder, request),
            channel=case.channel,
            channels=channel_records(case, form, targets, plan, folder, request),
            frames=frames,
            label_sources=label_records(case, folder, request),
            prepared=_prepared_record(preparation, folder, request),
            plan=plan_record(plan, form, request, targets[0].fill, folder),
            slabs=records,
            warnings=said if case is told else (*_warnings(case, plan, form), *lost),
            created_with=versions(runtime, preparation),
        )
        _write_text(new / FILE_NAME, manifest.to_text())
    progress(ProgressEvent("case-finished", case.name, len(records), len(records), piece=plan.kind))
    return manifest


def plan_case(image: SourceVolume, request: ExportRequest, limits: Box | None) -> SlabPlan:
    """The slabs of a volume, inside the limits if there are any.

    Raises:
        SlabExporterError: the options or the format do not fit the volume.
    """
    plan = plan_slabs(image.geometry, request.slabs, limits)
    require_holdable(image.name, image.geometry, (slab.box.shape for slab in plan.slabs), request.format)
    return plan


def _targets(case: CaseSources, plan: SlabPlan, request: ExportRequest) -> tuple[Target, ...]:
    fill = fill_value(request.slabs.fill, case.image.voxels_kji) if plan.needs_fill else 0.0
    image = Target(IMAGE, IMAGE_FOLDER, case.image, fill)
    channels = (
        Target(
            name,
            name,
            channel,
            fill_value(request.slabs.fill, channel.voxels_kji) if plan.needs_fill else 0.0,
            is_channel=True,
        )
        for name, channel in case.channels.items()
    )
    return (image, *channels, *(Target(name, name, label, 0.0) for name, label in case.labels.items()))


def _contents(case: CaseSources, plan: SlabPlan, targets: tuple[Target, ...], request: ExportRequest) -> CaseContents:
    channels = {target.name: (target.volume, target.fill) for target in targets if target.is_channel}
    return CaseContents(case.name, case.image, case.labels, plan, targets[0].fill, request, case.channel, channels)


def _warnings(case: CaseSources, plan: SlabPlan, form: CaseFormat) -> tuple[str, ...]:
    """All that a user should know of a case, each sentence once."""
    of_labels = (text for label in case.labels.values() for text in label_warnings(label))
    of_channels = (text for channel in case.channels.values() for text in channel.warnings)
    return tuple(dict.fromkeys((*case.image.warnings, *of_channels, *of_labels, *plan.notes, *form.warnings)))


def _losses(case: CaseSources, ready: CaseSources) -> tuple[str, ...]:
    """Sentences on what label maps lost when the case was made ready."""
    return tuple(
        text for name, label in case.labels.items() for text in vanished_labels(name, label, ready.labels[name])
    )


def _write_text(path: Path, text: str) -> None:
    with writing(path):
        path.write_text(text, encoding="utf-8")


def _prepared_record(preparation: Preparation | None, folder: Path, request: ExportRequest) -> PreparedRecord | None:
    like = _named(request.prepare.like, folder, request)
    return None if preparation is None else preparation.record.named(like)


def _named(path: str | None, folder: Path, request: ExportRequest) -> str | None:
    """Return how the manifest names a file that an option names; None where it must not."""
    return None if path is None or request.deidentify else relative_to(Path(path), folder)


def plan_record(plan: SlabPlan, form: CaseFormat, request: ExportRequest, fill: float, folder: Path) -> PlanRecord:
    """Every option that shaped the slabs, resolved for this volume."""
    return replace(
        plan.record(fill, _named(request.within, folder, request)),
        format=request.format,
        compression=request.compression,
        asked=asked_options(request),
        dicom=form.dicom,
        limited=limit_record(request),
    )


def asked_options(request: ExportRequest) -> dict[str, Any]:
    """The request as it was made: what a later run compares to know whether it asks for the same.

    Raises:
        InputError: the ROI file, or where it must not be named the table of segments, cannot be read.
    """
    asked, segments = json.loads(json.dumps(asdict(request))), request.dicom.segments
    _leave_out_what_earlier_versions_did_not_know(asked, request)
    if request.within is not None:
        with reading(f"The ROI file {request.within}"):
            name = None if request.deidentify else Path(request.within).name
            asked |= {"within": name, "within_sha256": file_sha256(Path(request.within))}
    if request.prepare.like is not None:  # what matters of it is its grid
        name = None if request.deidentify else Path(request.prepare.like).name
        grid = reference_grid(request.prepare.like)
        asked["prepare"] |= {"like": name, "like_grid_sha256": grid_sha256(grid)}
    if request.deidentify and segments is not None:
        with reading(f"The table of segments {segments}"):
            asked["dicom"] |= {"segments": None, "segments_sha256": file_sha256(Path(segments))}
    return asked


def _leave_out_what_earlier_versions_did_not_know(asked: dict[str, Any], request: ExportRequest) -> None:
    """Remove options that were added later and not used, so that earlier exports are known as the same."""
    if not request.slabs.cuts_blocks:
        del asked["slabs"]["block"], asked["slabs"]["block_mm"]
    if not request.slabs.crop:
        del asked["slabs"]["crop"]
    if request.slabs.cut_at is None:
        del asked["slabs"]["cut_at"]
    if request.keep == KeepOptions():
        del asked["keep"]
    if request.limit == LimitOptions():
        del asked["limit"]
    if not request.allow_outside_data:
        del asked["allow_outside_data"]
    if request.labels == LabelOptions():
        del asked["labels"]
    if not request.prepare.is_used:
        del asked["prepare"]
    if request.frames is None:
        del asked["frames"]


def versions(runtime: SlicerRuntime, preparation: Preparation | None = None) -> dict[str, str]:
    """Of what shaped the files."""
    codec = f"isal {importlib.metadata.version('isal')}" if has_isal() else "zlib"
    made = {"slab_exporter": __version__, "slicer": runtime.version, "numpy": np.__version__, "gzip": codec}
    return made | ({"simpleitk": resampler_version()} if preparation is not None and preparation.resamples else {})
