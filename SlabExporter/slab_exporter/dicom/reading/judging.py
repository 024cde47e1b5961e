"""Judge a series before it is loaded: what it is, and why it is not a regular volume if it is not one.

Nothing is regularised here or later without being asked: ITK's series reader loads tilted and
uneven series as if they were regular, tens of millimetres wrong, and stacks 4D series into one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.text import Option, Sentence, counted
from .contradictions import divided
from .frames import Frames
from .marks import backslashed
from .series import Kind, Series, Slice, Verdict
from .stacking import (
    ROUNDING_MM,
    SAME_PLACE_MM,
    TILT_DEGREES,
    Stack,
    between,
    files_between,
    make_stack,
    missing_slices,
    uneven_reason,
)

# A kilometre, and values that no number type of a volume file holds: such headers are wrong.
_LARGEST_MM, _LARGEST_RESCALE = 1e6, 1e30
_SEPARATE = "Put the images that belong together into a folder of their own."
_TILES = "Convert it first, for example with dcm2niix."
_AS_SENT = "Go back to the images as the scanner sent them."
_CORRECT = f"Put images like it into a folder of their own, or correct them. {_AS_SENT}"
_RESAMPLE = Sentence("Use ", Option.on("resample"), " to make a regular volume by interpolation.")


def judge(slices: tuple[Slice, ...]) -> Verdict:
    """Return what a series is, by its headers alone."""
    for rule in (_not_grey, _tiled, _single, _placeless):
        verdict = rule(slices)
        if verdict is not None:
            return verdict
    frames = divided(slices)
    if frames is not None:
        return _several(frames, slices)
    stack = make_stack(slices)
    if stack is None:
        first = slices[0]
        return _unusable(
            f"ImageOrientationPatient of {first.shown}, {backslashed(first.orientation)}, is not two perpendicular "
            "unit vectors",
            _CORRECT,
        )
    return judge_stack(stack)


def judge_stack(stack: Stack) -> Verdict:
    """Return whether one volume's planes form an evenly spaced grid."""
    if len(stack.slices) == 1:
        return _no_volume("it holds one image")
    if np.min(stack.gaps) < SAME_PLACE_MM:
        n = int(np.argmin(stack.gaps))
        return _unusable(
            f"{stack.slices[n].shown} and {stack.slices[n + 1].shown} lie in the same plane, side by side",
            _SEPARATE,
        )
    deviation = stack.deviation
    if deviation <= ROUNDING_MM:
        return Verdict(Kind.REGULAR, deviation=deviation)
    if stack.tilt_degrees > TILT_DEGREES:
        reason = (
            f"the gantry was tilted by {stack.tilt_degrees:.1f} degrees, so that the slices are sheared and would be "
            f"up to {deviation:.1f} mm off in a rectangular volume"
        )
        if np.max(np.abs(stack.gaps - stack.common_gap)) > ROUNDING_MM * 2:
            reason += f"; {uneven_reason(stack)}"
        return Verdict(Kind.TILTED, reason, _RESAMPLE, deviation)
    missing = missing_slices(stack)
    if missing is not None:
        count, after = missing
        reason = (
            f"{count} slice{'s are' if count > 1 else ' is'} missing: {between(stack, after)} "
            f"where the rest are {stack.common_gap:.2f} mm {files_between(stack, after)}"
        )
        return Verdict(Kind.MISSING, reason, "Find the missing images. " + _RESAMPLE, deviation)
    tolerance = Option.to("allow_uneven", _round_up(deviation))
    remedy = Sentence(_RESAMPLE, " To keep the voxels and accept the error, use ", tolerance, ".")
    return Verdict(Kind.UNEVEN, uneven_reason(stack), remedy, deviation)


def _round_up(deviation: float) -> float:
    return float(f"{np.ceil(deviation * 100 + 1e-9) / 100:g}")


def _several(frames: Frames, slices: tuple[Slice, ...]) -> Verdict:
    if not frames.volumes:
        return _unusable(frames.problem, _agreement(frames) if frames.differ else _SEPARATE)
    count = len(frames.volumes)
    if max(map(len, frames.volumes)) == 1:
        return _one_place(slices, count)
    which = Sentence("Choose one with ", Option.to("frame", 0), f" to {count - 1}, or make a case of each with ")
    which = which if count > 1 else Sentence("Take it with ", Option.to("frame", 0), " or ")
    return Verdict(
        Kind.SEVERAL,
        "; ".join(filter(None, (_volumes_told(frames), frames.left_out_said))),
        Sentence(which, Option.on("split_series"), "."),
        max((stack.deviation for stack in map(make_stack, frames.volumes) if stack is not None), default=0.0),
    )


def _agreement(frames: Frames) -> str:
    """Return what to do about images that contradict each other: to one who knows that they belong together too."""
    separate = "Put the images that agree into a folder of their own"
    if "Rows and Columns" in frames.by:
        return f"{separate}."
    return f"{separate}, or, if all belong together, correct {frames.by} in their headers."


def _volumes_told(frames: Frames) -> str:
    if frames.told:
        return frames.told
    sizes = sorted({len(volume) for volume in frames.volumes})
    if frames.differ:
        one = f"{counted(len(frames.volumes), 'volume')} of {' or '.join(map(str, sizes))} slices"
        return f"{frames.differ}; they are {one}, told apart by {frames.by}"
    where = "at the same positions" if frames.by != "AcquisitionNumber" or _coincide(frames) else "between each other's"
    count = len(frames.volumes)
    if len(sizes) == 1:
        what = f"{count} {'complete ' if frames.left_out else ''}volume{'' if count == 1 else 's'} of {sizes[0]} slices"
    else:
        what = f"{count} volumes of {sizes[0]} to {sizes[-1]} slices"
    return f"it holds {what} {where}, told apart by {frames.by}"


