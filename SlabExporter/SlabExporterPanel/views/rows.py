"""The panel's table of slabs and the lines above it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from slab_exporter.core.pieces.records import LeftOut
from slab_exporter.core.planning import Slab, SlabPlan
from slab_exporter.core.text import counted, degrees, lengths, sizes
from slab_exporter.mrml.nodes import voxels_kji
from slab_exporter.mrml.slab_rois import LEFT_OUT_COLOUR, slab_colour

from ..translation import tr as _

PLANNED = _("planned")
# More rows than this are of no use, and take long to fill.
MOST_ROWS = 1000
_OF = {"labelled": _("labels"), "body": _("body")}
_OBLIQUE_DEGREES = 0.5


@dataclass(frozen=True)
class Row:
    """A slab in the table; texts as shown.

    Attributes:
        number: from 0, in numbering order.
        slices: index range along the cut axis, inclusive; of a block along i, j and k.
        extent: outer edges along the patient axis in mm.
        size: voxels along i, j, k.
        state: "planned" until the export says more; of a piece that is left out, why.
        colour: RGB, 0 to 1, of its box.
        centre: RAS in mm, where a double click jumps to.
        is_left_out: whether it is not written.
    """

    number: int
    slices: str
    extent: str
    size: str
    state: str
    colour: tuple[float, float, float]
    centre: tuple[float, float, float]
    is_left_out: bool = False


def summary(plan: SlabPlan, volume: Any) -> str:
    """The volume and the plan in two lines."""
    g = plan.geometry
    held = _("{size} voxels of {spacing} mm, {type}, stored {axes}").format(
        size=sizes(g.shape_ijk), spacing=lengths(g.spacing), type=voxels_kji(volume).dtype.name, axes=g.orientation
    )
    return f"{held}\n{_planned(plan)}"


def _planned(plan: SlabPlan) -> str:
    """What will be written, in a line."""
    if plan.kind == "crop":
        return _("one piece of {size}").format(size=plan.size)
    mm = plan.thickness * float(plan.geometry.spacing[plan.axis])
    thickness = _("{count} ({mm} mm) along {axis}")
    return _("{slabs} of up to {size}, numbered {direction}").format(
        slabs=counted(len(plan.slabs), plan.kind),
        size=thickness.format(count=counted(plan.thickness, "slice"), mm=f"{mm:.4g}", axis="ijk"[plan.axis])
        if plan.kind == "slab"
        else plan.size,
        direction=plan.direction.replace(" to ", " → "),
    )


def table_headers(plan: SlabPlan | None) -> tuple[str, ...]:
    """Column titles; index axis and patient axis are named once there is a plan."""
    if plan is None:
        return (_("Slab"), _("State"), _("Slices"), _("Extent (mm)"), _("Voxels"))
    letter = "RAS"[plan.geometry.ras_axis_of_index[plan.axis][0]]
    if plan.kind != "slab":
        return (plan.kind.capitalize(), _("State"), _("Voxels i, j, k"), f"{letter} (mm)", _("Size"))
    return (_("Slab"), _("State"), _("Slices {axis}").format(axis="ijk"[plan.axis]), f"{letter} (mm)", _("Voxels"))


def extent_tip(plan: SlabPlan) -> str:
    """What the numbers in the column of mm are; of an oblique volume they say less than they seem to."""
    letter = "RAS"[plan.geometry.ras_axis_of_index[plan.axis][0]]
    text = _("Outer edges of the {piece}, in mm along {letter} (RAS).").format(piece=plan.kind, letter=letter)
    angle = plan.geometry.obliquity_degrees
    if angle < _OBLIQUE_DEGREES:
        return text
    why = _(
        "The volume is oblique by {angle} degrees: these are the edges on the line through the {piece}'s middle; "
        "its corners reach further, and neighbours overlap in {letter} without sharing a voxel."
    ).format(angle=degrees(angle), piece=plan.kind, letter=letter)
    return f"{text} {why}"


def rows_of(plan: SlabPlan) -> tuple[Row, ...]:
    """The pieces of a plan, also those that are left out, as far as the table shows them."""
    left = {} if plan.left_out is None else {piece.index: piece for piece in plan.left_out.pieces}
    return tuple(row_of(slab, plan, left.get(slab.index)) for slab in plan.all_slabs[:MOST_ROWS])


def table_note(plan: SlabPlan) -> tuple[str, ...]:
    """A sentence where the table shows a part of the plan."""
    count = len(plan.all_slabs)
    if count <= MOST_ROWS:
        return ()
    told = _("The table shows the first {shown} of {slabs}.")
    return (told.format(shown=f"{MOST_ROWS:,}", slabs=f"{count:,} {plan.kind}s"),)


def row_of(slab: Slab, plan: SlabPlan, left: LeftOut | None = None) -> Row:
    """A planned slab as the table shows it; ``left`` where it is not written."""
    box, axis, g = slab.box, plan.axis, plan.geometry
    ras_axis = g.ras_axis_of_index[axis][0]
    middle = [(a + b - 1) / 2 for a, b in zip(box.start, box.stop, strict=True)]
    ends = []
    for edge in (box.start[axis] - 0.5, box.stop[axis] - 0.5):
        point = list(middle)
        point[axis] = edge
        ends.append(float(g.ras(point)[ras_axis]))
    r, a, s = (float(x) for x in g.ras(middle))
    shown = (axis,) if plan.kind == "slab" else range(3)
    return Row(
        number=slab.index,
        slices=", ".join(f"{box.start[n]} … {box.stop[n] - 1}" for n in shown),
        extent=f"{min(ends):.1f} … {max(ends):.1f}",
        size=sizes(box.shape),
        state=PLANNED if left is None else _why_left_out(left, plan),
        colour=slab_colour(slab.index) if left is None else LEFT_OUT_COLOUR,
        centre=(r, a, s),
        is_left_out=left is not None,
    )


def _why_left_out(left: LeftOut, plan: SlabPlan) -> str:
    what = _OF[plan.left_out.options.keep] if plan.left_out is not None else ""
    if left.voxels == 0:
        return _("left out: no {what}").format(what=what)
    inside = left.box.intersection(plan.geometry.box)
    part = f"{100 * left.voxels / math.prod(inside.shape):.2g} %"
    return _("left out: {part} {what}").format(part=part, what=what)
