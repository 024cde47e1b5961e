"""nibabel and numpy, as a loop by hand: voxels decoded once, `.slicer` for each block, the mean for the way back."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel
import numpy as np
from blocks import SIZE, block_file, keep_places, kept_places, run_peer, starts


def cut(out: Path, volume: Path) -> None:
    source = nibabel.load(volume)
    image = nibabel.Nifti1Image(np.asanyarray(source.dataobj), source.affine, source.header)
    places = list(product(*map(starts, image.shape)))
    for index, (i, j, k) in enumerate(places):
        nibabel.save(image.slicer[i : i + SIZE, j : j + SIZE, k : k + SIZE], block_file(out, index))
    keep_places(out, image.shape, places)


def stitch(out: Path, result: Path) -> None:
    shape, places = kept_places(out)
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    for index, (i, j, k) in enumerate(places):
        block = nibabel.load(block_file(out, index))
        box = np.s_[i : i + SIZE, j : j + SIZE, k : k + SIZE]
        total[box] += np.asanyarray(block.dataobj)
        count[box] += 1
    total /= count
    first = nibabel.load(block_file(out, 0))
    nibabel.save(nibabel.Nifti1Image(np.rint(total).astype(np.int16), first.affine), result)


if __name__ == "__main__":
    run_peer(cut, stitch)
