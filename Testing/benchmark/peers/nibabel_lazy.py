"""nibabel, as its manual shows: `image.slicer[:, :, start:stop]` on the file, and save.

The voxels are not in memory: for each slab nibabel decodes the file again from its beginning.
"""

from __future__ import annotations

from pathlib import Path

import nibabel
from slabs import run_peer, slab_file, slab_ranges


def export_volume(volume: Path, case_folder: Path) -> None:
    image = nibabel.load(volume)
    for index, (start, stop) in enumerate(slab_ranges(image.shape[2])):
        nibabel.save(image.slicer[:, :, start:stop], slab_file(case_folder, index))


if __name__ == "__main__":
    run_peer(export_volume)
