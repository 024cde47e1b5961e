"""A comparison in plain words, for people, and as JSON, for programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.geometry import Box, VolumeGeometry
from ..core.index_map import IDENTITY_AXES, IndexMap, Three
from .certainty.intensity import EDITED, EQUAL, REMAPPED, ROUNDED, SIMILAR, Difference, Intensity
from .comparison import Comparison, true_geometry
from .displacement import Displacement, axis_name, judge_displacement
from .grids import PART, REORDERED, SAME, relate_grids
from .matching import AMBIGUOUS

_AXIS_WORDS = ("columns", "rows", "slices")
_MOST_SHOWN = 4
# Degrees below which an estimated rotation is not worth a word.
_LEAST_ROTATION = 0.2


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return all that was found, as a document that a program reads."""
    there = found.match.intensity
    relations = []
    for n, place in enumerate(found.placements):
        relation: dict[str, Any] = {}
        if n < len(found.match.maps):
            index_map = found.match.maps[n]
            relation = {
                "axes": list(index_map.axes),
                "signs": list(index_map.signs),
                "origin": list(index_map.origin),
                "numpy": numpy_sentence(index_map, found.reference.shape_ijk, found.other.shape_ijk),
            }
        relations.append(
            relation
            | {
                "distance_mm": place.distance,
                "mirrored": place.mirrored,
                "rotation_degrees": place.degrees,
                "rotation_axis_ras": place.axis.tolist(),
                "shift_ras_mm": place.shift.tolist(),
                "result": place.sentence(),
            }
        )
    return {
        "verdict": found.verdict,
        "certain": found.is_certain,
        "intensity": None if there is None else _intensity_json(there),
        "resampled": found.resampled,
        "relations": relations,
        "reason": found.match.reason,
        "motion": _motion_json(found),
        "grid": relate_grids(found.reference, found.other).kind,
    }


def _intensity_json(there: Intensity) -> dict[str, Any]:
    differing = there.differing
    box = differing and {"start": list(differing.box.start), "stop": list(differing.box.stop)}
    counted = differing and {"count": differing.count, "box_ijk": box, "largest": differing.largest}
    return {**there.__dict__, "differing": counted}


def _motion_json(found: Comparison) -> dict[str, Any] | None:
    motion = found.match.motion
    if motion is None:
        return None
    return {
        "moved": motion.moved,
        "largest_mm": found.moved_mm,
        "rotation_degrees": found.rotated_degrees,
        "bound_mm": found.bound_mm,
    }


def comparison_lines(found: Comparison) -> list[str]:
    """Voxels, intensities, affine and result."""
    match = found.match
    if found.resampled is not None:
        return _resampled_lines(found, found.resampled)
    if not match.maps:
        return _unrelated_lines(found)
    lines = []
    several = len(match.maps) > 1
    for n, (index_map, place) in enumerate(zip(match.maps[:_MOST_SHOWN], found.placements, strict=False)):
        lines += _relation_lines(found, index_map, place, f"({n + 1}) " if several else "")
    if len(match.maps) > _MOST_SHOWN:
        lines.append(f"... and {len(match.maps) - _MOST_SHOWN} more")
    if match.intensity is not None:
        text = intensity_sentence(match.intensity) + (" (OTHER's constant border aside)" if match.border else "")
        lines.insert(0 if several else 2, f"intensities: {text}")
    if match.status == AMBIGUOUS:
        lines.append(f"AMBIGUOUS: {match.reason} Which of them is true cannot be told from the voxels.")
    elif not found.is_certain:
        lines.insert(0, f"NOT CERTAIN, this is the arrangement that comes nearest: {match.reason}")
    return lines


def _relation_lines(found: Comparison, index_map: IndexMap, place: Displacement, number: str) -> list[str]:
    shape, whole = found.other.shape_ijk, found.reference.shape_ijk
    return [
        f"{number}voxels: {voxel_sentence(index_map, whole, shape, found.reference)}",
        f"  {numpy_sentence(index_map, whole, shape)}",
        f"affine: {affine_sentence(found.reference, found.other, index_map, place)}",
        f"result: {_moved_words(found) or place_sentence(index_map, place)}{_bound_words(found)}",
    ]