def _coincide(frames: Frames) -> bool:
    first = {s.position for s in frames.volumes[0]}
    return all({s.position for s in volume} == first for volume in frames.volumes)


def _one_place(slices: tuple[Slice, ...], count: int) -> Verdict:
    reason = f"its {count} images all lie at one position"
    if len({s.path for s in slices}) == 1 and slices[0].frame is not None:
        return _no_volume(
            f"its {count} frames have no positions of their own, only that of the file",
            "Without positions, order and distance of the slices cannot be known; convert the file with the program "
            "of its manufacturer, or to enhanced multi-frame DICOM that states them.",
        )
    return _no_volume(reason, "They may be times of one slice; a volume needs slices at several positions.")


def _unusable(reason: str, remedy: str = "") -> Verdict:
    return Verdict(Kind.UNUSABLE, reason, remedy)


def _no_volume(reason: str, remedy: str = "") -> Verdict:
    return Verdict(Kind.NO_VOLUME, f"{reason}, so that it is not a volume", remedy)


def _not_grey(slices: tuple[Slice, ...]) -> Verdict | None:
    for s in slices:
        pixel = s.pixel
        if pixel.samples != 1 or pixel.photometric not in ("MONOCHROME1", "MONOCHROME2"):
            return _unusable(
                f"it holds colours ({s.shown}: PhotometricInterpretation {pixel.photometric}, {pixel.samples} numbers "
                "per pixel), not one value per voxel",
                "Convert it to grey values first.",
            )
        if pixel.lookup:
            return _unusable(
                f"the values of {s.shown} need a Modality LUT Sequence, which is not supported",
                "Export the images with RescaleSlope and RescaleIntercept instead, where they come from.",
            )
        if pixel.allocated not in (8, 16, 32) or not 0 < pixel.stored <= pixel.high_bit + 1 <= pixel.allocated:
            return _unusable(
                f"{s.shown} stores {pixel.stored} bits in {pixel.allocated}, up to bit {pixel.high_bit}, "
                "which is not supported",
                "Convert it to 8, 16 or 32 bits per pixel first.",
            )
        if s.slope == 0:
            return _unusable(f"the RescaleSlope of {s.shown} is 0, which would make all its values equal", _CORRECT)
        if max(abs(s.slope), abs(s.intercept)) > _LARGEST_RESCALE:
            return _unusable(f"{s.shown} has RescaleSlope {s.slope:g} and RescaleIntercept {s.intercept:g}", _CORRECT)
        if s.rows < 1 or s.columns < 1:
            return _unusable(f"{s.shown} has {s.rows} rows and {s.columns} columns", _CORRECT)
    return None


def _tiled(slices: tuple[Slice, ...]) -> Verdict | None:
    if any("MOSAIC" in s.image_type for s in slices):
        return _unusable(f"its {len(slices)} images are Siemens mosaics, each a whole volume laid out as tiles", _TILES)
    if any(s.tiled for s in slices):
        return _unusable(
            f"its {len(slices)} images are whole volumes laid out as tiles by a UIH scanner (SaveBySlc)", _TILES
        )
    return None


def _single(slices: tuple[Slice, ...]) -> Verdict | None:
    if len(slices) == 1:
        return _no_volume("it holds one image", "Give the folder that holds all slices.")
    if all("LOCALIZER" in s.image_type for s in slices):
        return _no_volume(f"its {len(slices)} images are localizers (scouts)", "Choose another series or volume.")
    return None


def _placeless(slices: tuple[Slice, ...]) -> Verdict | None:
    for keyword, attribute in (
        ("ImagePositionPatient", "position"),
        ("ImageOrientationPatient", "orientation"),
        ("PixelSpacing", "spacing"),
    ):
        without = [s for s in slices if getattr(s, attribute) is None]
        if len(without) == len(slices):
            return _no_volume(
                f"its {len(slices)} images do not state {keyword}",
                f"Without {keyword}, order and distance of the slices cannot be known; go back to the images as the "
                "scanner sent them.",
            )
        if without:
            return _unusable(
                f"{len(without)} of its {len(slices)} images do not state {keyword} (the first is {without[0].shown})",
                _CORRECT,
            )
    for s in slices:
        if not 0 < min(s.spacing or (0,)) <= max(s.spacing or (0,)) < _LARGEST_MM:
            return _unusable(f"PixelSpacing of {s.shown} is {backslashed(s.spacing)}", _CORRECT)
        if max(map(abs, s.position or (0,))) > _LARGEST_MM:
            return _unusable(
                f"{s.shown} lies at {backslashed(s.position)} mm (ImagePositionPatient), farther away than any patient",
                _CORRECT,
            )
    return None


def series_facts(series: Series) -> dict[str, Any]:
    """Name -> value, in the order to show them."""
    info = series.info
    facts: dict[str, Any] = {
        "series": f"{info.number} {info.description}".strip() or "without description",
        "modality": info.modality or "not stated",
        "files": str(len(series.files)),
        "verdict": series.verdict.kind.value,
    }
    if series.verdict.kind in (Kind.UNUSABLE, Kind.NO_VOLUME, Kind.SEVERAL):
        return facts
    stack = make_stack(series.slices)
    if stack is not None:
        facts["gaps"] = {
            "smallest_mm": round(float(np.min(stack.gaps)), 4),
            "largest_mm": round(float(np.max(stack.gaps)), 4),
        }
        facts["tilt"] = {"degrees": round(stack.tilt_degrees, 2)}
        facts["off grid"] = {"mm": round(stack.deviation, 4)}
    return facts
