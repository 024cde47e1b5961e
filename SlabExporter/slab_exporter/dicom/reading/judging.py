"""Judge a series before it is loaded: what it is, and why it is no regular volume if it is none.

Nothing is regularised here or later without being asked: ITK's series reader loads tilted and
uneven series as if they were regular, tens of millimetres wrong, and stacks 4D series into one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ...core.text import Option, Sentence
from .frames import Frames, split_frames
from .series import Kind, Series, Slice, Verdict
from .stacking import ROUNDING_MM, SAME_PLACE_MM, TILT_DEGREES, Stack, make_stack, missing_slices, uneven_reason

_SAME_COSINES = 1e-4


# A kilometre, and values that no number type of a volume file holds: such headers are wrong.
_LARGEST_MM, _LARGEST_RESCALE = 1e6, 1e30
_RESAMPLE = Sentence("Use ", Option.on("resample"), " to make a regular volume by interpolation.")


def judge(slices: tuple[Slice, ...]) -> Verdict:
    """What a series is, by its headers alone."""
    for rule in (_not_grey, _mosaic, _single, _placeless, _mixed):
        verdict = rule(slices)
        if verdict is not None:
            return verdict
    stack = make_stack(slices)
    if stack is None:
        return _unusable(f"the image orientation {_list(slices[0].orientation)} is not two perpendicular unit vectors")
    frames = split_frames(stack)
    if frames is None:
        return judge_stack(stack)
    return _several(frames, stack)


def judge_stack(stack: Stack) -> Verdict:
    """Whether one volume's planes form an evenly spaced grid."""
    if len(stack.slices) == 1:
        return _no_volume("it holds one image")
    if np.min(stack.gaps) < SAME_PLACE_MM:
        n = int(np.argmin(stack.gaps))
        return _unusable(f"{stack.slices[n].shown} and {stack.slices[n + 1].shown} lie in the same plane, side by side")
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
            f"{count} slice{'s are' if count > 1 else ' is'} missing: slices {after + 1} and {after + 2} are "
            f"{stack.gaps[after]:.2f} mm apart where the rest are {stack.common_gap:.2f} mm"
        )
        return Verdict(Kind.MISSING, reason, "Find the missing images. " + _RESAMPLE, deviation)
    tolerance = Option.to("allow_uneven", _round_up(deviation))
    mend = Sentence(_RESAMPLE, " To keep the voxels and accept the error, use ", tolerance, ".")
    return Verdict(Kind.UNEVEN, uneven_reason(stack), mend, deviation)


def _round_up(deviation: float) -> float:
    return float(f"{np.ceil(deviation * 100 + 1e-9) / 100:g}")


def _several(frames: Frames, stack: Stack) -> Verdict:
    if not frames.volumes:
        return _unusable(frames.problem, "Remove the surplus images, or split the series first.")
    count = len(frames.volumes)
    if len(frames.volumes[0]) == 1:
        return _no_volume(f"its {count} images all lie at one position")
    return Verdict(
        Kind.SEVERAL,
        f"it holds {count} volumes of {len(frames.volumes[0])} slices at the same positions, told apart by {frames.by}",
        Sentence("Choose one with ", Option.to("frame", 0), f" to {count - 1}."),
        stack.deviation,
    )


def _unusable(reason: str, mend: str = "") -> Verdict:
    return Verdict(Kind.UNUSABLE, reason, mend)


def _no_volume(reason: str) -> Verdict:
    return Verdict(Kind.NO_VOLUME, f"{reason}, which is no volume")


