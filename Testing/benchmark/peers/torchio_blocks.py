"""TorchIO: GridSampler with overlap, each patch saved; GridAggregator averages them again."""

from __future__ import annotations

from pathlib import Path

import torch
import torchio
from blocks import OVERLAP, SIZE, block_file, keep_places, kept_places, run_peer


def cut(out: Path, volume: Path) -> None:
    subject = torchio.Subject(image=torchio.ScalarImage(volume))
    subject.load()
    places = []
    for index, patch in enumerate(torchio.GridSampler(subject, SIZE, OVERLAP)()):
        patch.image.save(block_file(out, index))
        places.append(tuple(patch[torchio.LOCATION][:3].tolist()))
    keep_places(out, subject.spatial_shape, places)


def stitch(out: Path, result: Path) -> None:
    shape, places = kept_places(out)
    like = torchio.Subject(image=torchio.ScalarImage(tensor=torch.zeros(1, *shape, dtype=torch.int16)))
    aggregator = torchio.GridAggregator(torchio.GridSampler(like, SIZE, OVERLAP), overlap_mode="average")
    affine = None
    for index, place in enumerate(places):
        patch = torchio.ScalarImage(block_file(out, index))
        affine = patch.affine if affine is None else affine
        location = torch.tensor([[*place, *(n + SIZE for n in place)]])
        aggregator.add_batch(patch.data[None].float(), location)
    whole = aggregator.get_output_tensor().round().to(torch.int16)
    torchio.ScalarImage(tensor=whole, affine=affine).save(result)


if __name__ == "__main__":
    run_peer(cut, stitch)
