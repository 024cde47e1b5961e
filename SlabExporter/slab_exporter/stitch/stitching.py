"""Stitch slabs, or predictions made from them, into one volume on the grid that was cut, or on the source's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, RequestError
from ..core.manifest import Manifest, read_manifest
from ..core.naming import PieceKind
from ..core.options import GRIDS, Blend, Grid
from ..core.options.choices import require_choice
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.text import Option
from ..core.values import fill_value
from ..core.volume import PREPARED, SourceVolume
from ..files.machine import require_memory
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..volumes.writing import require_writable, write_volume
from .blending import Stitcher
from .cells import describe_uncovered
from .method import as_kind, choose_blend, common_kind, is_whole
from .numbering import in_source_values
from .outputs import require_apart, require_apart_from
from .predictions import Predictions, own_files
from .result_header import recorded_type, result_header, stack_of
from .slab_reading import SlabKind, SlabReader, read_ahead
from .way_back import Stitched, beyond_the_cut, require_classes

# All channels of an export, as one 4D volume.
ALL = "all"
_AVERAGED_LABELS = "Some {}s hold whole numbers only, as label maps do; labels should not be averaged."


@dataclass(frozen=True)
class StitchRequest:
    """Options of a stitch.

    Attributes:
        blend: one of ``BLENDS``; None: "first" for an export's own slabs, "vote" for
            predictions of whole numbers, "mean" for others.
        fill: value of voxels that no slab holds; None: the export's (air for a CT-like image, otherwise 0).
        trust_names: accept predictions whose geometry was lost, by their names and shapes alone.
        label_set: stitch this label set of the export instead of its images.
        channel: which images of an export with several channels; "all" for all of them as one 4D volume; None: the
            first.
        grid: "cut": the grid whose slabs they are; "source": the source's, where the volume was made ready before.
        argmax: of several numbers per voxel write the place of the largest: a label map, made on the result's grid.
    """

    blend: Blend | None = None
    fill: float | None = None
    trust_names: bool = False
    label_set: str | None = None
    grid: Grid = "cut"
    argmax: bool = False
    channel: str | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and self.label_set is not None:
            raise RequestError("Stitch either a channel or a label set of the export; both are given.")
        require_choice("grid", self.grid, GRIDS)


@dataclass(frozen=True)
class StitchResult:
    """Record of what was made.

    Attributes:
        case: its name.
        path: the file written.
        slabs: how many went into it.
        channels: numbers per voxel.
        dtype: of the voxels.
        blend: how overlaps were blended.
        overlapping: whether there were any.
        uncovered: what no slab holds, as a sentence; None where all is covered, apart from slabs that were left out.
        fill: the value of those voxels, and of slabs that were left out.
        is_labels: a label set of the export, or predictions of whole numbers from 0 on.
        warnings: sentences.
        kind: what the slabs are called.
        left_out: how many slabs the export has left out.
        frames: numbers of the frames in the source, where the file holds frames.
    """

    case: str
    path: Path
    slabs: int
    channels: int
    dtype: str
    blend: Blend
    overlapping: bool
    uncovered: str | None
    fill: float
    is_labels: bool
    warnings: tuple[str, ...]
    kind: PieceKind = "slab"
    left_out: int = 0
    frames: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        return self.__dict__ | {"path": str(self.path), "warnings": list(self.warnings)}


def stitch_case(
    manifest_path: Path,
    output: Path,
    request: StitchRequest,
    predictions: Predictions | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> StitchResult:
    """Stitch one case.

    Args:
        manifest_path: of the case.
        output: .nii.gz, .nii or .nrrd file to be written.
        request: blend, fill value and so on.
        predictions: files to stitch instead of the export's own slabs.
        overwrite: replace ``output`` where it exists.
        progress: called with each slab; may raise ``Cancelled``.

    Raises:
        SlabExporterError: with a sentence; nothing is left behind.
    """
    require_writable(output, overwrite)
    manifest = read_manifest(manifest_path)
    folder = manifest_path.parent
    if not manifest.slabs:
        raise InputError(f"{manifest_path} lists no slabs.")
    if predictions is not None and request.channel is not None:
        raise RequestError("Stitch either predictions or a channel of the export; both are given.")
    require_apart(output, manifest, folder)
    with open_runtime() as runtime:
        apart = manifest.frames is not None and manifest.frames.apart and predictions is None
        takes_all = request.channel == ALL or (apart and request.channel is None and request.label_set is None)
        if not takes_all or not manifest.channels:
            one = None if request.channel == ALL else request.channel
            stitched, result = _stitched(
                runtime, manifest.of_channel(one), folder, output, request, predictions, progress
            )
        else:
            stitched, result = _all_channels(runtime, manifest, folder, output, request, progress)
        if predictions is not None and result.is_labels:
            stitched, told = in_source_values(stitched, predictions.folder, result.fill)
            result = replace(result, dtype=stitched.voxels_ckji.dtype.name, warnings=(*result.warnings, *told))
        write_volume(runtime, stitched.volume, output, stitched.voxels_ckji)
    return replace(result, frames=stitched.frame_numbers)


def _finished(work: _Work, stitched: Stitched, result: StitchResult) -> tuple[Stitched, StitchResult]:
    """Return the volume on the grid, and as the kind of volume, that was asked for."""
    request, voxels = work.request, stitched.voxels_ckji
    if request.grid == "source":
        takes_nearest = result.is_labels or (work.foreign and voxels.dtype.kind in "iu")
        outside = _fill(work, voxels.min(keepdims=True).reshape(1))
        stitched = stitched.on_source_grid(work.manifest, takes_nearest, outside)
        result = replace(result, warnings=(*result.warnings, *beyond_the_cut(work.manifest, outside)))
    if request.argmax:
        stitched = stitched.labelled()
        found = stitched.voxels_ckji
        result = replace(result, channels=1, dtype=found.dtype.name, is_labels=True)
    return stitched, result


def _all_channels(
    runtime: SlicerRuntime, manifest: Manifest, folder: Path, output: Path, request: StitchRequest, progress: Progress
) -> tuple[Stitched, StitchResult]:
    """Stitch the channels one after another; return the first's volume and the voxels of all.

    Raises:
        InputError: they are of several types.
    """
    records = (manifest.source, *(channel.source for channel in manifest.channels))
    types = {name: str(record.dtype) for name, record in zip(manifest.channel_names, records, strict=True)}
    if len(set(types.values())) > 1:
        held = ", ".join(f"{name} {dtype}" for name, dtype in types.items())
        raise InputError(
            f"The channels of {manifest.case} are of several types ({held}), which one file cannot hold; stitch them "
            "one by one with ",
            Option("channel"),
            ".",
        )
    require_memory(
        output, len(types) * math.prod(manifest.geometry.shape_ijk) * np.dtype(types[manifest.channel]).itemsize
    )
    found = [
        _stitched(runtime, manifest.of_channel(name), folder, output, request, None, progress)
        for name in manifest.channel_names
    ]
    stitched, result = found[0]
    voxels = np.concatenate([one.voxels_ckji for one, _ in found])
    volume = replace(stitched.volume, frames=stack_of(manifest, voxels))
    return replace(stitched, volume=volume, voxels_ckji=voxels), replace(result, channels=len(voxels))


def _stitched(
    runtime: SlicerRuntime,
    manifest: Manifest,
    folder: Path,
    output: Path,
    request: StitchRequest,
    predictions: Predictions | None,
    progress: Progress,
) -> tuple[Stitched, StitchResult]:
    """Stitch one image, or label set; the volume is on the grid that was asked for."""
    paths = own_files(manifest, folder, request.label_set) if predictions is None else predictions.of(manifest)
    require_apart_from(output, paths)
    own = recorded_type(manifest, request.label_set) if predictions is None else None
    with read_ahead(paths) as files:
        runtime.load()
        reader = SlabReader(runtime, files, manifest, paths, request.trust_names, own)
        work = _Work(manifest, paths, reader, request, foreign=predictions is not None)
        voxels, result = _stitch(work, output, progress)
    # a slab at the origin of the indices has the source's own offsets
    nearest = min(range(len(paths)), key=lambda n: sum(map(abs, manifest.slabs[n].box.start)))
    slab = manifest.slabs[nearest]
    volume = SourceVolume(
        name=str(output),
        path=None,
        sha256="",
        geometry=manifest.geometry,
        voxels_kji=voxels[0],
        header=result_header(folder / slab.image, slab, manifest, paths[nearest], predictions is not None),
        nifti_transform=manifest.source.nifti_transform,
        record={} if manifest.prepared is None else {PREPARED: "stitched"},
        frames=stack_of(manifest, voxels) if predictions is None else None,
    )
    return _finished(work, Stitched(volume, voxels), result)


@dataclass(frozen=True)
class _Work:
    manifest: Manifest
    paths: list[Path]
    reader: SlabReader
    request: StitchRequest
    foreign: bool


def _stitch(work: _Work, output: Path, progress: Progress) -> tuple[npt.NDArray, StitchResult]:
    """Return the volume as (channels, k, j, i), and what is to be said about it."""
    case, paths, reader, piece = work.manifest.case, work.paths, work.reader, work.manifest.plan.kind
    whole, boxes = work.manifest.geometry.box, [slab.box for slab in work.manifest.slabs]
    kind = common_kind([reader.kind(n) for n in range(len(boxes))], paths, piece)
    if work.request.argmax:
        require_classes(kind.channels)
    require_memory(paths[0], kind.channels * math.prod(whole.shape) * kind.dtype.itemsize)
    blend = choose_blend(
        reader, kind, work.request.blend, work.foreign, lambda: progress(ProgressEvent("waiting", case, 0, len(boxes)))
    )
    left_out = work.manifest.plan.left_out
    left = [] if left_out is None else [piece.box for piece in left_out.pieces]
    stitcher = Stitcher(whole, boxes, blend, kind.dtype, kind.channels, left, piece)
    lowest, averages_labels = np.inf, False
    for n in range(len(boxes)):
        voxels = as_kind(reader.read(n), kind, paths[n], piece)
        lowest = min(lowest, float(np.fmin.reduce(voxels, axis=None)))  # type: ignore[call-overload]
        if blend in ("mean", "gaussian") and kind.channels == 1 and np.max(voxels) > 1:
            averages_labels |= is_whole(voxels)
        stitcher.add(n, voxels)
        progress(ProgressEvent("slab-finished", case, n + 1, len(boxes), piece=piece))
    uncovered = describe_uncovered(stitcher.uncovered, whole, piece)
    fill = _fill(work, np.array([lowest]).astype(kind.dtype)) if uncovered or left else 0.0
    result = StitchResult(
        case=case,
        path=output,
        slabs=len(boxes),
        channels=kind.channels,
        dtype=kind.dtype.name,
        blend=blend,
        overlapping=stitcher.overlapping,
        uncovered=uncovered,
        fill=fill,
        is_labels=_is_labels(work, kind, blend, lowest),
        warnings=reader.warnings + ((_AVERAGED_LABELS.format(piece),) if averages_labels else ()),
        kind=piece,
        left_out=len(left),
    )
    return stitcher.finish(fill), result


def _is_labels(work: _Work, kind: SlabKind, blend: Blend, lowest: float) -> bool:
    if not work.foreign:
        return work.request.label_set is not None
    return kind.channels == 1 and lowest >= 0 and (kind.dtype.kind in "iu" or blend == "vote")


def _fill(work: _Work, lowest: npt.NDArray) -> float:
    if work.request.fill is None and (work.foreign or work.request.label_set is not None):
        return 0.0
    # what is air in the whole volume is known to the export, not to the slabs of an organ
    recorded = work.manifest.plan.fill if work.request.fill is None else None
    return fill_value(work.request.fill, lowest) if recorded is None else float(recorded)