def _moved_words(found: Comparison) -> str:
    """Return the result where the content moved inside the volume; empty where no motion was found."""
    moved, degrees = found.moved_mm, found.rotated_degrees
    if moved is None:
        return ""
    rotation = f", rotated by about {degrees:.2g} degrees" if degrees is not None and degrees > _LEAST_ROTATION else ""
    far = f", somewhere by about {moved:.2g} mm{rotation}" if moved else ", by how much could not be measured"
    affine = "" if found.placements[0].is_nearly_same else f"; by its affine {found.placements[0].sentence()}"
    return f"NOT the same place in the patient: OTHER's content moved{far}{affine}"


def _unrelated_lines(found: Comparison) -> list[str]:
    """Say what the grids tell where the voxels say nothing, as with an image and its label map."""
    grid = relate_grids(found.reference, found.other)
    lines = [f"voxels: no relation found: {found.match.reason}", f"grid: {grid.sentence}"]
    if grid.kind in (SAME, REORDERED, PART):
        return [
            *lines,
            "affine: by their affines the voxels lie on one another; whether the content does, cannot be told",
        ]
    return [*lines, f"affine: {overlap_sentence(found)}"]


def _bound_words(found: Comparison) -> str:
    """Say how far content may have moved, where noise leaves that open; empty where voxels are equal."""
    bound = found.bound_mm
    return f" (no content moved by more than {bound:.2g} mm)" if found.is_certain and bound else ""


def _resampled_lines(found: Comparison, correlation: float) -> list[str]:
    lines = [f"voxels: resampled: no voxel is a copy, but the pictures agree (correlation {correlation:.3f})"]
    if found.verdict == "ambiguous":
        return [*lines, f"AMBIGUOUS: {found.match.reason}"]
    place = found.placements[0]
    result = "the same place in the patient" if found.verdict == "same-place" else place.sentence()
    return [*lines, f"result: NOT CERTAIN, to about a voxel: {result}"]


def voxel_sentence(found: IndexMap, whole: Three, shape: Three, reference: VolumeGeometry) -> str:
    """Describe how OTHER's array was made of REFERENCE's."""
    words = [text for text in (part_words(found.box(shape), whole), order_words(found, reference)) if text]
    return "; ".join(words)


def part_words(box: Box, whole: Three) -> str:
    """Which part of REFERENCE the voxels are; nothing for the whole."""
    if box == Box((0, 0, 0), whole):
        return ""
    ranges = [
        f"{name} = {a} to {b - 1}"
        for name, a, b, n in zip("ijk", box.start, box.stop, whole, strict=True)
        if (a, b) != (0, n)
    ]
    outside = any(a < 0 or b > n for a, b, n in zip(box.start, box.stop, whole, strict=True))
    return f"REFERENCE's {', '.join(ranges)}{' (in part beyond its edges)' if outside else ''}"


def order_words(found: IndexMap, reference: VolumeGeometry) -> str:
    """Axes and directions: "rows and columns swapped, then columns reversed (a rotation ...)"."""
    if found.keeps_order:
        return "in the same order"
    steps = []
    if found.axes != IDENTITY_AXES:
        moved = [n for n in range(3) if found.axes[n] != n]
        if len(moved) == 2:
            steps.append(f"{_AXIS_WORDS[moved[1]]} and {_AXIS_WORDS[moved[0]]} swapped")
        else:
            steps.append(f"axes reordered (i, j, k run along REFERENCE's {', '.join('ijk'[a] for a in found.axes)})")
    reversed_ = [_AXIS_WORDS[n] for n in range(3) if found.signs[n] < 0]
    if reversed_:
        then = "then " if steps else ""
        steps.append(f"{then}{' and '.join(reversed_)} reversed")
    # what the array alone would show under REFERENCE's axes
    place = judge_displacement(
        true_geometry(reference, found, (1, 1, 1)), VolumeGeometry((1, 1, 1), reference.affine_ras)
    )
    return f"{', '.join(steps)} ({_turn_words(place)})"


def _turn_words(place: Displacement) -> str:
    turn = f"a rotation by {place.degrees:.0f} degrees about {axis_name(place.axis)}" if place.is_rotated else ""
    if place.mirrored is None:
        return turn
    mirror = f"as an array the mirror image, {place.mirrored}"
    return f"{mirror}, with {turn}" if turn else mirror


