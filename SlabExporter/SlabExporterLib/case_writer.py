"""Cut the slabs of one case and finish their files.

Slicer's classes are used on the calling thread only; verifying and packing run beside it on
threads, since compression, check sums and SimpleITK let other threads run.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files.slab_files import FinishedFile
from .formats import CaseFormat, finish, stage
from .mrml.crop import cropped_node
from .mrml.nodes import add_volume_node, temporary_nodes
from .mrml.runtime import SlicerRuntime
from .previews import PREVIEW_FOLDER
from .progress import Progress, ProgressEvent
from .pure.errors import InputError
from .pure.manifest import SlabRecord
from .pure.naming import slab_name
from .pure.planning import Slab, SlabPlan
from .pure.source import SourceVolume
from .pure.statistics import image_statistics, label_counts

IMAGE = "image"
IMAGE_FOLDER = "images"
WORKERS = 2
# Uncompressed slabs that may wait for a worker, on disk and in memory.
MOST_PENDING = 3
# How often a caller is given the chance to cancel while workers are busy.
PATIENCE_SECONDS = 0.1


@dataclass(frozen=True)
class Target:
    """One volume that is cut by the plan's boxes.

    Attributes:
        name: "image", or the label set's name.
        folder: of its slabs, relative to the case's folder.
        volume: voxels and geometry.
        fill: value of padded voxels.
    """

    name: str
    folder: str
    volume: SourceVolume
    fill: float

    @property
    def label(self) -> str | None:
        """The label set's name; None for the image."""
        return None if self.name == IMAGE else self.name


@dataclass(frozen=True)
class _Outcome:
    file: FinishedFile
    statistics: dict[str, Any]


def write_slabs(
    runtime: SlicerRuntime,
    case: str,
    targets: tuple[Target, ...],
    plan: SlabPlan,
    form: CaseFormat,
    folder: Path,
    scratch: Path,
    progress: Progress,
) -> tuple[SlabRecord, ...]:
    """Cut, verify and write all slabs of all targets.

    Args:
        runtime: Slicer's classes and a scene for temporary nodes.
        case: its name, for file names and events.
        targets: the image first, then label maps on the same grid.
        plan: the boxes.
        form: format, compression, verification.
        folder: the case's folder, which exists with its subfolders.
        scratch: an existing folder on the same disk for unfinished files.
        progress: told of each finished slab, and often enough to cancel; may raise.

    Returns:
        A record for each slab, in numbering order.

    Raises:
        SlabExporterError: the first failure; work under way is waited for.
    """
    under_way: list[dict[str, Future[_Outcome]]] = []
    records: list[SlabRecord] = []

    def wait_until_busy_at_most(most: int) -> None:
        """Wait for workers, leaving the caller the chance to cancel."""
        while len(busy := [f for futures in under_way for f in futures.values() if not f.done()]) > most:
            wait(busy, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
            progress(ProgressEvent("waiting", case, len(records), len(plan.slabs)))

    def record_finished_slabs() -> None:
        """In numbering order; raises what a worker raised."""
        while len(records) < len(under_way):
            futures = under_way[len(records)]
            if len(futures) < len(targets) or not all(future.done() for future in futures.values()):
                return
            slab = plan.slabs[len(records)]
            records.append(_record(case, slab, plan, targets, form, futures))
            progress(ProgressEvent("slab-finished", case, len(records), len(plan.slabs), slab=records[-1]))

    with _workers() as pool, _nodes(runtime, targets) as nodes:
        for slab in plan.slabs:
            under_way.append({})
            for target in targets:
                with cropped_node(runtime, nodes[target.name], target.volume.geometry, slab.box, target.fill) as cut:
                    staged = stage(runtime, cut, scratch, f"{target.folder}-{slab.index}", form, target.label)
                final = folder / relative_path(case, target, slab, plan, form)
                under_way[-1][target.name] = pool.submit(_finish, staged, final, scratch, target, slab, form)
                wait_until_busy_at_most(MOST_PENDING)
                record_finished_slabs()
        for most in range(MOST_PENDING - 1, -1, -1):
            wait_until_busy_at_most(most)
            record_finished_slabs()
    return tuple(records)


def relative_path(case: str, target: Target, slab: Slab, plan: SlabPlan, form: CaseFormat) -> str:
    """Where a slab's file (of DICOM images: folder) goes, relative to the case's folder, with "/"."""
    return f"{target.folder}/{slab_name(case, slab.index, len(plan.slabs))}{form.suffix(target.label)}"


def _finish(staged: Any, final: Path, scratch: Path, target: Target, slab: Slab, form: CaseFormat) -> _Outcome:
    volume = target.volume
    file = finish(staged, final, scratch, volume, slab, target.fill, form, target.label)
    inside = volume.voxels_kji[slab.box.intersection(volume.geometry.box).slices_kji()]
    if target.name == IMAGE:
        return _Outcome(file, image_statistics(inside))
    return _Outcome(file, {"voxels": label_counts(inside)})


def _record(
    case: str,
    slab: Slab,
    plan: SlabPlan,
    targets: tuple[Target, ...],
    form: CaseFormat,
    futures: dict[str, Future[_Outcome]],
) -> SlabRecord:
    outcomes = {name: future.result() for name, future in futures.items()}
    image = outcomes.pop(IMAGE)
    labels = {t.name: t for t in targets if t.name != IMAGE}
    statistics = dict(image.statistics)
    if outcomes:
        statistics["labels"] = {name: outcome.statistics["voxels"] for name, outcome in outcomes.items()}
    return SlabRecord(
        index=slab.index,
        image=relative_path(case, targets[0], slab, plan, form),
        labels={name: relative_path(case, target, slab, plan, form) for name, target in labels.items()},
        box=slab.box,
        geometry=plan.geometry.cropped(slab.box),
        sha256=image.file.sha256,
        labels_sha256={name: outcome.file.sha256 for name, outcome in outcomes.items()},
        verified=image.file.verified and all(outcome.file.verified for outcome in outcomes.values()),
        statistics=statistics,
    )


@contextmanager
def _workers() -> Iterator[ThreadPoolExecutor]:
    """A pool that drops what has not begun, and waits for what has, when the work is abandoned."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _nodes(runtime: SlicerRuntime, targets: tuple[Target, ...]) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        nodes = stack.enter_context(temporary_nodes(runtime.scene))
        result = {}
        for target in targets:
            volume = target.volume
            result[target.name] = add_volume_node(runtime, volume.voxels_kji, volume.geometry, target.name)
            nodes.append(result[target.name])
        yield result


def require_own_names(label_sets: list[str]) -> None:
    """Refuse names of label sets that would collide with each other, the images or the pictures.

    Raises:
        InputError: with the name.
    """
    for name in label_sets:
        if label_sets.count(name) > 1 or name in (IMAGE, IMAGE_FOLDER, PREVIEW_FOLDER):
            raise InputError(f"Two sets of files would be called '{name}'; name label sets apart with NAME=PATH.")
