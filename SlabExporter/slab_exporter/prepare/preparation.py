"""The grid that is cut, and how the volumes of a case get onto it and off it again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.options.prepare import PrepareOptions
from ..core.steps.orientation import order_towards
from ..core.steps.records import PreparedRecord
from ..core.volume import PREPARED, SourceVolume
from .oriented import oriented


@dataclass(frozen=True)
class Preparation:
    """How the volumes of a case are made ready: all of them alike, since they share a grid.

    Attributes:
        source: the grid of the image as it was read.
        record: what is done, as the manifest has it.
    """

    source: VolumeGeometry
    record: PreparedRecord

    @property
    def grid(self) -> VolumeGeometry:
        """The grid that is cut."""
        return self.record.geometry

    def image(self, volume: SourceVolume) -> SourceVolume:
        """Return an image on the cut grid."""
        return self._prepared(volume)

    def label(self, volume: SourceVolume) -> SourceVolume:
        """Return a label map on the cut grid."""
        return self._prepared(volume)

    def _prepared(self, volume: SourceVolume) -> SourceVolume:
        order = self.record.order
        ready = volume if order is None else oriented(volume, order)
        if ready is volume:
            return volume
        return replace(ready, record={**volume.record, PREPARED: f"its axes put in the order {self.record.orient}"})


def preparation_of(source: VolumeGeometry, options: PrepareOptions) -> Preparation | None:
    """Return what is to be done with volumes on a grid; None where nothing is asked for.

    Args:
        source: the grid of a case's image.
        options: what is asked for.
    """
    if not options.is_used:
        return None
    if options.orient is None:
        return Preparation(source, PreparedRecord(source))
    order = order_towards(source, options.orient)
    return Preparation(source, PreparedRecord(order.reordered(source), options.orient, order))


def cut_grid(source: VolumeGeometry, options: PrepareOptions) -> VolumeGeometry:
    """Return the grid that is cut of volumes on the grid ``source``."""
    preparation = preparation_of(source, options)
    return source if preparation is None else preparation.grid


def recorded_preparation(source: VolumeGeometry, record: PreparedRecord) -> Preparation:
    """Return what a manifest says was done, after a check that the grid follows from the source's.

    Args:
        source: the grid of the image as it is read now.
        record: of the manifest.

    Raises:
        InputError: the recorded grid is another one.
    """
    order = record.order
    made = source if order is None else order.reordered(source)
    difference = made.difference(record.geometry)
    if not difference.same_shape or not difference.is_within(made.position_tolerance("float64")):
        raise InputError(f"The manifest's grid of the prepared volume is {difference} off what the source gives.")
    return Preparation(source, record)
