"""Draw a plan over the middle planes of its volume with matplotlib, as the report draws what was cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.errors import InputError, OutputError, writing
from ..core.planning import SlabPlan
from ..core.text import Package
from ..core.volume import SourceVolume
from .pictures import grey_planes
from .views import View, holds_plane, middle_views, rectangle, stroke

LEFT_OUT = "#9e9e9e"
_INCHES = 3.6
# A number is written into a box that is at least so high, in parts of the picture.
_LOWEST_NAMED = 0.04


def require_matplotlib() -> None:
    """Refuse to draw without matplotlib.

    Raises:
        InputError: it is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise InputError(
            "A picture of a plan needs matplotlib, which is not installed: " + Package("matplotlib") + "."
        ) from error


def show_plan(plan: SlabPlan, image: SourceVolume, file: Path | None = None) -> None:
    """Show the axial, coronal and sagittal middle planes in radiological convention, with the boxes and their numbers.

    Args:
        plan: of the volume; pieces that it leaves out are drawn in grey.
        image: the volume on the grid that is cut.
        file: picture to write; None to show it, in a notebook or a window.

    Raises:
        OutputError: the file cannot be written, or not in the format that its name asks for.
    """
    size = (3 * _INCHES, _INCHES + 0.4)
    if file is None:
        import matplotlib.pyplot as plt

        draw_plan(plan, image, plt.figure(figsize=size))
        plt.show()
        return
    from matplotlib.figure import Figure

    figure = draw_plan(plan, image, Figure(figsize=size))
    try:
        with writing(file):
            figure.savefig(file, dpi=150)
    except ValueError as error:
        raise OutputError(f"{file} cannot be written: its name must end in .png, .svg or .pdf.") from error


def draw_plan(plan: SlabPlan, image: SourceVolume, figure: Any) -> Any:
    """Return the figure of matplotlib with a plan drawn into it; the three planes share one scale."""
    views = middle_views(plan.geometry)
    fields = [_field(plan, view) for view in views]
    axes = figure.subplots(1, len(views), gridspec_kw={"width_ratios": [right - left for left, right, _, _ in fields]})
    for view, axis, plane, field in zip(views, axes, grey_planes(image), fields, strict=True):
        width, height = view.size_mm
        axis.imshow(plane, cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0))
        _draw_boxes(plan, view, axis)
        _frame(axis, view, field)
    figure.suptitle(plan.describe(), fontsize=10)
    figure.tight_layout()
    return figure


def _draw_boxes(plan: SlabPlan, view: View, axis: Any) -> None:
    from matplotlib.patches import Rectangle

    width, height = view.size_mm
    kept = {slab.index for slab in plan.slabs}
    drawn = [slab for slab in plan.all_slabs if holds_plane(view, slab.box)]
    # What is left out first, so that the edges of its neighbours lie over it.
    for slab in sorted(drawn, key=lambda slab: slab.index in kept):
        is_kept = slab.index in kept
        colour = stroke(slab.index) if is_kept else LEFT_OUT
        left, top, across, down = rectangle(view, plan.geometry, slab.box)
        drawn_with = "solid" if is_kept else "dashed"
        axis.add_patch(Rectangle((left, top), across, down, fill=False, edgecolor=colour, clip_on=False, ls=drawn_with))
        if down > _LOWEST_NAMED * height:
            axis.text(left + 0.02 * width, top + down / 2, str(slab.index), color=colour, va="center", fontsize=8)


def _frame(axis: Any, view: View, field: tuple[float, float, float, float]) -> None:
    """Name the edges of a picture, and let it show its field, black where there is no volume."""
    left, right, top, bottom = field
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    axis.set_facecolor("black")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(f"{view.name}, {'ijk'[view.through]} = {view.position}", fontsize=9, pad=16)
    axis.spines[:].set_visible(False)
    places = [(-0.02, 0.5, "right", "center"), (1.02, 0.5, "left", "center")]
    places += [(0.5, 1.02, "center", "bottom"), (0.5, -0.02, "center", "top")]
    for letter, (x, y, across, down) in zip(view.letters, places, strict=True):
        axis.text(x, y, letter, transform=axis.transAxes, ha=across, va=down, fontsize=9)


def _field(plan: SlabPlan, view: View) -> tuple[float, float, float, float]:
    """Return left, right, top and bottom in mm of the volume and of padded boxes, which reach beyond it."""
    boxes = [rectangle(view, plan.geometry, box) for box in (plan.geometry.box, *(slab.box for slab in plan.all_slabs))]
    return (
        min(left for left, _, _, _ in boxes),
        max(left + width for left, _, width, _ in boxes),
        min(top for _, top, _, _ in boxes),
        max(top + height for _, top, _, height in boxes),
    )
