"""MONAI: GridPatch with patches of 64 whole slices, saved by its NibabelWriter with the affine of each patch.

Like TorchIO's sampler it pads or drops a remainder; here it pads with zeros (300 slices give 5 x 64 written).
"""

from __future__ import annotations

from pathlib import Path

from monai.data import NibabelWriter
from monai.transforms import GridPatch, LoadImage
from slabs import THICKNESS, run_peer, slab_file


def export_volume(volume: Path, case_folder: Path) -> None:
    image = LoadImage(image_only=True, ensure_channel_first=True, dtype=None)(volume)
    patches = GridPatch((*image.shape[1:3], THICKNESS), pad_mode="constant")(image)
    for index, patch in enumerate(patches):
        affine = image.affine.clone()
        affine[:3, 3] += affine[:3, 2] * index * THICKNESS
        writer = NibabelWriter(output_dtype=None)
        writer.set_data_array(patch, channel_dim=0)
        writer.set_metadata({"affine": affine}, resample=False)
        writer.write(slab_file(case_folder, index))


if __name__ == "__main__":
    run_peer(export_volume)
