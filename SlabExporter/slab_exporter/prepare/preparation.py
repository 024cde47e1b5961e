"""The grid that is cut, and how the volumes of a case get onto it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..core.errors import InputError, RequestError
from ..core.geometry import FloatArray, VolumeGeometry
from ..core.options.prepare import PrepareOptions
from ..core.steps.grids import index_matrix, respaced, smoothing_voxels
from ..core.steps.orientation import order_towards
from ..core.steps.records import PreparedRecord, ResampledRecord
from ..core.values import fill_value
from ..core.volume import PREPARED, SourceVolume
from ..files.encodings.nifti_axes import regridded_fields
from ..files.machine import require_memory
from .oriented import oriented
from .reference import reference_grid
from .resampled import interpolated, nearest, require_memory_for


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

    @cached_property
    def oriented(self) -> VolumeGeometry:
        """The grid of the source's voxels with their axes in order, before values are computed."""
        return self.source if self.record.order is None else self.record.order.reordered(self.source)

    @cached_property
    def matrix(self) -> FloatArray:
        """4x4, from indices of the cut grid to indices of the oriented volume."""
        return index_matrix(self.grid, self.oriented)

    @property
    def resamples(self) -> bool:
        """Whether values are computed anew."""
        return self.record.resampled is not None

    @property
    def reaches_outside(self) -> bool:
        """Whether the cut grid may reach beyond the volume: another volume's grid, not other voxel sizes."""
        return self.record.resampled is not None and self.record.resampled.spacing is None

    def image(self, volume: SourceVolume) -> SourceVolume:
        """Return an image on the cut grid; of several frames each.

        Raises:
            InputError: it does not fit into memory, or B-splines cannot be made of its values.
        """
        stack = volume.frames
        if stack is None:
            return self._image(volume)
        require_memory(Path(volume.name), len(stack) * math.prod(self.grid.shape_ijk) * volume.voxels_kji.itemsize)
        return volume.each_frame(self._image)

    def _image(self, volume: SourceVolume) -> SourceVolume:
        ready, how = self._in_order(volume), self.record.resampled
        if how is None:
            return ready
        shape, voxels = self.grid.shape_ijk, ready.voxels_kji
        require_memory_for(volume.name, voxels.size, shape, voxels.itemsize, how.interpolation)
        outside = fill_value(how.outside, voxels) if self.reaches_outside else None
        sigma = smoothing_voxels(self.matrix)
        return self._regridded(ready, interpolated(voxels, self.matrix, shape, how.interpolation, sigma, outside))

    def label(self, volume: SourceVolume) -> SourceVolume:
        """Return a label map on the cut grid, of several frames each: every value is one of the map's.

        Raises:
            InputError: it does not fit into memory.
        """
        return volume.each_frame(self._label)

    def _label(self, volume: SourceVolume) -> SourceVolume:
        ready, how = self._in_order(volume), self.record.resampled
        if how is None:
            return ready
        shape, voxels = self.grid.shape_ijk, ready.voxels_kji
        require_memory_for(volume.name, voxels.size, shape, voxels.itemsize, "linear")
        return self._regridded(ready, nearest(voxels, self.matrix, shape, 0.0 if self.reaches_outside else None))

    def _in_order(self, volume: SourceVolume) -> SourceVolume:
        order = self.record.order
        ready = volume if order is None else oriented(volume, order)
        return ready if ready is volume else replace(ready, record={**volume.record, PREPARED: self.record.words})

    def _regridded(self, volume: SourceVolume, voxels_kji: np.ndarray) -> SourceVolume:
        header = volume.header
        if header is not None:
            keeps_axes = self.record.resampled is not None and self.record.resampled.spacing is not None
            header = regridded_fields(header, self.grid, _form_of(header, volume.nifti_transform), keeps_axes)
        return replace(
            volume,
            geometry=self.grid,
            voxels_kji=voxels_kji,
            header=header,
            record={**volume.record, PREPARED: self.record.words},
            dicom=None if volume.dicom is None else replace(volume.dicom, planes=()),
            loaded_affine_ras=None,
        )


def preparation_of(source: VolumeGeometry, options: PrepareOptions, outside: float | None = None) -> Preparation | None:
    """Return what is to be done with volumes on a grid; None where nothing is asked for.

    Args:
        source: the grid of a case's image.
        options: what is asked for.
        outside: value of an image beyond its voxels; None for air or 0, by its values.

    Raises:
        InputError: the reference cannot be used.
        RequestError: the options do not fit this grid.
    """
    if not options.is_used:
        return None
    order = None if options.orient is None else order_towards(source, options.orient)
    turned = source if order is None else order.reordered(source)
    if not options.resamples:
        return Preparation(source, PreparedRecord(turned, options.orient, order))
    if options.like is not None:
        grid = _overlapping(reference_grid(options.like), turned, options.like)
    else:
        grid = respaced(turned, options.spacing or (0.0, 0.0, 0.0))
    i, j, k = (smoothing_voxels(index_matrix(grid, turned)) * turned.spacing).tolist()
    how = ResampledRecord(
        interpolation=options.interpolation or "linear",
        spacing=options.spacing,
        like=options.like,
        smoothed_mm=(i, j, k),
        outside=outside if options.like is not None else None,
    )
    return Preparation(source, PreparedRecord(grid, options.orient, order, how))


def cut_grid(source: VolumeGeometry, options: PrepareOptions) -> VolumeGeometry:
    """Return the grid that is cut of volumes on the grid ``source``; errors as of ``preparation_of``."""
    preparation = preparation_of(source, options)
    return source if preparation is None else preparation.grid


def recorded_preparation(source: VolumeGeometry, record: PreparedRecord) -> Preparation:
    """Return what a manifest says was done, after a check that the grid follows from the source's.

    Another volume's grid follows from nothing: values are computed again wherever it says that its voxels lie.

    Args:
        source: the grid of the image as it is read now.
        record: of the manifest.

    Raises:
        InputError: the recorded grid is another one, or the recorded smoothing.
    """
    made = source if record.order is None else record.order.reordered(source)
    how = record.resampled
    if how is not None:
        turned = made
        made = record.geometry if how.spacing is None else respaced(made, how.spacing)
        sigma = smoothing_voxels(index_matrix(made, turned)) * turned.spacing
        if not np.allclose(sigma, how.smoothed_mm, rtol=1e-6, atol=1e-9):
            raise InputError(f"The manifest's smoothing of {how.smoothed_mm} mm is not what its grid needs.")
    difference = made.difference(record.geometry)
    if not difference.same_shape or not difference.is_within(made.position_tolerance("float64")):
        raise InputError(f"The manifest's grid of the prepared volume is {difference} off what the source gives.")
    return Preparation(source, record)


def _overlapping(grid: VolumeGeometry, volume: VolumeGeometry, name: str) -> VolumeGeometry:
    """Return a grid, unless it lies wholly beside the volume."""
    ijk = volume.ijk(grid.corners_ras())
    last = np.array(volume.shape_ijk) - 0.5
    if np.any(ijk.max(axis=0) < -0.5) or np.any(ijk.min(axis=0) > last):
        raise RequestError(
            f"The grid of {Path(name).name} lies beside the volume: no voxel would be in it. Do both lie in the same "
            "coordinates?",
            option="like",
        )
    return grid


def _form_of(header: np.ndarray, used: str | None) -> str | None:
    """Return the form whose code a header's place is worth: the one that was used, if that is stated still."""
    return used if used is not None and int(header[f"{used}_code"]) > 0 else None
