"""MONAI: GridPatch with overlap, each patch saved with its own affine; AvgMerger averages them again.

GridPatch has no last patch that is moved back: it pads with zeros, so that there may be more to write.
"""

from __future__ import annotations

from pathlib import Path

import torch
from blocks import OVERLAP, SIZE, block_file, keep_places, kept_places, run_peer
from monai.data import NibabelWriter
from monai.inferers.merger import AvgMerger
from monai.transforms import GridPatch, LoadImage


def write(array, affine, path: Path) -> None:
    writer = NibabelWriter(output_dtype=None)
    writer.set_data_array(array, channel_dim=0)
    writer.set_metadata({"affine": affine}, resample=False)
    writer.write(path)


def cut(out: Path, volume: Path) -> None:
    image = LoadImage(image_only=True, ensure_channel_first=True, dtype=None)(volume)
    patches = GridPatch((SIZE,) * 3, overlap=OVERLAP / SIZE, pad_mode="constant")(image)
    places = [tuple(int(n) for n in place) for place in patches.meta["location"].T]
    for index, (patch, place) in enumerate(zip(patches, places, strict=True)):
        affine = image.affine.clone()
        affine[:3, 3] += affine[:3, :3] @ torch.tensor(place, dtype=affine.dtype)
        write(patch, affine, block_file(out, index))
    keep_places(out, tuple(image.shape[1:]), places)


def stitch(out: Path, result: Path) -> None:
    shape, places = kept_places(out)
    padded = tuple(max(place[axis] for place in places) + SIZE for axis in range(3))
    merger = AvgMerger((1, 1, *padded), (1, 1, *shape))
    load = LoadImage(image_only=True, ensure_channel_first=True)
    affine = None
    for index, place in enumerate(places):
        patch = load(block_file(out, index))
        affine = patch.affine if affine is None else affine
        merger.aggregate(patch.as_tensor()[None], place)
    whole = merger.finalize()[0].round().to(torch.int16)
    write(whole, affine, result)


if __name__ == "__main__":
    run_peer(cut, stitch)
