"""Which pieces are worth writing: all, those with labels, those with a part of the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import RequestError
from ..text import Option

Keep = Literal["all", "labelled", "body"]
KEEPS: tuple[Keep, ...] = get_args(Keep)


@dataclass(frozen=True)
class KeepOptions:
    """Choice of the pieces that are written.

    Attributes:
        keep: "all"; "labelled": those that hold a voxel of a label map; "body": those that hold a voxel of the body.
        min_fraction: smallest part (above 0, up to 1) of a piece's voxels inside the volume that must be such
            voxels; None for a single one.

    Raises:
        RequestError: with the value.
    """

    keep: Keep = "all"
    min_fraction: float | None = None

    def __post_init__(self) -> None:
        if self.keep not in KEEPS:
            raise RequestError(f"'{self.keep}' cannot be kept; choose one of {', '.join(KEEPS)}.", option="keep")
        if self.min_fraction is None:
            return
        if self.keep == "all":
            raise RequestError(
                Option("min_fraction"), " needs ", Option.to("keep", "labelled", "body"), ": of what it is a fraction."
            )
        if not 0 < self.min_fraction <= 1:
            raise RequestError(Option("min_fraction"), f" must be above 0 and at most 1; it is {self.min_fraction:g}.")

    def is_enough(self, voxels: int, of: int) -> bool:
        """Return whether so many voxels of a piece make it worth writing.

        >>> KeepOptions("labelled").is_enough(1, of=1000), KeepOptions("labelled", 0.01).is_enough(1, of=1000)
        (True, False)
        """
        # not voxels >= fraction * of: 0.07 * 100 is 7.000000000000001
        return voxels > 0 and (self.min_fraction is None or voxels / of >= self.min_fraction)
