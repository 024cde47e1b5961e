"""The shape of slabs or blocks from what a user gave, which may contradict itself."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import RequestError
from ..options import AxisName, Remainder, SlabOptions
from ..text import Option
from .blocks import GivenOverlap, GivenSizes, block_sizes, block_sizes_mm, overlap_of
from .boundaries import GivenBoundaries, boundaries_of

THICKNESS, AXIS, REMAINDER = SlabOptions.thickness, SlabOptions.axis, SlabOptions.remainder


def slab_options(
    thickness: int | None = None,
    thickness_mm: float | None = None,
    axis: AxisName | None = None,
    overlap: GivenOverlap = 0,
    remainder: Remainder = "keep",
    fill: float | None = None,
    block: GivenSizes | None = None,
    block_mm: GivenSizes | None = None,
    crop: bool = False,
    cut_at: GivenBoundaries | None = None,
) -> SlabOptions:
    """Return the options that shape slabs or blocks; None for what was not given.

    Raises:
        RequestError: they make no sense, or slabs, blocks and one piece are asked for at once.

    >>> slab_options(block="64,64,all", overlap="8,8,0").block
    (64, 64, None)
    """
    given = {"thickness": thickness, "thickness_mm": thickness_mm, "axis": axis}
    if crop:
        sizes = given | {"block": block, "block_mm": block_mm, "overlap": overlap_of(overlap) or None, "cut_at": cut_at}
        _refuse_cutting(sizes | {"remainder": None if remainder == REMAINDER else remainder})
        return SlabOptions(fill=fill, crop=True)
    if cut_at is not None and thickness is not None:
        raise RequestError(
            Option("cut_at"), " says where each slab begins, and ", Option("thickness"), " how: leave one out."
        )
    blocks = "block" if block is not None else "block_mm"
    if block is not None or block_mm is not None:
        for option, value in given.items():
            if value is not None:
                raise RequestError(
                    Option(blocks), " cuts along all three axes, and ", Option(option), " along one: leave one out."
                )
    return SlabOptions(
        thickness=THICKNESS if thickness is None else thickness,
        thickness_mm=thickness_mm,
        axis=AXIS if axis is None else axis,
        overlap=overlap_of(overlap),
        remainder=remainder,
        fill=fill,
        block=None if block is None else block_sizes(block),
        block_mm=None if block_mm is None else block_sizes_mm(block_mm),
        cut_at=None if cut_at is None else boundaries_of(cut_at),
    )


def _refuse_cutting(given: Mapping[str, object]) -> None:
    """Refuse options that say how a volume is cut into pieces beside the one that asks for a single piece."""
    for option, value in given.items():
        if value is not None:
            raise RequestError(
                Option("crop"), " writes one piece, and ", Option(option), " says how several are cut: leave one out."
            )
