"""Plan where to cut: from a geometry and options to a tuple of boxes. The plan's integers are the authority.

Each index axis is cut by itself (``axis_cut``); the boxes are the product of the three cuts. Numbers run
along the patient (inferior to superior, posterior to anterior, left to right) or along the index. A slab is
cut along one axis, a block along all three; the code calls both slabs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

from .axis_cut import AxisCut, Interval
from .errors import RequestError
from .geometry import ANATOMICAL_AXES, AXIS_LETTERS, Box, VolumeGeometry
from .index_map import Three
from .naming import PieceKind
from .options import AxisName, SlabOptions, overlap_sentence
from .pieces.block_cuts import Cuts, block_cuts, block_notes
from .pieces.records import BlockRecord, LeftOutRecord
from .pieces.slab_cuts import between_boundaries, boundary_notes
from .records import PlanRecord
from .text import Option, counted, lengths, sizes


@dataclass(frozen=True)
class Slab:
    """Number of a slab (from 0, in numbering order) and its box in the volume's IJK."""

    index: int
    box: Box


@dataclass(frozen=True)
class SlabPlan:
    """All slabs of one volume: the product of three cuts.

    Attributes:
        geometry: of the volume that is cut.
        options: what was asked for.
        axis: index axis that slabs are cut along: 0, 1, 2 for i, j, k. The other two are one interval each.
            Of blocks the one whose numbers change slowest.
        cuts: along i, j and k.
        order: index axes from the one whose numbers change slowest to the one whose change fastest.
        left_out: slabs that are not written; None for none.
    """

    geometry: VolumeGeometry
    options: SlabOptions
    axis: int
    cuts: Cuts
    order: Three
    left_out: LeftOutRecord | None = None

    @cached_property
    def all_slabs(self) -> tuple[Slab, ...]:
        """Numbers and boxes, also of slabs that are left out; with padding boxes may reach beyond the volume."""
        return tuple(Slab(number, box) for number, box in enumerate(boxes_in_order(self.cuts, self.order)))

    @cached_property
    def slabs(self) -> tuple[Slab, ...]:
        """Numbers and boxes of what is written; where slabs are left out their numbers are missing."""
        left = set() if self.left_out is None else {piece.index for piece in self.left_out.pieces}
        return tuple(slab for slab in self.all_slabs if slab.index not in left) if left else self.all_slabs

    @property
    def kind(self) -> PieceKind:
        """What the slabs are called."""
        if self.options.crop:
            return "crop"
        return "block" if self.options.cuts_blocks else "slab"

    @property
    def reversed(self) -> bool:
        """Whether numbering runs against the index."""
        return self.cuts[self.axis].reversed

    @property
    def thickness(self) -> int:
        """Slices in a full slab (resolved from mm where given)."""
        return self.cuts[self.axis].thickness

    @property
    def limits(self) -> Box:
        """Box that the slabs cover: the whole volume, or the part within an ROI."""
        i, j, k = self.cuts
        return Box((i.start, j.start, k.start), (i.stop, j.stop, k.stop))

    @property
    def uncovered(self) -> Interval | None:
        """Half-open index range (along the axis) of slices that no slab holds, or None."""
        return self.cuts[self.axis].uncovered

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the plan that a user should read."""
        of_cuts = (block_notes(cut) if self.options.cuts_blocks else cut.notes for cut in self.cuts)
        unused = boundary_notes(self.cuts[self.axis], self.options.cut_at or ())
        left = () if self.left_out is None else (self.left_out.note(len(self.all_slabs), self.kind),)
        return (*(note for notes in of_cuts for note in notes), *unused, *left)

    @property
    def needs_padding(self) -> bool:
        """Whether a slab reaches beyond the volume."""
        return any(any(cut.padding) for cut in self.cuts)

    @property
    def needs_fill(self) -> bool:
        """Whether there are voxels of no slab, or slabs that reach beyond the volume: stitching fills the former."""
        left_out = any(cut.uncovered for cut in self.cuts) or (
            self.limits is not None and self.limits != self.geometry.box
        )
        return self.needs_padding or left_out or self.left_out is not None

    @property
    def direction(self) -> str:
        """Direction of the numbering along the axis that is cut, as in "I to S"; of blocks each, slowest first."""
        axes = self.order if self.options.cuts_blocks else (self.axis,)
        return ", ".join(self._direction(n) for n in axes)

    def _direction(self, index_axis: int) -> str:
        axis, sign = self.geometry.ras_axis_of_index[index_axis]
        positive, negative = AXIS_LETTERS[axis]
        runs_positive = (sign > 0) != self.cuts[index_axis].reversed
        return f"{negative} to {positive}" if runs_positive else f"{positive} to {negative}"

    @property
    def size(self) -> str:
        """Size of a full slab in words."""
        if self.options.cuts_blocks:
            return f"{sizes(cut.thickness for cut in self.cuts)} voxels"
        return f"{counted(self.thickness, 'slice')} along {'ijk'[self.axis]}"

    def describe(self, dtype: str = "") -> str:
        """Return one line about the volume (with the type of its voxels, where given) and what will be made of it."""
        geometry = self.geometry
        volume = f"{sizes(geometry.shape_ijk)}{dtype and f' {dtype}'}, {geometry.orientation}"
        line = f"{volume}, {lengths(geometry.spacing)} mm: {counted(len(self.slabs), self.kind)} "
        return (
            f"{line}of {self.size}" if self.options.crop else f"{line}of up to {self.size}, numbered {self.direction}"
        )

    def record(self, fill: float, within: str | None = None) -> PlanRecord:
        """Return the options that shaped the slabs, resolved; format and compression are for the caller to add.

        Args:
            fill: value of padded voxels; recorded only where there are any.
            within: path of the ROI file from which the limits come, as it is to be recorded.
        """
        blocks = self.options.cuts_blocks
        return PlanRecord(
            axis=None if blocks else self.options.axis,
            index_axis=None if blocks else "ijk"[self.axis],
            numbered=self.direction,
            thickness=None if blocks else self.thickness,
            thickness_mm=None if blocks else self.options.thickness_mm,
            overlap=None if blocks else self.options.slab_overlap,
            remainder=self.options.remainder,
            fill=fill if self.needs_fill else None,
            within=within,
            limits=self.limits,
            uncovered=None if blocks else self.uncovered,
            notes=self.notes,
            block=self._block_record() if blocks else None,
            left_out=self.left_out,
            cut_at=self.cuts[self.axis].at,
        )

    def _block_record(self) -> BlockRecord:
        i, j, k = self.cuts
        return BlockRecord(
            shape=(i.thickness, j.thickness, k.thickness),
            overlap=(i.overlap, j.overlap, k.overlap),
            mm=self.options.block_mm,
            uncovered=(i.uncovered, j.uncovered, k.uncovered),
        )


def plan_slabs(geometry: VolumeGeometry, options: SlabOptions, limits: Box | None = None) -> SlabPlan:
    """Divide a volume, or the part of it inside ``limits``, into slabs.

    Args:
        geometry: of the volume.
        options: thickness, axis, overlap and remainder.
        limits: voxels to stay within; None for the whole volume.

    Raises:
        RequestError: the options do not fit this volume (nothing left with "drop", overlap too large).

    Examples:
        >>> import numpy as np
        >>> head_first = VolumeGeometry((4, 4, 10), np.diag([1.0, 1, -1, 1]))
        >>> [slab.box.extent[4:] for slab in plan_slabs(head_first, SlabOptions(thickness=6)).slabs]
        [(4, 9), (0, 3)]
    """
    limits = geometry.box if limits is None else limits
    numbered = numbering(geometry, options.axis)
    backwards = dict(numbered)
    slowest, middle, fastest = (n for n, _ in numbered)
    if options.cuts_blocks:
        return SlabPlan(
            geometry, options, slowest, block_cuts(geometry, options, limits, backwards), (slowest, middle, fastest)
        )
    axis, _ = cut_axis(geometry, options.axis)
    thickness = resolve_thickness(options, float(geometry.spacing[axis]))

    def cut(n: int) -> AxisCut:
        size, start, stop = geometry.shape_ijk[n], limits.start[n], limits.stop[n]
        if n != axis:
            return AxisCut(n, size, start, stop, thickness=stop - start, reversed=backwards[n])
        slabs = AxisCut(n, size, start, stop, thickness, options.slab_overlap, options.remainder, backwards[n])
        return slabs if options.cut_at is None else between_boundaries(slabs, options.cut_at)

    plan = SlabPlan(geometry, options, axis, (cut(0), cut(1), cut(2)), (slowest, middle, fastest))
    if not plan.slabs:
        raise RequestError(
            f"{plan.cuts[axis].whole} has {limits.shape[axis]} slices along {'ijk'[axis]}, ",
            f"fewer than the thickness of {thickness}, and ",
            Option.to("remainder", "drop"),
            " leaves short slabs out: nothing would be written. Choose ",
            Option.to("remainder", "keep", "pad"),
            ", or a smaller thickness.",
        )
    return plan


def boxes_in_order(cuts: Cuts, order: Three) -> tuple[Box, ...]:
    """Return the product of three cuts, numbered by the cuts along ``order``, slowest axis first."""
    places = [order.index(axis) for axis in range(3)]
    boxes = []
    for intervals in product(*(cuts[axis].intervals for axis in order)):
        (i0, i1), (j0, j1), (k0, k1) = (intervals[place] for place in places)
        boxes.append(Box((i0, j0, k0), (i1, j1, k1)))
    return tuple(boxes)


def numbering(geometry: VolumeGeometry, name: AxisName) -> tuple[tuple[int, bool], ...]:
    """Return (index axis, whether numbering runs against it), from the slowest to the fastest.

    Along the patient the axis nearest to S is slowest, then A, then R; for "i", "j" and "k"
    numbers follow the index, k slowest.
    """
    if name not in ANATOMICAL_AXES:
        return ((2, False), (1, False), (0, False))
    nearest = (geometry.index_axis(ras_axis) for ras_axis in (2, 1, 0))
    return tuple((axis, sign < 0) for axis, sign in nearest)


def cut_axis(geometry: VolumeGeometry, name: AxisName) -> tuple[int, bool]:
    """Return (index axis, whether numbering runs against it) for an axis name such as "axial" or "k"."""
    if name in ANATOMICAL_AXES:
        axis, sign = geometry.index_axis(ANATOMICAL_AXES[name])
        return axis, sign < 0
    return "ijk".index(name), False


def resolve_thickness(options: SlabOptions, spacing: float) -> int:
    """Return the slices in a full slab; a thickness in mm is rounded to whole slices, at least one.

    Raises:
        RequestError: if the overlap leaves no step.
    """
    thickness = options.thickness
    if options.thickness_mm is not None:
        thickness = max(1, round(options.thickness_mm / spacing))
    if options.slab_overlap >= thickness and options.cut_at is None:
        raise RequestError(overlap_sentence(options.slab_overlap, thickness), option="overlap")
    return thickness
