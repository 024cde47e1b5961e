"""A judged series into a volume in memory: rescaled values, whole numbers whole, geometry from positions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.options import SeriesOptions
from ...core.text import Option, Sentence, sizes
from ...core.values import native, scaled_planes
from ...core.volume import SourceVolume, VolumePeek
from ...files.disk import read_whole
from ...files.machine import require_memory
from ...interrupts import end_if_abandoned
from .contradictions import content_warnings, divided
from .judging import judge, judge_stack
from .parsing import parsing, read_dataset
from .pixels import stored_dtype, stored_planes
from .resample import regular_grid, regular_volume
from .scan import combined_sha256
from .series import Kind, Series, Slice, Verdict
from .stacking import ROUNDED_CORNER_MM, ROUNDING_MM, Stack, make_stack, uneven_reason

# How many times the source's voxels a resampled volume may have
_MOST_GROWTH = 10


@dataclass(frozen=True)
class DicomSource:
    """Where the planes of a volume come from.

    Attributes:
        series: the whole series.
        planes: the plane of each k; none for a volume that was interpolated.
        lowest: the first plane along the normal, of an interpolated volume too.
        window: WindowCenter and WindowWidth of the image whose window is the median one; None where none is stated.
        in_frame: whether the volume is known to lie in the frame of reference of the series.
    """

    series: Series
    planes: tuple[Slice, ...]
    lowest: Slice
    window: tuple[float, float] | None = None
    in_frame: bool = True


def load_series(series: Series, options: SeriesOptions, frame: int | None = None) -> SourceVolume:
    """Read a series.

    Args:
        series: as ``scan.find_series`` made it.
        options: what departure from a regular volume is accepted.
        frame: which volume of a series that holds several, from 0.

    Returns:
        Index order: i along a row, j along a column, k along row x column (increasing position),
        so right-handed. Values are rescaled; integers where slope and intercept are whole.

    Raises:
        InputError: the verdict is against it, a file is damaged, there is no decoder.
    """
    series = accepted(series, options)
    stack, warnings = _judged(series, options, frame)
    voxels, checksum = _voxels(series, stack)
    record: dict[str, Any] = {"series_instance_uid": series.info.series_uid, "files": len(series.files)}
    if series.damage:
        record["allow_damaged"] = series.damage
    volume = SourceVolume(
        name=series.shown,
        path=series.folder,
        sha256=checksum,
        geometry=stack.geometry,
        voxels_kji=voxels,
        frame=frame if series.verdict.kind is Kind.SEVERAL else None,
        warnings=warnings,
        record=record,
        dicom=DicomSource(series, stack.slices, stack.slices[0], _median_window(stack)),
    )
    verdict = judge_stack(stack)
    if options.resample and verdict.kind is not Kind.REGULAR:
        volume = _resampled(volume, stack, verdict)
    elif options.allow_uneven is not None:
        record["allow_uneven_mm"] = options.allow_uneven
    return volume


def stacked(series: Series) -> tuple[Stack, npt.NDArray] | None:
    """Return the planes of a series in order and their rescaled KJI values, wherever they lie; None for no stack.

    Raises:
        InputError: a file is damaged, there is no decoder.
    """
    is_stack = series.verdict.kind in (Kind.REGULAR, Kind.UNEVEN, Kind.MISSING, Kind.TILTED)
    stack = make_stack(series.slices) if is_stack else None
    return None if stack is None else (stack, _voxels(series, stack)[0])


def _median_window(stack: Stack) -> tuple[float, float] | None:
    """The window of the median width: single images (air, a metal implant) have ones that show nothing of the rest."""
    windows = sorted((s.window for s in stack.slices if s.window is not None), key=lambda pair: (pair[1], pair[0]))
    return windows[(len(windows) - 1) // 2] if windows else None


def peek_series(series: Series, options: SeriesOptions, frame: int | None = None) -> VolumePeek:
    """Return what the headers tell of the volume that ``load_series`` would read.

    Raises:
        InputError: the verdict is against it.
    """
    series = accepted(series, options)
    stack, warnings = _judged(series, options, frame)
    resampled = options.resample and judge_stack(stack).kind is not Kind.REGULAR
    return VolumePeek(
        kind="DICOM",
        geometry=regular_grid(stack) if resampled else stack.geometry,
        dtype=_stored_type(stack),
        frames=_count(series),
        is_scaled=resampled or any((plane.slope, plane.intercept) != (1.0, 0.0) for plane in stack.slices),
        warnings=warnings,
    )


def _count(series: Series) -> int:
    frames = divided(series.slices) if series.verdict.kind is Kind.SEVERAL else None
    return 1 if frames is None else len(frames.volumes)


def accepted(series: Series, options: SeriesOptions) -> Series:
    """Return the series; where images are lost or damaged and the options accept it, as its other images are."""
    rest = series.verdict.rest
    if not options.allow_damaged or rest is None:
        return series
    reason = series.verdict.reason
    told = Sentence("Incomplete, accepted by ", Option.on("allow_damaged"), f": {reason}. The volume may lack slices.")
    return replace(series, verdict=rest, warnings=(told, *series.warnings), damage=reason)


def _judged(series: Series, options: SeriesOptions, frame: int | None) -> tuple[Stack, tuple[str, ...]]:
    """The planes of the wanted volume, if they are acceptable, with what there is to say about them."""
    planes, left_out = _chosen(series, frame)
    stack = make_stack(planes)
    if stack is None:  # the verdict has said so already
        raise InputError(series.sentence())
    warnings = [*series.warnings, *_straightened(series, stack, options), *_accepted(series, stack, options)]
    if any(s.pixel.photometric == "MONOCHROME1" for s in planes):
        warnings.append("MONOCHROME1: small values are shown bright; the values are kept as they are.")
    return stack, (*warnings, *left_out, *content_warnings(stack))


def _resampled(volume: SourceVolume, stack: Stack, verdict: Verdict) -> SourceVolume:
    voxels, geometry = regular_volume(volume.voxels_kji, stack)
    done = {
        "method": "linear",
        "reason": verdict.kind.value,
        "tilt_degrees": round(stack.tilt_degrees, 4),
        "gaps_mm": [round(float(np.min(stack.gaps)), 4), round(float(np.max(stack.gaps)), 4)],
        "step_mm": float(geometry.spacing[2]),
    }
    text = f"Resampled to a regular volume (linear interpolation): {verdict.reason}. The voxels are not the scanner's."
    return replace(
        volume,
        voxels_kji=voxels,
        geometry=geometry,
        warnings=(*volume.warnings, text),
        record={**volume.record, "resampled": done},
        dicom=replace(volume.dicom, planes=()),
    )


def _chosen(series: Series, frame: int | None) -> tuple[tuple[Slice, ...], list[str]]:
    """Return (planes to load, warnings about others); refuses what the verdict refuses whatever the options are."""
    kind = series.verdict.kind
    if kind in (Kind.UNUSABLE, Kind.NO_VOLUME):
        raise InputError(series.sentence())
    if kind is not Kind.SEVERAL:
        if frame not in (None, 0):
            raise InputError(
                f"{series.shown} holds one volume; ",
                Option.to("frame", frame),
                " does not exist (use 0 or leave it out).",
            )
        return series.slices, []
    frames = divided(series.slices)
    if frame is None or frames is None:
        raise InputError(series.sentence())
    if frame >= len(frames.volumes):
        raise InputError(
            f"{series.shown} holds {len(frames.volumes)} volumes, counted from 0; ",
            Option.to("frame", frame),
            " does not exist.",
        )
    chosen = frames.volumes[frame]
    verdict = judge(chosen)
    if verdict.kind in (Kind.UNUSABLE, Kind.NO_VOLUME, Kind.SEVERAL):
        raise InputError(replace(series, verdict=verdict).sentence())
    said = frames.left_out_said
    return chosen, [f"{said[0].upper()}{said[1:]}."] if said else []


def _straightened(series: Series, stack: Stack, options: SeriesOptions) -> list[str]:
    """A warning about directions that are not quite perpendicular or parallel.

    Raises:
        InputError: they put corners of images farther away than rounding does, and than the options accept.
    """
    error = stack.corner_error
    if error <= ROUNDING_MM:
        return []
    text = f"ImageOrientationPatient puts corners of images up to {error:.3f} mm from a rectangular volume"
    if error > max(ROUNDED_CORNER_MM, options.allow_uneven or 0.0):
        raise InputError(
            f"{series.shown}: {text}: its directions are not perpendicular, or differ among the images. "
            "To accept the error, use ",
            Option.to("allow_uneven", float(f"{np.ceil(error * 100) / 100:g}")),
            ".",
        )
    return [f"{text}; positions in the slabs are off by up to that."]


def _accepted(series: Series, stack: Stack, options: SeriesOptions) -> list[str]:
    """Warnings about what the options accept.

    Raises:
        InputError: the planes are not a regular volume and the options do not accept that.
    """
    verdict = judge_stack(stack)
    if verdict.kind is Kind.REGULAR:
        return []
    if options.resample:
        _require_sensible_size(series, stack)
        return []
    if options.allow_uneven is None or verdict.kind is Kind.TILTED:
        raise InputError(replace(series, verdict=verdict).sentence())
    tolerance = Option.to("allow_uneven", float(f"{options.allow_uneven:g}"))
    if verdict.deviation > options.allow_uneven:
        raise InputError(f"{series.shown}: {verdict.reason}, more than ", tolerance, " accepts.")
    off = "Positions in the slabs are off by up to that."
    return [Sentence("Unevenly spaced, accepted by ", tolerance, f": {verdict.reason}. {off}")]


def _require_sensible_size(series: Series, stack: Stack) -> None:
    """Refuse to interpolate what a slice far away from the others would make of a series."""
    have, wanted = stack.geometry.shape_ijk, regular_grid(stack).shape_ijk
    if np.prod([float(n) for n in wanted]) > _MOST_GROWTH * np.prod([float(n) for n in have]):
        raise InputError(
            f"{series.shown}: a regular volume would have {sizes(wanted)} voxels instead of "
            f"{sizes(have)}; {uneven_reason(stack)}. Remove the images that lie far away."
        )


def _voxels(series: Series, stack: Stack) -> tuple[npt.NDArray, str]:
    """Return (rescaled KJI voxels, check sum of the series)."""
    first = stack.slices[0]
    dtype = _stored_type(stack)
    shape = (len(stack.slices), first.rows, first.columns)
    require_memory(Path(series.folder), int(np.prod([float(n) for n in shape])) * dtype.itemsize)
    stored = np.empty(shape, dtype)
    digests = []
    found = {plane.path: plane for plane in series.slices}
    for path, planes in _by_file(series, stack):
        end_if_abandoned()
        with parsing(path):
            content = read_whole(Path(path))
            found[path].require_as_found(content)
            digests.append(hashlib.sha256(content).hexdigest())
            if planes:
                arrays = stored_planes(read_dataset(content), [plane for _, plane in planes])
                for (k, _), array in zip(planes, arrays, strict=True):
                    stored[k] = array
    slopes = tuple(s.slope for s in stack.slices)
    intercepts = tuple(s.intercept for s in stack.slices)
    return native(scaled_planes(stored, slopes, intercepts)), combined_sha256(digests)


def _stored_type(stack: Stack) -> np.dtype:
    """An integer type for the stored values of all planes."""
    dtype = np.result_type(*{stored_dtype(s.pixel) for s in stack.slices})
    return np.dtype(np.int64) if dtype.kind == "f" else dtype  # uint32 beside signed planes


def _by_file(series: Series, stack: Stack) -> Iterator[tuple[str, list[tuple[int, Slice]]]]:
    """Each file of the series with the planes (and their k) that are wanted of it."""
    wanted = sorted(enumerate(stack.slices), key=lambda pair: (pair[1].path, pair[0]))
    planes = {path: list(group) for path, group in groupby(wanted, key=lambda pair: pair[1].path)}
    for path in series.files:
        yield path, planes.get(path, [])
