"""Cut a volume into blocks: three cuts, each by the rules of slabs."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..axis_cut import AxisCut
from ..errors import RequestError
from ..geometry import Box, VolumeGeometry
from ..options import SlabOptions
from ..text import Option, Sentence
from .blocks import resolved_overlap, resolved_sizes

Cuts = tuple[AxisCut, AxisCut, AxisCut]

# Of one volume. More files than this in one folder are of no use to anybody.
MOST_BLOCKS = 100_000


def block_cuts(geometry: VolumeGeometry, options: SlabOptions, limits: Box, backwards: Mapping[int, bool]) -> Cuts:
    """Return the cuts along i, j, k; an axis that blocks span is one interval.

    Args:
        geometry: of the volume.
        options: sizes of the blocks, overlap and remainder.
        limits: voxels to stay within.
        backwards: for each index axis, whether numbering runs against it.

    Raises:
        RequestError: blocks would not advance, "drop" would leave none, or there are too many.
    """
    sizes = resolved_sizes(options.block, options.block_mm, geometry.spacing.tolist())
    overlap = resolved_overlap(sizes, options.overlap)

    def cut(n: int) -> AxisCut:
        size, start, stop, asked = geometry.shape_ijk[n], limits.start[n], limits.stop[n], sizes[n]
        if asked is None:
            return AxisCut(n, size, start, stop, thickness=stop - start, reversed=backwards[n])
        return AxisCut(n, size, start, stop, asked, overlap[n], options.remainder, backwards[n])

    cuts = (cut(0), cut(1), cut(2))
    for one in cuts:
        if not one.intervals:
            raise RequestError(
                f"{one.whole} has {one.length} voxels along {'ijk'[one.axis]}, fewer than the block's {one.thickness}, "
                "and ",
                Option.to("remainder", "drop"),
                " leaves blocks out that are not full: nothing would be written. Choose ",
                Option.to("remainder", "keep", "pad"),
                ", or a smaller block.",
            )
    if (count := math.prod(len(one.intervals) for one in cuts)) > MOST_BLOCKS:
        raise RequestError(
            f"{count:,} blocks would be cut, a file each, and {MOST_BLOCKS:,} are the most; choose larger blocks.",
            option="block" if options.block_mm is None else "block_mm",
        )
    return cuts


def block_notes(cut: AxisCut) -> tuple[str, ...]:
    """Return sentences about the blocks along one axis that a user should read."""
    notes: list[str] = []
    axis = "ijk"[cut.axis]
    if cut.uncovered is not None:
        a, b = cut.uncovered
        dropped = f" leaves out {b - a} of {cut.length} planes along {axis}: {axis} = {a} to {b - 1} are in no block."
        notes.append(Sentence(Option.to("remainder", "drop"), dropped))
    if cut.length < cut.thickness and cut.remainder != "pad":
        notes.append(
            f"{cut.whole} has {cut.length} voxels along {axis}, fewer than the block's {cut.thickness}: "
            f"blocks have {cut.length} there."
        )
    return tuple(notes)
