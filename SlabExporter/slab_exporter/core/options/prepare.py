"""How a volume is made ready before it is cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from ..errors import RequestError
from ..steps.codes import orientation_code
from ..steps.spacing import GivenSpacing, Spacing, spacing_of
from ..text import Option
from .choices import require_choice

Interpolation = Literal["linear", "bspline"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)


@dataclass(frozen=True)
class PrepareOptions:
    """How image and label maps are made ready before they are cut: first oriented, then resampled.

    Attributes:
        orient: where i, j and k shall point to, as in "RAS"; "canonical" is RAS. None: as in the file. Axes are
            permuted and reversed; no value is touched, and an oblique volume stays oblique.
        spacing: mm of a voxel along i, j, k (of the oriented volume); 0 keeps an axis. None: as in the file.
        like: path of a volume whose grid is taken instead; or a pattern with "{case}", for one per case.
        interpolation: of images, "linear" (None) or "bspline"; label maps keep their values (nearest neighbour).

    Raises:
        RequestError: with the value and what would be right.
    """

    orient: str | None = None
    spacing: Spacing | None = None
    like: str | None = field(default=None, metadata={"path": True})
    interpolation: Interpolation | None = None

    def __post_init__(self) -> None:
        if self.orient is not None:
            object.__setattr__(self, "orient", orientation_code(self.orient))
        if self.interpolation is not None:
            require_choice("interpolation", self.interpolation, INTERPOLATIONS)
        for other in ("orient", "spacing"):
            if self.like is not None and getattr(self, other) is not None:
                raise RequestError(
                    Option("like"), " takes the whole grid of another volume, and ", Option(other), " would change it: "
                    "leave one of them out.",
                )  # fmt: skip
        if self.interpolation is not None and not self.resamples:
            raise RequestError(
                Option("interpolation"),
                " is for ",
                Option("spacing"),
                " and ",
                Option("like"),
                ": nothing is resampled.",
            )

    @property
    def resamples(self) -> bool:
        """Whether values are computed anew."""
        return self.spacing is not None or self.like is not None

    @property
    def is_used(self) -> bool:
        """Whether anything is asked for."""
        return self.orient is not None or self.resamples


def made_ready(
    orient: str | None, spacing: GivenSpacing | None, like: str | None, interpolation: Interpolation | None
) -> PrepareOptions:
    """Return the options that were given in whatever form a user has.

    Raises:
        RequestError: they make no sense, or contradict each other.
    """
    return PrepareOptions(orient, None if spacing is None else spacing_of(spacing), like, interpolation)
