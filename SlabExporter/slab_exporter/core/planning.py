"""Where to cut: from a geometry and options to a tuple of boxes. The plan's integers are the authority.

Along the cut axis positions are counted in numbering order (inferior to superior, posterior to
anterior, left to right, or along the index), then mapped to indices; so a volume stored head first
and one stored feet first give the same slabs of the patient under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import RequestError
from .geometry import ANATOMICAL_AXES, AXIS_LETTERS, Box, VolumeGeometry
from .options import SlabOptions, overlap_sentence
from .text import Option, Sentence, counted, lengths, sizes


@dataclass(frozen=True)
class Slab:
    """One slab: its number (from 0, in numbering order) and its box in the volume's IJK."""

    index: int
    box: Box


@dataclass(frozen=True)
class SlabPlan:
    """All slabs of one volume.

    Attributes:
        geometry: of the volume that is cut.
        axis: index axis that is cut: 0, 1, 2 for i, j, k.
        reversed: whether numbering runs against the index.
        thickness: slices in a full slab (resolved from mm where given).
        limits: the box that the slabs cover; the whole volume, or the part within an ROI.
        slabs: the boxes; with padding they may reach beyond the volume.
        uncovered: half-open index range (along the axis) of slices no slab holds, or None.
        notes: sentences about the plan that a user should read.
    """

    geometry: VolumeGeometry
    axis: int
    reversed: bool
    thickness: int
    limits: Box
    slabs: tuple[Slab, ...]
    uncovered: tuple[int, int] | None
    notes: tuple[str, ...]

    @property
    def needs_padding(self) -> bool:
        """Whether a slab reaches beyond the volume."""
        whole = self.geometry.box
        return any(slab.box.intersection(whole) != slab.box for slab in self.slabs)

    @property
    def direction(self) -> str:
        """Where the numbering runs: "inferior to superior" and so on, for the axis that is cut."""
        axis, sign = self.geometry.ras_axis_of_index[self.axis]
        positive, negative = AXIS_LETTERS[axis]
        runs_positive = (sign > 0) != self.reversed
        return f"{negative} to {positive}" if runs_positive else f"{positive} to {negative}"

    def describe(self, dtype: str = "") -> str:
        """Return one line about the volume (with the type of its voxels, where given) and what will be made of it."""
        geometry = self.geometry
        return (
            f"{sizes(geometry.shape_ijk)}{dtype and f' {dtype}'}, {geometry.orientation}, "
            f"{lengths(geometry.spacing)} mm: {counted(len(self.slabs), 'slab')} "
            f"of up to {self.thickness} slices along {'ijk'[self.axis]}, numbered {self.direction}"
        )


def plan_slabs(geometry: VolumeGeometry, options: SlabOptions, limits: Box | None = None) -> SlabPlan:
    """Divide a volume, or the part of it inside ``limits``, into slabs.

    Args:
        geometry: of the volume.
        options: thickness, axis, overlap and remainder.
        limits: voxels to stay within; None for the whole volume.

    Raises:
        RequestError: the options do not fit this volume (nothing left with "drop", overlap too large).
    """
    limits = geometry.box if limits is None else limits
    axis, backwards = cut_axis(geometry, options.axis)
    thickness = resolve_thickness(options, float(geometry.spacing[axis]))
    length = limits.shape[axis]
    intervals = divide(length, thickness, options.overlap, options.remainder)
    if not intervals:
        raise RequestError(
            f"The volume has {length} slices along {'ijk'[axis]}, fewer than the thickness of {thickness}, and ",
            Option.to("remainder", "drop"),
            " leaves short slabs out: nothing would be written. Choose ",
            Option.to("remainder", "keep", "pad"),
            ", or a smaller thickness.",
        )
    slabs = tuple(Slab(number, _box_of(interval, limits, axis, backwards)) for number, interval in enumerate(intervals))
    covered = intervals[-1][1]
    uncovered = None
    if covered < length:
        rest = _box_of((covered, length), limits, axis, backwards)
        uncovered = (rest.start[axis], rest.stop[axis])
    notes = _notes(options, thickness, length, intervals, uncovered, axis)
    return SlabPlan(geometry, axis, backwards, thickness, limits, slabs, uncovered, notes)


