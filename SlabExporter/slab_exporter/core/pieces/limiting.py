"""What of a volume is cut: all of it, or the box around its label maps or around the body."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import RequestError
from ..text import Option

CropTo = Literal["labels", "body"]
CROP_TO: tuple[CropTo, ...] = get_args(CropTo)


@dataclass(frozen=True)
class LimitOptions:
    """Choice of the box that is cut.

    Attributes:
        crop_to: "labels": the box around all label maps of the case; "body": the one around the body; None: neither.
        margin: mm by which that box is enlarged on all sides, as far as the volume goes; None for nothing.

    Raises:
        RequestError: with the value.
    """

    crop_to: CropTo | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.crop_to is not None and self.crop_to not in CROP_TO:
            raise RequestError(
                f"There is no cropping to '{self.crop_to}'; choose one of {', '.join(CROP_TO)}.", option="crop_to"
            )
        if self.margin is None:
            return
        if self.crop_to is None:
            raise RequestError(Option("margin"), " needs ", Option.to("crop_to", *CROP_TO), ": around what it is left.")
        if not 0 <= self.margin < math.inf:
            raise RequestError(Option("margin"), f" must be 0 mm or more; it is {self.margin:g}.")


@dataclass(frozen=True)
class LimitRecord:
    """What the box was cut to, as the manifest's plan has it; the box itself stands there as ``ijk_limits``.

    Attributes:
        options: what was asked for.
        one_piece: whether the box was written as it is, and not cut into slabs or blocks.
    """

    options: LimitOptions
    one_piece: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {
            "crop_to": self.options.crop_to,
            "margin_mm": self.options.margin,
            "one_piece": self.one_piece,
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> LimitRecord:
        """Read an entry of a manifest."""
        margin = entry.get("margin_mm")
        try:
            options = LimitOptions(entry["crop_to"], None if margin is None else float(margin))
        except RequestError as error:
            raise ValueError(str(error)) from error
        return cls(options, entry["one_piece"] is True)
