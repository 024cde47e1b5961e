"""Options that shape slabs and blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import RequestError
from ..pieces.blocks import Overlap, Sizes, SizesMm, require_sound
from ..pieces.boundaries import boundaries_of
from ..text import Option, counted
from .choices import AXES, REMAINDERS, AxisName, Remainder, require_choice


@dataclass(frozen=True)
class SlabOptions:
    """The options that shape the slabs.

    Attributes:
        thickness: slices per slab; ignored where ``thickness_mm`` is given.
        thickness_mm: thickness in mm, rounded to whole slices of the volume at hand (at least one).
        axis: "axial", "coronal", "sagittal" (the index axis nearest to S, A, R) or "i", "j", "k".
        overlap: slices that a slab shares with the one before; of blocks voxels, along each axis that is cut or one
            number along each of i, j, k.
        remainder: how a last slab that is not full is treated: "keep" it short, "pad" it with
            the fill value, "shift" it back, "drop" it, or "balance" all to equal parts; of blocks along each axis.
        fill: value of padded voxels; None chooses air for CT-like volumes and 0 otherwise.
        block: voxels of a block along the volume's i, j, k (None: the whole axis); thickness and axis are then ignored.
        block_mm: the same in mm, rounded to whole voxels of the volume at hand.
        crop: one piece that holds all that is to be cut; thickness, axis, overlap and remainder are then ignored.
        cut_at: indices of slices, along the axis that is cut, at which slabs begin: from there to the next one, and to
            the ends of what is cut. Thickness is then ignored, and there is no remainder.

    Raises:
        RequestError: with the value and what would be right.
    """

    thickness: int = 64
    thickness_mm: float | None = None
    axis: AxisName = "axial"
    overlap: Overlap = 0
    remainder: Remainder = "keep"
    fill: float | None = None
    block: Sizes | None = None
    block_mm: SizesMm | None = None
    crop: bool = False
    cut_at: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        require_choice("axis", self.axis, AXES)
        require_choice("remainder", self.remainder, REMAINDERS)
        if self.fill is not None and math.isinf(self.fill):
            raise RequestError("The fill value must be a finite number or 'auto'.", option="fill")
        lowest = min(self.overlap) if isinstance(self.overlap, tuple) else self.overlap
        if lowest < 0:
            what = "voxels" if self.cuts_blocks else "slices"
            raise RequestError(f"The overlap must be 0 or more {what}; it is {lowest}.", option="overlap")
        if self.cut_at is not None:
            object.__setattr__(self, "cut_at", boundaries_of(self.cut_at))
            self._require_bounded_slabs()
        if self.crop:
            return
        if self.cuts_blocks:
            require_sound(self.block, self.block_mm, self.overlap)
        else:
            self._require_sound_slabs()

    @property
    def cuts_blocks(self) -> bool:
        """Whether pieces have sizes along all three axes; one piece has them too, each "all"."""
        return self.crop or self.block is not None or self.block_mm is not None

    @property
    def slab_overlap(self) -> int:
        """The overlap of slabs, which is one number.

        Raises:
            RequestError: there are three.
        """
        if isinstance(self.overlap, tuple):
            raise RequestError(
                "Slabs overlap along one axis; three numbers need ",
                Option("block"),
                ".",
                option="overlap",
            )
        return self.overlap

    def _require_bounded_slabs(self) -> None:
        others: dict[str, object] = {"crop": self.crop or None, "block": self.block, "block_mm": self.block_mm}
        others |= {"thickness_mm": self.thickness_mm, "remainder": None if self.remainder == "keep" else self.remainder}
        for option, value in others.items():
            if value is not None:
                raise RequestError(
                    Option("cut_at"), " says where each slab begins, and ", Option(option), " how: leave one out."
                )

    def _require_sound_slabs(self) -> None:
        overlap = self.slab_overlap
        if self.cut_at is not None:
            return
        if self.thickness_mm is None and self.thickness < 1:
            raise RequestError(
                f"A slab needs at least one slice; the thickness is {self.thickness}.", option="thickness"
            )
        if self.thickness_mm is not None and not (0 < self.thickness_mm < math.inf):
            raise RequestError(
                f"The thickness in mm must be positive; it is {self.thickness_mm:g}.", option="thickness_mm"
            )
        if self.thickness_mm is None and overlap >= self.thickness:
            raise RequestError(overlap_sentence(overlap, self.thickness), option="overlap")


def overlap_sentence(overlap: int, thickness: int) -> str:
    """Return the sentence that refuses an overlap of a whole slab or more."""
    shared, all_of_it = counted(overlap, "slice"), counted(thickness, "slice")
    return (
        f"The overlap ({shared}) must be smaller than the thickness ({all_of_it}): otherwise the slabs do not advance."
    )
