"""Cut a volume into slabs along one axis: equal ones, or between boundaries that a user chose."""

from __future__ import annotations

from dataclasses import replace

from ..axis_cut import AxisCut
from ..errors import RequestError
from ..text import counted


def between_boundaries(cut: AxisCut, boundaries: tuple[int, ...]) -> AxisCut:
    """Return the cut of an axis with intervals from boundary to boundary instead of equal ones.

    An interval also holds the ``overlap`` last voxels of the one before, in numbering order.

    Args:
        cut: of the axis, with its limits and overlap.
        boundaries: ascending; those outside the limits divide nothing there.

    Raises:
        RequestError: one lies outside the volume, or the first interval is too thin for the overlap.

    >>> between_boundaries(AxisCut(2, 150, 0, 150, thickness=64, overlap=4), (40, 104)).intervals
    ((0, 40), (36, 104), (100, 150))
    """
    name, last = "ijk"[cut.axis], cut.size - 1
    outside = next((n for n in boundaries if not 0 < n <= last), None)
    if outside is not None:
        raise RequestError(
            f"No slab can begin at {name} = {outside}: the volume's slices along {name} are 0 to {last}.",
            option="cut_at",
        )
    held = tuple(n for n in boundaries if cut.start < n < cut.stop)
    bounded = replace(cut, at=held, remainder="keep")
    first, *others = (stop - start for start, stop in bounded.intervals)
    if others and first <= cut.overlap:
        raise RequestError(
            f"The first slab has {counted(first, 'slice')}, and the next would share {cut.overlap} with it: choose a "
            "smaller overlap, or another first boundary.",
            option="overlap",
        )
    return replace(bounded, thickness=max(first, *others) if others else first)


def boundary_notes(cut: AxisCut, boundaries: tuple[int, ...]) -> tuple[str, ...]:
    """Return a sentence on boundaries that lie outside the box that is cut."""
    unused = [str(n) for n in boundaries if not cut.start < n < cut.stop]
    if not unused:
        return ()
    one = len(unused) == 1
    return (
        f"{'The boundary' if one else 'The boundaries'} {'ijk'[cut.axis]} = {', '.join(unused)} "
        f"{'lies' if one else 'lie'} outside the box that is cut, and {'divides' if one else 'divide'} nothing.",
    )
