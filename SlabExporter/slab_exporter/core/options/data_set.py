"""Options about the data set as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Channels: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"


@dataclass(frozen=True)
class DataSetOptions:
    """Division of an export into cases, and of its cases into parts.

    Attributes:
        split: shares of training, validation and test, adding up to 1; None for all in training.
        seed: of the split.
        group_by: column of a list whose cases stay together in a split; None: by names and headers.
        split_series: whether a DICOM series of several volumes is a case for each.
        channels: which images are channels of one case: "auto", "4d", or one NAME=PATTERN per channel.
    """

    split: tuple[float, ...] | None = None
    seed: int = 0
    group_by: str | None = None
    split_series: bool = False
    channels: tuple[str, ...] = ()


def channel_arguments(channels: Channels) -> tuple[str, ...]:
    """Return channels as the command line gives them: a word, or NAME=PATTERN for each.

    >>> channel_arguments({"t1": "*_t1.nii.gz", "t2": "*_t2.nii.gz"}), channel_arguments("auto")
    (('t1=*_t1.nii.gz', 't2=*_t2.nii.gz'), ('auto',))
    """
    if isinstance(channels, Mapping):
        return tuple(f"{name}={pattern}" for name, pattern in channels.items())
    return (channels,) if isinstance(channels, str) else tuple(channels or ())
