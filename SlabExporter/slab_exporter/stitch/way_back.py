"""From the grid that was cut back to the source's, where a volume was made ready before it was cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..core.errors import RequestError
from ..core.geometry import FloatArray
from ..core.index_map import IndexMap
from ..core.manifest import Manifest
from ..core.text import Option
from ..core.volume import PREPARED, SourceVolume
from ..files.encodings.nifti_axes import regridded_fields, reordered_fields
from ..prepare.preparation import Preparation, recorded_preparation
from ..prepare.resampled import interpolated, nearest, require_memory_for


@dataclass(frozen=True)
class Stitched:
    """A volume as it was put together.

    Attributes:
        volume: geometry and header.
        voxels_ckji: its voxels (channels, k, j, i).
    """

    volume: SourceVolume
    voxels_ckji: npt.NDArray

    @property
    def frame_numbers(self) -> tuple[int, ...]:
        """Numbers of the frames in the source; none where it is one volume, or its channels are something else."""
        return () if self.volume.frames is None else self.volume.frames.numbers

    def on_source_grid(self, manifest: Manifest, takes_nearest: bool, outside: float) -> Stitched:
        """Return it on its source's grid, whose affine is the recorded one to the last digit.

        Args:
            manifest: of the export.
            takes_nearest: voxels keep the values they have, as labels do; else they are interpolated linearly.
            outside: value of voxels of the source that lie outside the grid that was cut.

        Raises:
            InputError: the manifest contradicts itself, or there is too little memory.
        """
        if manifest.prepared is None:
            return self
        preparation = recorded_preparation(manifest.source.geometry, manifest.prepared)
        oriented = self._resampled(preparation, takes_nearest, outside) if preparation.resamples else self
        return oriented._reordered(manifest.prepared.order, preparation)

    def _resampled(self, preparation: Preparation, takes_nearest: bool, outside: float) -> Stitched:
        grid, voxels = preparation.oriented, self.voxels_ckji
        back: FloatArray = np.asarray(np.linalg.inv(preparation.matrix), np.float64)
        beyond = outside if preparation.reaches_outside else None
        name, size = self.volume.name, voxels.itemsize * len(voxels)
        require_memory_for(name, voxels[0].size, grid.shape_ijk, size, None)
        i, j, k = grid.shape_ijk
        found = np.empty((len(voxels), k, j, i), voxels.dtype)
        for channel, values in enumerate(voxels):
            found[channel] = (
                nearest(values, back, grid.shape_ijk, beyond, ties_down=False)
                if takes_nearest
                else interpolated(values, back, grid.shape_ijk, "linear", outside=beyond)
            )
        header = self.volume.header
        if header is not None:
            header = regridded_fields(header, grid, _form_of(header), keeps_axes=not preparation.reaches_outside)
        return Stitched(replace(self.volume, geometry=grid, header=header), found)

    def _reordered(self, order: IndexMap | None, preparation: Preparation) -> Stitched:
        source, header, voxels = preparation.source, self.volume.header, self.voxels_ckji
        if order is not None:
            back = order.inverse()
            voxels = np.swapaxes(back.arranged(np.swapaxes(voxels, 1, 3), source.shape_ijk), 1, 3)
            header = None if header is None else reordered_fields(header, back, source, _form_of(header))
        done = {PREPARED: "on the source's grid"}
        volume = replace(self.volume, geometry=source, voxels_kji=voxels[0], header=header, record=done)
        return Stitched(volume, voxels)

    def labelled(self) -> Stitched:
        """Return the number of the channel with the largest value, from 0; the first one of several."""
        channels, depth = self.voxels_ckji.shape[:2]
        found = np.empty((1, *self.voxels_ckji.shape[1:]), np.min_scalar_type(channels - 1))
        for k in range(depth):
            found[0, k] = np.argmax(self.voxels_ckji[:, k], axis=0)
        return Stitched(replace(self.volume, voxels_kji=found[0]), found)


def require_classes(channels: int) -> None:
    """Refuse to look for the largest of one number.

    Raises:
        RequestError: there is one channel only.
    """
    if channels == 1:
        raise RequestError(Option.on("argmax"), " needs several numbers per voxel, one per class; the slabs have one.")


def beyond_the_cut(manifest: Manifest, outside: float) -> tuple[str, ...]:
    """Return a sentence on the part of the source that lies outside another volume's grid, which was cut; or nothing.

    Args:
        manifest: of the export.
        outside: value of the voxels there.
    """
    if manifest.prepared is None:
        return ()
    preparation = recorded_preparation(manifest.source.geometry, manifest.prepared)
    if not preparation.reaches_outside:
        return ()
    i, j, k = preparation.grid.shape_ijk
    back: FloatArray = np.asarray(np.linalg.inv(preparation.matrix), np.float64)
    held = nearest(np.ones((k, j, i), np.uint8), back, preparation.oriented.shape_ijk, 0.0)
    missing = 1 - np.count_nonzero(held) / held.size
    if not missing:
        return ()
    return (f"{max(missing, 0.001):.1%} of the source lies outside the grid that was cut; filled with {outside:g}.",)


def _form_of(header: npt.NDArray) -> str | None:
    return next((name for name in ("sform", "qform") if int(header[f"{name}_code"]) > 0), None)
