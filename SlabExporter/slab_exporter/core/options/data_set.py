"""Options about the data set as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import RequestError
from ..text import Option
from .choices import LAYOUTS, Layout, require_choice

Channels: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"
# nnU-Net writes the number of a data set with three digits.
_LARGEST_ID = 999


@dataclass(frozen=True)
class DataSetOptions:
    """Division of an export into cases, of its cases into parts, and files beside them for other programs.

    Attributes:
        split: shares of training, validation and test, adding up to 1; None for all in training.
        seed: of the split.
        group_by: column of a list whose cases stay together in a split; None: by names and headers.
        split_series: whether a DICOM series of several volumes is a case for each.
        channels: which images are channels of one case: "auto", "4d", or one NAME=PATTERN per channel.
        layout: "nnunet": also lay the files out as nnU-Net v2 wants them; None for nothing more.
        dataset_id: number of nnU-Net's data set, from 1 to 999.
        dataset_name: its name.

    Raises:
        RequestError: an ID or a name that nnU-Net does not know, or without the layout.
    """

    split: tuple[float, ...] | None = None
    seed: int = 0
    group_by: str | None = None
    split_series: bool = False
    channels: tuple[str, ...] = ()
    layout: Layout | None = None
    dataset_id: int | None = None
    dataset_name: str | None = None

    def __post_init__(self) -> None:
        both = (Option("dataset_id"), " and ", Option("dataset_name"))
        if self.layout is None:
            if self.dataset_id is not None or self.dataset_name is not None:
                raise RequestError(*both, " are for ", Option.to("layout", *LAYOUTS), ".", option="layout")
            return
        require_choice("layout", self.layout, LAYOUTS)
        if self.dataset_id is None or self.dataset_name is None:
            raise RequestError(Option.to("layout", self.layout), " needs ", *both, ".", option="layout")
        if not 1 <= self.dataset_id <= _LARGEST_ID:
            raise RequestError(Option("dataset_id"), f" must be from 1 to {_LARGEST_ID}; it is {self.dataset_id}.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", self.dataset_name):
            raise RequestError(
                Option("dataset_name"), f" is letters, digits, _ and -, as in Liver; it is '{self.dataset_name}'."
            )

    @property
    def folder(self) -> str | None:
        """Name of nnU-Net's folder in the output folder.

        >>> DataSetOptions(layout="nnunet", dataset_id=7, dataset_name="Liver").folder
        'Dataset007_Liver'
        """
        return None if self.layout is None else f"Dataset{self.dataset_id:03d}_{self.dataset_name}"


def channel_arguments(channels: Channels) -> tuple[str, ...]:
    """Return channels as the command line gives them: a word, or NAME=PATTERN for each.

    >>> channel_arguments({"t1": "*_t1.nii.gz", "t2": "*_t2.nii.gz"}), channel_arguments("auto")
    (('t1=*_t1.nii.gz', 't2=*_t2.nii.gz'), ('auto',))
    """
    if isinstance(channels, Mapping):
        return tuple(f"{name}={pattern}" for name, pattern in channels.items())
    return (channels,) if isinstance(channels, str) else tuple(channels or ())
