"""A regular volume from parallel planes at any positions: tilted gantry, uneven gaps, missing slices.

Each plane is shifted within itself to where it belongs (linear interpolation between pixels), then
planes are interpolated linearly between their positions along the normal. The grid of the result is
perpendicular, wide enough for all planes; what no plane covers holds the fill value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...core.geometry import FloatArray, VolumeGeometry
from ...core.values import fill_value
from .stacking import Stack, grid_geometry


def regular_volume(voxels_kji: npt.NDArray, stack: Stack) -> tuple[npt.NDArray, VolumeGeometry]:
    """Resample linearly onto an evenly spaced, perpendicular grid.

    Args:
        voxels_kji: one plane for each of the stack's, rescaled.
        stack: at least two planes, no two at the same height.

    Returns:
        Voxels of the same type (integers are rounded to the nearest), and their geometry (RAS).
        Along the normal the grid begins at the first plane, with the stack's common gap.
    """
    geometry = regular_grid(stack)
    width, height, count = geometry.shape_ijk
    shifts, low, _ = _shifts(stack)
    step = stack.common_gap
    fill = fill_value(None, voxels_kji)
    result = np.empty((count, height, width), voxels_kji.dtype)
    shifted: dict[int, FloatArray] = {}
    for k in range(count):
        below, part = _between(stack, stack.heights[0] + k * step)
        for n in (below, below + 1):
            if n < len(voxels_kji) and n not in shifted:
                shifted[n] = _shifted(voxels_kji[n], shifts[n] - low, (height, width), fill)
        plane = shifted[below]
        if part > 0:
            plane = plane * (1 - part) + shifted[below + 1] * part
        result[k] = np.rint(plane) if result.dtype.kind in "iu" else plane
        for n in [n for n in shifted if n < below]:
            del shifted[n]
    return result, geometry


def regular_grid(stack: Stack) -> VolumeGeometry:
    """The evenly spaced, perpendicular grid (RAS) that holds all planes of a stack."""
    _, low, high = _shifts(stack)
    first, pixel = stack.slices[0], stack.pixel_mm
    count = int(np.floor((stack.heights[-1] - stack.heights[0]) / stack.common_gap + 1e-6)) + 1
    shape = (first.columns + int(high[0] - low[0]), first.rows + int(high[1] - low[1]), count)
    origin = stack.positions[0] + low[0] * pixel[0] * stack.row + low[1] * pixel[1] * stack.column
    return grid_geometry(shape, stack.row, stack.column, pixel, stack.common_gap, origin)


def _shifts(stack: Stack) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (shift of each plane against the first, in pixels along i and j; smallest and largest, whole pixels)."""
    shifts = stack.offsets / np.array(stack.pixel_mm)
    low = np.floor(shifts.min(axis=0) + 1e-6).astype(int)
    return shifts, low, np.ceil(shifts.max(axis=0) - 1e-6).astype(int)


def _between(stack: Stack, at: float) -> tuple[int, float]:
    """Return (plane below a height in mm, how far towards the next one, 0 to 1)."""
    heights = stack.heights
    below = int(np.clip(np.searchsorted(heights, at + 1e-6, side="right") - 1, 0, len(heights) - 1))
    if below == len(heights) - 1:
        return below, 0.0
    part = (at - heights[below]) / (heights[below + 1] - heights[below])
    return below, float(np.clip(part, 0.0, 1.0))


def _shifted(plane: npt.NDArray, shift_ij: FloatArray, shape: tuple[int, int], fill: float) -> FloatArray:
    """A plane on a larger canvas, moved by a fraction of pixels; ``shift_ij`` is not negative beyond rounding."""
    shift_ij = np.maximum(shift_ij, 0.0)
    canvas = np.full((shape[0] + 1, shape[1] + 1), fill, np.float64)
    column, row = (int(np.floor(s + 1e-9)) for s in shift_ij)
    canvas[row : row + plane.shape[0], column : column + plane.shape[1]] = plane
    across, down = shift_ij[0] - column, shift_ij[1] - row
    # canvas[n] stands at pixel n + fraction; the value at pixel n lies between canvas[n - 1] and canvas[n].
    if across > 1e-9:
        canvas[:, 1:] = canvas[:, 1:] * (1 - across) + canvas[:, :-1] * across
    if down > 1e-9:
        canvas[1:] = canvas[1:] * (1 - down) + canvas[:-1] * down
    return canvas[: shape[0], : shape[1]]