def _not_grey(slices: tuple[Slice, ...]) -> Verdict | None:
    for s in slices:
        pixel = s.pixel
        if pixel.samples != 1 or pixel.photometric not in ("MONOCHROME1", "MONOCHROME2"):
            return _unusable(
                f"it holds colours ({pixel.photometric}, {pixel.samples} numbers a pixel), not one value a voxel",
                "Convert it to grey values first.",
            )
        if pixel.lookup:
            return _unusable("its values need a Modality LUT Sequence, which is not supported")
        if pixel.allocated not in (8, 16, 32) or not 0 < pixel.stored <= pixel.high_bit + 1 <= pixel.allocated:
            return _unusable(
                f"{s.shown} stores {pixel.stored} bits in {pixel.allocated}, up to bit {pixel.high_bit}, "
                "which is not supported"
            )
        if s.slope == 0:
            return _unusable(f"the RescaleSlope of {s.shown} is 0, which would make all its values equal")
        if max(abs(s.slope), abs(s.intercept)) > _LARGEST_RESCALE:
            return _unusable(f"{s.shown} has RescaleSlope {s.slope:g} and RescaleIntercept {s.intercept:g}")
        if s.rows < 1 or s.columns < 1:
            return _unusable(f"{s.shown} has {s.rows} rows and {s.columns} columns")
    return None


def _mosaic(slices: tuple[Slice, ...]) -> Verdict | None:
    if any("MOSAIC" in s.image_type for s in slices):
        return _unusable(
            f"its {len(slices)} images are Siemens mosaics, each a whole volume laid out as tiles",
            "Convert it first, for example with dcm2niix.",
        )
    return None


def _single(slices: tuple[Slice, ...]) -> Verdict | None:
    if len(slices) == 1:
        return _no_volume("it holds one image")
    if all("LOCALIZER" in s.image_type for s in slices):
        return _no_volume(f"its {len(slices)} images are localizers (scouts)")
    return None


def _placeless(slices: tuple[Slice, ...]) -> Verdict | None:
    for keyword, attribute in (
        ("ImagePositionPatient", "position"),
        ("ImageOrientationPatient", "orientation"),
        ("PixelSpacing", "spacing"),
    ):
        without = [s for s in slices if getattr(s, attribute) is None]
        if len(without) == len(slices):
            return _no_volume(f"its {len(slices)} images do not state {keyword}")
        if without:
            return _unusable(
                f"{len(without)} of its {len(slices)} images do not state {keyword} (the first is {without[0].shown})"
            )
    for s in slices:
        if not 0 < min(s.spacing or (0,)) <= max(s.spacing or (0,)) < _LARGEST_MM:
            return _unusable(f"PixelSpacing of {s.shown} is {_list(s.spacing)}")
        if max(map(abs, s.position or (0,))) > _LARGEST_MM:
            return _unusable(f"{s.shown} lies at {_list(s.position)} mm, farther away than any patient")
    return None


def _mixed(slices: tuple[Slice, ...]) -> Verdict | None:
    kinds: tuple[tuple[Callable[[Slice], Hashable], Callable[[Any], str]], ...] = (
        (lambda s: (s.columns, s.rows), lambda v: f"have {v[0]} x {v[1]} pixels"),
        (lambda s: tuple(round(n, 5) for n in s.spacing or ()), lambda v: f"have pixels of {_list(v)} mm"),
        (lambda s: s.pixel.photometric, lambda v: f"are {v}"),
    )
    for key, said in kinds:
        groups = Counter(key(s) for s in slices).most_common()
        if len(groups) > 1:
            odd = next(s for s in slices if key(s) == groups[-1][0])
            return _unusable(
                "its images differ: "
                + ", ".join(f"{count} {said(value)}" for value, count in groups[:3])
                + f" ({odd.shown} for one)",
                "Export the parts separately.",
            )
    reference = np.array(slices[0].orientation)
    turned = [s for s in slices if np.max(np.abs(np.array(s.orientation) - reference)) > _SAME_COSINES]
    if turned:
        directions = len({tuple(round(n, 3) for n in s.orientation or ()) for s in slices})
        return _unusable(
            f"its images are not parallel: {max(2, directions)} orientations among {len(slices)} images "
            f"({slices[0].shown} and {turned[0].shown} differ)",
            "It may be a localizer, or several stacks; export the parts separately.",
        )
    return None


def _list(numbers: tuple[float, ...] | None) -> str:
    return "\\".join(f"{n:g}" for n in numbers or ())


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
