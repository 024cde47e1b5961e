"""Cut the slabs of one case and finish their files.

Slicer's classes are used on one thread only; verifying and packing run beside it on
helper threads, since compression, check sums and SimpleITK let other threads run.
"""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..attended import held_in_scene
from ..core.errors import InputError
from ..core.geometry import Box
from ..core.manifest import SlabRecord
from ..core.naming import TAKEN_IN_CASE, slab_name
from ..core.planning import Slab, SlabPlan
from ..core.progress import EventKind, Progress, ProgressEvent
from ..core.values import image_statistics, label_counts
from ..core.volume import SourceVolume
from ..files.machine import THREADS, helpers
from ..files.readback import first_change
from ..files.slab_files import FinishedFile, UnfinishedSlab
from ..mrml.runtime import SlicerRuntime
from .cut import cut_as_source, shown_volumes
from .formats.slab_format import CaseFormat, CutSlab

IMAGE = "image"
IMAGE_FOLDER = "images"
# Uncompressed slabs that may wait for a helper, on disk and in memory.
MOST_PENDING = 3
# How often a caller is given the chance to cancel while helpers are busy.
PATIENCE_SECONDS = 0.1


@dataclass(frozen=True)
class Target:
    """One volume that is cut by the plan's boxes.

    Attributes:
        name: "image", or the name of a label set or further channel.
        folder: of its slabs, relative to the case's folder.
        volume: voxels and geometry.
        fill: value of padded voxels.
        is_channel: whether it is a further image, not a label map.
    """

    name: str
    folder: str
    volume: SourceVolume
    fill: float
    is_channel: bool = False

    @property
    def set_name(self) -> str | None:
        """Name of the label set or further channel; None for the image."""
        return None if self.name == IMAGE else self.name

    @property
    def is_label(self) -> bool:
        """Whether it is a label map."""
        return self.name != IMAGE and not self.is_channel

    def inside(self, box: Box) -> npt.NDArray:
        """Return the voxels (KJI) of a box as far as it lies inside the volume."""
        return self.volume.inside(box)

    def frames_in(self, box: Box) -> npt.NDArray | None:
        """Return the voxels of a box in all frames (frames, k, j, i), padded; None for one volume."""
        stack, inside = self.volume.frames, box.intersection(self.volume.geometry.box)
        if stack is None:
            return None
        found = stack.inside(inside.slices_kji())
        if inside == box:
            return found
        padded = np.full((len(stack), *box.shape[::-1]), self.fill, found.dtype)
        planes, rows, columns = inside.relative_to(box).slices_kji()
        padded[:, planes, rows, columns] = found
        return padded


@dataclass(frozen=True)
class CaseWork:
    """All that is to be cut for one case, and where it goes.

    Attributes:
        name: of the case, for file names and events.
        targets: the image first, then further channels and label maps on the same grid.
        plan: the boxes.
        form: the formats.
        folder: the case's folder, which exists with its subfolders.
        scratch: an existing folder on the same disk for unfinished files.
        verify: read every slab back and compare it with the source.
        threads: helpers that verify and pack; 0 for none beside the calling thread.
    """

    name: str
    targets: tuple[Target, ...]
    plan: SlabPlan
    form: CaseFormat
    folder: Path
    scratch: Path
    verify: bool = True
    threads: int = THREADS

    @cached_property
    def reopened(self) -> dict[str, Slab]:
        """By target, the slab whose finished file is opened again: the smallest with more than one value."""
        by_size = sorted(self.plan.slabs, key=lambda slab: math.prod(slab.box.shape))
        return {
            target.name: next((s for s in by_size if first_change(target.inside(s.box)) is not None), by_size[0])
            for target in self.targets
        }

    def relative_path(self, target: Target, slab: Slab) -> str:
        """Where a slab's file (of DICOM images: folder) goes, relative to the case's folder, with "/"."""
        name = slab_name(self.name, slab.index, len(self.plan.all_slabs), self.plan.kind)
        return f"{target.folder}/{name}{self.form.of(target.set_name).suffix}"

    def unfinished(self, target: Target, slab: Slab) -> UnfinishedSlab:
        """What a slab should become."""
        return UnfinishedSlab(
            index=slab.index,
            box=slab.box,
            source=target.volume,
            fill=target.fill,
            final=self.folder / self.relative_path(target, slab),
            scratch=self.scratch,
            verify=self.verify,
            reopen=slab is self.reopened[target.name],
        )


@dataclass(frozen=True)
class _Outcome:
    file: FinishedFile
    statistics: dict[str, Any]