def cut_axis(geometry: VolumeGeometry, name: str) -> tuple[int, bool]:
    """(index axis, whether numbering runs against it) for an axis name such as "axial" or "k"."""
    if name in ANATOMICAL_AXES:
        axis, sign = geometry.index_axis(ANATOMICAL_AXES[name])
        return axis, sign < 0
    return "ijk".index(name), False


def resolve_thickness(options: SlabOptions, spacing: float) -> int:
    """Slices in a full slab; a thickness in mm is rounded to whole slices, at least one.

    Raises:
        RequestError: if the overlap leaves no step.
    """
    thickness = options.thickness
    if options.thickness_mm is not None:
        thickness = max(1, round(options.thickness_mm / spacing))
    if options.overlap >= thickness:
        raise RequestError(overlap_sentence(options.overlap, thickness), option="overlap")
    return thickness


def divide(length: int, thickness: int, overlap: int, remainder: str) -> tuple[tuple[int, int], ...]:
    """Half-open intervals that cut ``range(length)``; ``overlap < thickness``.

    Every policy covers all positions, but "drop", which may leave the end out. "pad" may reach
    beyond ``length``. A length below the thickness gives one interval: short, or padded, or none
    with "drop".
    """
    if remainder == "balance":
        return _divide_evenly(length, thickness, overlap)
    step = thickness - overlap
    full = 0 if length < thickness else (length - thickness) // step + 1
    intervals = [(n * step, n * step + thickness) for n in range(full)]
    covered = intervals[-1][1] if intervals else 0
    if covered < length and remainder != "drop":
        start = full * step
        intervals.append(
            {
                "keep": (start, length),
                "pad": (start, start + thickness),
                "shift": (max(0, length - thickness), length),
            }[remainder]
        )
    return tuple(intervals)


def _divide_evenly(length: int, thickness: int, overlap: int) -> tuple[tuple[int, int], ...]:
    count = 1 if length <= thickness else -(-(length - overlap) // (thickness - overlap))
    size, larger = divmod(length + (count - 1) * overlap, count)
    intervals = []
    start = 0
    for number in range(count):
        stop = start + size + (number < larger)
        intervals.append((start, stop))
        start = stop - overlap
    return tuple(intervals)


def _box_of(interval: tuple[int, int], limits: Box, axis: int, backwards: bool) -> Box:
    first, last = limits.start[axis], limits.stop[axis]
    low, high = (last - interval[1], last - interval[0]) if backwards else (first + interval[0], first + interval[1])
    start, stop = list(limits.start), list(limits.stop)
    start[axis], stop[axis] = low, high
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _notes(
    options: SlabOptions,
    thickness: int,
    length: int,
    intervals: tuple[tuple[int, int], ...],
    uncovered: tuple[int, int] | None,
    axis: int,
) -> tuple[str, ...]:
    notes: list[str] = []
    if uncovered is not None:
        a, b = uncovered
        notes.append(
            Sentence(
                Option.to("remainder", "drop"),
                f" leaves out {b - a} of {length} slices: {'ijk'[axis]} = {a} to {b - 1} are in no slab.",
            )
        )
    if length < thickness and options.remainder in ("keep", "shift", "balance"):
        notes.append(
            f"The volume has {length} slices, fewer than one slab of {thickness}: its only slab is {length} thick."
        )
    if options.remainder in ("keep", "balance") and len(intervals) > 1 and intervals[-1][1] - intervals[-1][0] == 1:
        other = Option.to("remainder", "shift", "pad", "balance")
        notes.append(Sentence("The last slab is a single slice; ", other, " avoids that."))
    return tuple(notes)
