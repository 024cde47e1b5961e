"""TorchIO: GridSampler with patches of 64 whole slices, each patch saved.

The sampler has no thinner last patch: it moves the last one back, so that it overlaps the one
before (300 slices give 5 x 64 = 320 written). That is how TorchIO treats a remainder.
The volume is loaded before sampling, which is faster than leaving it to the sampler.
"""

from __future__ import annotations

from pathlib import Path

import torchio
from slabs import THICKNESS, run_peer, slab_file


def export_volume(volume: Path, case_folder: Path) -> None:
    subject = torchio.Subject(image=torchio.ScalarImage(volume))
    subject.load()
    width, height, slices = subject.spatial_shape
    sampler = torchio.GridSampler(subject, (width, height, min(THICKNESS, slices)), 0)
    for index, patch in enumerate(sampler()):
        patch.image.save(slab_file(case_folder, index))


if __name__ == "__main__":
    run_peer(export_volume)
