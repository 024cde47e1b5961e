"""The floor: igzip decodes the source once and encodes the slabs once, in one thread.

Nothing is verified, no imaging library is started; only the header's slice count and origin
are changed. No exporter that writes .nii.gz on one core can be faster than this.
"""

from __future__ import annotations

from pathlib import Path

from isal import igzip
from nifti_header import HEADER_BYTES, INT16_BYTES, read_shape, slab_header
from slabs import run_peer, slab_file, slab_ranges

COMPRESSION_LEVEL = 1


def export_volume(volume: Path, case_folder: Path) -> None:
    content = memoryview(igzip.decompress(volume.read_bytes()))
    header = bytes(content[:HEADER_BYTES])
    width, height, slices = read_shape(header)
    slice_bytes = width * height * INT16_BYTES
    for index, (start, stop) in enumerate(slab_ranges(slices)):
        voxels = content[HEADER_BYTES + start * slice_bytes : HEADER_BYTES + stop * slice_bytes]
        slab = b"".join((slab_header(header, start, stop), voxels))
        slab_file(case_folder, index).write_bytes(igzip.compress(slab, COMPRESSION_LEVEL))


if __name__ == "__main__":
    run_peer(export_volume)
