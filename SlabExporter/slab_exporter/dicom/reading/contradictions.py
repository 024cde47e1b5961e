"""Images of one series that contradict each other: divided into volumes where there is evidence, else named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from .frames import Frames, order_of, split_frames
from .marks import SHAPES, Trait, backslash_joined, mark, varying
from .series import Slice
from .stacking import ROUNDING_MM, SAME_PLACE_MM, Stack, make_stack

# Two planes are what a distance takes.
_FEWEST = 2
_MOST_SAID = 3
_FEW_ACQUISITIONS = 4


def divided(slices: tuple[Slice, ...]) -> Frames | None:
    """Return the volumes that the images of a series make up; None where they are one volume, or none.

    Args:
        slices: with position, orientation and spacing.
    """
    frames = None
    if not varying(slices, SHAPES):
        stack = make_stack(slices)
        if stack is None:
            return None
        frames = split_frames(stack)
        if not varying(slices):
            return frames or _stacks(stack) or _acquisitions(stack)
        if frames is not None and frames.volumes and not any(map(varying, frames.volumes)):
            return frames
    return _by_traits(slices, "" if frames is None else frames.problem)


def _by_traits(slices: tuple[Slice, ...], problem: str) -> Frames:
    """Return the volumes of the images that agree; none where an image would be left over that may be a slice of one.

    ``problem`` is why their places do not divide them.
    """
    traits = varying(slices)
    keys = list(zip(*(trait.classes(slices) for trait in traits), strict=True))
    groups = {key: tuple(s for s, own in zip(slices, keys, strict=True) if own == key) for key in keys}
    volumes: list[tuple[Slice, ...]] = []
    rest: list[Slice] = []
    for group in sorted(groups.values(), key=lambda planes: min(map(order_of, planes))):
        found, left_out = _volumes_of(group)
        volumes += found
        rest += left_out
    differ = "; ".join(_difference(trait, slices) for trait in traits[:_MOST_SAID])
    by = " and ".join(dict.fromkeys(trait.name for trait in traits))
    if not volumes or not _lie_among(rest, volumes):
        return Frames((), by, "; ".join(filter(None, (problem, differ))), differ=differ)
    return Frames(tuple(volumes), by, left_out=tuple(rest), differ=differ)


def _volumes_of(group: tuple[Slice, ...]) -> tuple[list[tuple[Slice, ...]], tuple[Slice, ...]]:
    """Return (volumes of images that agree, the images of none of them).

    There is no volume where they are too few, or only their numbers divide them.
    """
    stack = make_stack(group) if len(group) >= _FEWEST else None
    if stack is None:
        return [], group
    frames = divided(group)
    if frames is None:
        return ([group], ()) if np.min(stack.gaps) > SAME_PLACE_MM else ([], group)
    if frames.by == "InstanceNumber":
        return [], group
    volumes = [volume for volume in frames.volumes if len(volume) >= _FEWEST]
    taken = {id(plane) for volume in volumes for plane in volume}
    return volumes, tuple(plane for plane in group if id(plane) not in taken)


def _lie_among(rest: Iterable[Slice], volumes: Iterable[tuple[Slice, ...]]) -> bool:
    """Return whether each image lies where a volume has a slice already, so that no volume can lack it."""
    taken = np.array([s.position for volume in volumes for s in volume], dtype=float)
    return all(
        np.min(np.linalg.norm(taken - np.array(plane.position, dtype=float), axis=1)) < SAME_PLACE_MM for plane in rest
    )


def _difference(trait: Trait, slices: Sequence[Slice]) -> str:
    """Return how many images state which value, and a file of the rarest."""
    classes = trait.classes(slices)
    groups = Counter(classes).most_common()
    rare = next(s for s, own in zip(slices, classes, strict=True) if own == groups[-1][0])
    said = (
        f"{count} {f'do not state {trait.name}' if value is None else trait.said(value)}"
        for value, count in groups[:_MOST_SAID]
    )
    return f"{trait.differ} in {trait.name}: {', '.join(said)} ({rare.shown} for one)"


def _stacks(stack: Stack) -> Frames | None:
    """Stacks one above the other, farther apart than each is high: vertebral discs, bed positions.

    Where InstanceNumber jumps by as many as would fill the gap, slices are missing instead.
    """
    gaps, common = stack.gaps, stack.common_gap
    if len(stack.slices) < 2 * _FEWEST or common < SAME_PLACE_MM:
        return None
    ends = [n for n in range(len(gaps)) if gaps[n] > 2 * common]
    bounds = [0, *(n + 1 for n in ends), len(stack.slices)]
    runs = [stack.slices[a:b] for a, b in pairwise(bounds)]
    if len(runs) < 2 or any(len(run) < _FEWEST for run in runs):
        return None
    for n, below, above in zip(ends, runs, runs[1:], strict=False):
        lacking = round(float(gaps[n] / common)) - 1
        if lacking < max(len(below), len(above)) or _numbers_jump(stack.slices[n], stack.slices[n + 1], lacking):
            return None
    apart = sorted({f"{gaps[n]:.2f}" for n in ends}, key=float)
    counts = sorted({len(run) for run in runs})
    told = f"it holds {len(runs)} stacks of {' or '.join(map(str, counts))} slices, {' or '.join(apart)} mm apart"
    return Frames(tuple(runs), "position", told=told)


def _numbers_jump(below: Slice, above: Slice, lacking: int) -> bool:
    if below.number is None or above.number is None:
        return False
    return abs(above.number - below.number) == lacking + 1


def _acquisitions(stack: Stack) -> Frames | None:
    """Acquisitions whose slices lie between each other's, each evenly spaced by itself."""
    numbers = [mark(plane, "AcquisitionNumber") for plane in stack.slices]
    runs = 1 + sum(one != other for one, other in pairwise(numbers))
    values = sorted({number for number in numbers if number is not None})
    if None in numbers or len(values) < 2 or runs == len(values):
        return None
    volumes = [tuple(s for s, n in zip(stack.slices, numbers, strict=True) if n == value) for value in values]
    if any(len(volume) <= _FEWEST for volume in volumes):
        return None
    parts = [part for part in map(make_stack, volumes) if part is not None and part.deviation <= ROUNDING_MM]
    return Frames(tuple(volumes), "AcquisitionNumber") if len(parts) == len(volumes) else None