def write_slabs(runtime: SlicerRuntime, work: CaseWork, progress: Progress) -> tuple[SlabRecord, ...]:
    """Cut, verify and write all slabs of all targets.

    Args:
        runtime: Slicer's classes and a scene for temporary nodes.
        work: what to cut.
        progress: told of each finished slab, and often enough to cancel; may raise.

    Returns:
        A record for each slab, in numbering order.

    Raises:
        SlabExporterError: the first failure; work under way is waited for.
    """
    tally = _Tally(work, progress)
    volumes = {target.name: target.volume for target in work.targets}
    with helpers(work.threads) as pool, held_in_scene(shown_volumes(runtime, volumes)) as nodes:
        for slab in work.plan.slabs:
            tally.under_way.append({})
            for target in work.targets:
                name = f"{target.folder}-{slab.index}"
                with cut_as_source(runtime, nodes[target.name], target.volume, slab.box, target.fill) as (
                    placed,
                    voxels,
                ):
                    cut = CutSlab(placed, voxels, target.frames_in(slab.box))
                    staged = work.form.of(target.set_name).stage(runtime, cut, work.scratch, name)
                tally.under_way[-1][target.name] = pool.submit(_finish, staged, work, target, slab)
                tally.wait_until_busy_at_most(MOST_PENDING)
        for most in range(MOST_PENDING - 1, -1, -1):
            tally.wait_until_busy_at_most(most)
    return tuple(tally.records)


class _Tally:
    """Which slabs are under way and which are recorded; slabs pass in numbering order."""

    def __init__(self, work: CaseWork, progress: Progress) -> None:
        self.under_way: deque[dict[str, Future[_Outcome]]] = deque()
        self.records: list[SlabRecord] = []
        self._work = work
        self._progress = progress

    def wait_until_busy_at_most(self, most: int) -> None:
        """Wait for helpers, leaving the caller the chance to cancel; then record what is finished."""
        while len(busy := [f for futures in self.under_way for f in futures.values() if not f.done()]) > most:
            wait(busy, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
            self._tell("waiting")
        self._record_finished_slabs()

    def _record_finished_slabs(self) -> None:
        """In numbering order; raises what a helper raised."""
        while self.under_way:
            futures = self.under_way[0]
            # a slab is finished when all of its targets have been handed over and are done
            if len(futures) < len(self._work.targets) or not all(future.done() for future in futures.values()):
                return
            outcomes = {name: future.result() for name, future in self.under_way.popleft().items()}
            self.records.append(_record(self._work, self._work.plan.slabs[len(self.records)], outcomes))
            self._tell("slab-finished", self.records[-1])

    def _tell(self, kind: EventKind, record: SlabRecord | None = None) -> None:
        total = len(self._work.plan.slabs)
        piece = self._work.plan.kind
        self._progress(ProgressEvent(kind, self._work.name, len(self.records), total, slab=record, piece=piece))


def _finish(staged: Any, work: CaseWork, target: Target, slab: Slab) -> _Outcome:
    file = work.form.of(target.set_name).finish(staged, work.unfinished(target, slab))
    stack = target.volume.frames
    whole = slab.box.intersection(target.volume.geometry.box).slices_kji()
    inside = target.inside(slab.box) if stack is None else stack.inside(whole)
    if target.is_label:
        return _Outcome(file, {"voxels": label_counts(inside)})
    return _Outcome(file, image_statistics(inside))


def _record(work: CaseWork, slab: Slab, outcomes: dict[str, _Outcome]) -> SlabRecord:
    image = outcomes[IMAGE]
    labels = {target.name: outcomes[target.name] for target in work.targets if target.is_label}
    channels = {target.name: outcomes[target.name] for target in work.targets if target.is_channel}
    paths = {target.name: work.relative_path(target, slab) for target in work.targets}
    statistics = dict(image.statistics)
    if channels:
        statistics["channels"] = {name: outcome.statistics for name, outcome in channels.items()}
    if labels:
        statistics["labels"] = {name: outcome.statistics["voxels"] for name, outcome in labels.items()}
    return SlabRecord(
        index=slab.index,
        image=paths[IMAGE],
        labels={name: paths[name] for name in labels},
        box=slab.box,
        geometry=work.plan.geometry.cropped(slab.box),
        sha256=image.file.sha256,
        labels_sha256={name: outcome.file.sha256 for name, outcome in labels.items()},
        verified=all(outcome.file.verified for outcome in outcomes.values()),
        statistics=statistics,
        channels={name: paths[name] for name in channels},
        channels_sha256={name: outcome.file.sha256 for name, outcome in channels.items()},
    )


def require_own_names(sets: list[str]) -> None:
    """Refuse names of label sets and channels that would collide with each other, the images or the pictures.

    Raises:
        InputError: with the name.
    """
    # Some file systems take names that differ only in case for one.
    known = [name.casefold() for name in sets]
    for name in sets:
        if known.count(name.casefold()) > 1 or name.casefold() in TAKEN_IN_CASE:
            raise InputError(
                f"Two sets of files would be called '{name}'; name label sets and channels apart with NAME=PATH."
            )
