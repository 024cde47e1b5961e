"""nibabel at its best: decode the voxels once, then `image.slicer[:, :, start:stop]` and save."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from slabs import run_peer, slab_file, slab_ranges


def export_volume(volume: Path, case_folder: Path) -> None:
    source = nibabel.load(volume)
    image = nibabel.Nifti1Image(np.asanyarray(source.dataobj), source.affine, source.header)
    for index, (start, stop) in enumerate(slab_ranges(image.shape[2])):
        nibabel.save(image.slicer[:, :, start:stop], slab_file(case_folder, index))


if __name__ == "__main__":
    run_peer(export_volume)
