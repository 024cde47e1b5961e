"""Channels: further images of a case on the first one's grid, as a manifest has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..records import SourceRecord


@dataclass(frozen=True)
class ChannelRecord:
    """A further image of a case; the first one is the manifest's ``source``.

    Attributes:
        name: of the channel, and of the folder of its slabs.
        source: as it was read.
        fill: value of its padded voxels, and of those that no slab holds; None where there are none.
        dicom: how its DICOM slabs were written; None for others.
    """

    name: str
    source: SourceRecord
    fill: float | None = None
    dicom: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        entry = {"name": self.name, "source": self.source.to_json(), "fill": self.fill}
        return entry if self.dicom is None else entry | {"dicom": self.dicom}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> ChannelRecord:
        """Read an entry of a manifest."""
        fill, dicom = entry.get("fill"), entry.get("dicom")
        if not isinstance(fill, int | float | None) or not isinstance(dicom, dict | None):
            raise TypeError(f"the channel {entry['name']}")
        _ = float((dicom or {}).get("largest_error", 0.0))  # raises where it is senseless
        return cls(str(entry["name"]), SourceRecord.from_json(entry["source"]), fill, dicom)


def channels_to_json(first: str, others: tuple[ChannelRecord, ...]) -> dict[str, Any]:
    """Return the manifest's entry, in channel order; nothing where the case has one image."""
    return {"channels": [{"name": first}, *(other.to_json() for other in others)]} if first else {}


def channels_from_json(entries: list[dict[str, Any]]) -> tuple[str, tuple[ChannelRecord, ...]]:
    """Return the name of the first channel ("" where the case has one image) and the others.

    Raises:
        InputError: two channels of one name.
    """
    names = [str(entry["name"]) for entry in entries]
    if len(set(names)) < len(names):
        raise InputError(f"two channels have one name ({', '.join(names)}).")
    return (names[0], tuple(map(ChannelRecord.from_json, entries[1:]))) if names else ("", ())
