"""How a volume is made ready before it is cut."""

from __future__ import annotations

from dataclasses import dataclass

from ..steps.codes import orientation_code


@dataclass(frozen=True)
class PrepareOptions:
    """How image and label maps are made ready before they are cut.

    Attributes:
        orient: where i, j and k shall point to, as in "RAS"; "canonical" is RAS. None: as in the file. Axes are
            permuted and reversed; no value is touched, and an oblique volume stays oblique.

    Raises:
        RequestError: with the value and what would be right.
    """

    orient: str | None = None

    def __post_init__(self) -> None:
        if self.orient is not None:
            object.__setattr__(self, "orient", orientation_code(self.orient))

    @property
    def is_used(self) -> bool:
        """Whether anything is asked for."""
        return self != PrepareOptions()