def numpy_sentence(found: IndexMap, whole: Three, shape: Three) -> str:
    """Return the same for programmers, with arrays indexed [i, j, k] as nibabel gives them."""
    box = found.box(shape)
    if box.intersection(Box((0, 0, 0), whole)) != box:
        inverse = found.inverse()
        if inverse.box(whole).intersection(Box((0, 0, 0), shape)) == inverse.box(whole):
            return f"reference == {inverse.numpy_expression(whole, shape, 'other')}"
        return "no single numpy expression: the two overlap in part"
    return f"other == {found.numpy_expression(shape, whole)}"


def intensity_sentence(there: Intensity) -> str:
    """Describe how values relate."""
    differing = there.differing
    rest = "" if differing is None else differing_words(differing)
    if there.kind == EQUAL:
        return "equal"
    linear = f"{there.slope:.6g} * REFERENCE {'+' if there.intercept >= 0 else '-'} {abs(there.intercept):.6g}"
    if there.kind == REMAPPED:
        words = f"a function of REFERENCE's, such as clipping or windowing (correlation ratio {there.correlation:.4f})"
    elif there.kind == ROUNDED:
        words = "equal but for rounding"
    elif there.kind == EDITED:
        is_equal = (there.slope, there.intercept) == (1.0, 0.0)
        return f"{'equal' if is_equal else linear}, but {rest}"
    elif there.kind != SIMILAR:
        words = f"rescaled: {linear}"
    else:
        what = "filtered, resampled or of another image" if there.structured else "with noise"
        words = f"similar (correlation {there.correlation:.4f}), {what}: about {linear}"
    return f"{words}; beyond the noise, {rest}" if rest and not there.structured else words


def differing_words(differing: Difference) -> str:
    """Say how many voxels differ, where and by how much."""
    start, stop = differing.box.start, differing.box.stop
    where = ", ".join(f"{name} = {a} to {b - 1}" for name, a, b in zip("ijk", start, stop, strict=True))
    count = "1 voxel differs" if differing.count == 1 else f"{differing.count} voxels differ"
    far = (
        f"by up to {differing.largest:.6g}"
        if np.isfinite(differing.largest)
        else "some are not finite in one of the two"
    )
    return f"{count}, in REFERENCE's {where}, {far}"


def affine_sentence(reference: VolumeGeometry, other: VolumeGeometry, found: IndexMap, place: Displacement) -> str:
    """Say what OTHER's affine makes of its voxels' order."""
    rearranged = not found.keeps_order or found.origin != (0, 0, 0)
    if place.is_nearly_same:
        rest = "" if place.is_same else f" (to within {place.distance:.2g} mm)"
        return ("accounts for it" if rearranged else "the same as REFERENCE's") + rest
    if not rearranged:
        return "differs from REFERENCE's, although the voxels are in the same order: the affine alone is at fault"
    if np.allclose(other.affine_ras, reference.affine_ras, rtol=0, atol=1e-3):
        return "does not account for it: it is a copy of REFERENCE's"
    if np.allclose(other.affine_ras[:3, :3], np.eye(3), rtol=0, atol=1e-6):
        return "does not account for it: orientation and spacing were lost (the identity)"
    true = true_geometry(reference, found, other.shape_ijk)
    if np.allclose(other.affine_ras[:3, :3], true.affine_ras[:3, :3], rtol=0, atol=1e-3):
        return "accounts for the order of axes, but not for the position"
    return f"does not account for it: its axes run {other.orientation}, these voxels would need {true.orientation}"


def place_sentence(found: IndexMap, place: Displacement) -> str:
    """Say what follows for the patient."""
    if not place.is_nearly_same:
        return place.sentence()
    if found.keeps_order:
        return "the same place in the patient"
    return (
        "the same place in the patient; only the storage order differs: harmless in viewers, but arrays must be "
        "indexed accordingly"
    )


def overlap_sentence(found: Comparison) -> str:
    """Return whether two unrelated volumes at least overlap in the patient, by their affines."""
    a, b = found.reference.corners_ras(), found.other.corners_ras()
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    if np.any(high < low):
        return "the two volumes do not even overlap in the patient"
    return "by their affines the two volumes overlap in the patient; whether rightly cannot be told"