def content_warnings(stack: Stack) -> list[str]:
    """Return sentences about what the planes of one volume state differently, or what is not applied."""
    planes = stack.slices
    found = list(dict.fromkeys(remark for plane in planes for remark in plane.remarks))
    if len({s.frame_of_reference for s in planes}) > 1:
        found.append(
            "The images state different FrameOfReferenceUIDs: the patient may have moved between them, so that "
            "positions do not compare."
        )
    scalings = sorted({(s.slope, s.intercept) for s in planes})
    if len(scalings) > 1 and mark(planes[0], "Units") is None:  # a PET has a slope for each image by design
        (low, below), (high, above) = scalings[0], scalings[-1]
        found.append(
            f"The images are rescaled differently (slope {low:g}, intercept {below:g} to slope {high:g}, intercept "
            f"{above:g}); each image's values are computed with its own."
        )
    numbers = [mark(plane, "AcquisitionNumber") for plane in planes]
    acquisitions = len(set(numbers))
    # Tables that step have an acquisition for each image or rotation, in order; those say nothing.
    if 1 < acquisitions <= _FEW_ACQUISITIONS and len(planes) > 2 * acquisitions:
        found.append(
            f"The volume is stacked from {acquisitions} acquisitions (AcquisitionNumber): the patient may have moved "
            "between them."
        )
    times = {mark(plane, "TemporalPositionIdentifier") for plane in planes} - {None}
    if len(times) > 1:
        found.append(
            f"The volume is stacked from {len(times)} times (TemporalPositionIdentifier): the patient may have moved, "
            "and contrast changed, between them."
        )
    return found + _kinds_said(planes)


def _kinds_said(planes: Sequence[Slice]) -> list[str]:
    """Return that images are of several kinds (PS3.3 C.7.6.1.1.2): original, computed from others, of another view."""
    kinds = Counter(backslash_joined(plane.image_type[:3]) for plane in planes if plane.image_type)
    if len(kinds) < 2:
        return []
    said = ", ".join(f"{count} state {kind}" for kind, count in kinds.most_common(_MOST_SAID))
    return [f"The images of the volume differ in ImageType: {said}; some may be computed from others."]
