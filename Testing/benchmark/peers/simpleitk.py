"""SimpleITK: read the volume, slice it, write each slab compressed."""

from __future__ import annotations

from pathlib import Path

import SimpleITK
from slabs import run_peer, slab_file, slab_ranges


def export_volume(volume: Path, case_folder: Path) -> None:
    image = SimpleITK.ReadImage(str(volume))
    for index, (start, stop) in enumerate(slab_ranges(image.GetDepth())):
        file = slab_file(case_folder, index)
        SimpleITK.WriteImage(image[:, :, start:stop], str(file), useCompression=True)


if __name__ == "__main__":
    run_peer(export_volume)
