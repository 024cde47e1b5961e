"""The floor of stitch: igzip decodes the slabs once and encodes the volume once, in one thread.

For slabs along the slowest axis, whose voxels simply follow one another. Nothing is verified.
"""

from __future__ import annotations

import sys
from pathlib import Path

from isal import igzip
from nifti_header import HEADER_BYTES

COMPRESSION_LEVEL = 1


def stitch(out: Path, slabs: list[Path]) -> None:
    contents = [memoryview(igzip.decompress(slab.read_bytes())) for slab in slabs]
    volume = b"".join([contents[0][:HEADER_BYTES], *(content[HEADER_BYTES:] for content in contents)])
    out.write_bytes(igzip.compress(volume, COMPRESSION_LEVEL))


if __name__ == "__main__":
    stitch(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
