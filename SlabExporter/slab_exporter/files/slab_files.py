"""From voxels that CropVolume cut, and the header that Slicer wrote, to the finished slab."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import writing
from ..core.geometry import Box
from ..core.volume import SourceVolume
from .readback import first_change, verify_file
from .stacks.frame_readback import verify_frames
from .voxel_file import VoxelFile, write_voxel_file

# Planes whose voxels SimpleITK reads from a finished file, where it can read a part: it is the header that is
# judged; that all bytes of the voxels are right is known by then.
_PLANES_OPENED = 4


@dataclass(frozen=True)
class FinishedFile:
    """What is recorded of a file that has got its final name."""

    sha256: str
    verified: bool


@dataclass(frozen=True)
class UnfinishedSlab:
    """What a slab should become.

    Attributes:
        index: its number.
        box: in IJK of the source; may reach outside.
        source: the volume that it was cut from.
        fill: value of voxels outside the source.
        final: where it goes.
        scratch: a folder on the same disk for unfinished files.
        verify: read back and compare with the source.
        reopen: let SimpleITK read voxels of the finished file, too, not only its header.
    """

    index: int
    box: Box
    source: SourceVolume
    fill: float
    final: Path
    scratch: Path
    verify: bool
    reopen: bool


def finish_slab(cut: VoxelFile, compression: str, slab: UnfinishedSlab) -> FinishedFile:
    """Write ``slab.final``, which appears complete or not at all.

    Every byte of the file is compared with the voxels, and what SimpleITK makes of it, by the extension that
    it will have, with the source: type, shape and place, and of one slab of a case some voxels.

    Args:
        cut: voxels that are known to be the source's, and the header as Slicer wrote it.
        compression: "fast" or "small".
        slab: what it should be.

    Raises:
        VerificationError: what was written is not the source's box.
        OutputError: it could not be written.
    """
    name, source, encoding = slab.final.name, slab.source, cut.encoding
    with writing(slab.final):
        # nothing gets the final name before SimpleITK has looked
        ready = slab.scratch / f"{slab.final.parent.name}-{slab.index}.ready{encoding.extension}"
        described = replace(cut, header=encoding.described(cut.header, source, slab.box))
        checksum = write_voxel_file(ready, described, compression, name, slab.verify)
        if slab.verify and source.frames is not None:
            verify_frames(ready, source.frames, source.geometry, slab.box, slab.fill, name, slab.reopen)
        elif slab.verify:
            planes = _planes_opened(slab, encoding.reads_part) if slab.reopen else range(0)
            verify_file(ready, source.voxels_kji, source.geometry, slab.box, slab.fill, name, planes)
        os.replace(ready, slab.final)
        return FinishedFile(checksum, slab.verify)


def _planes_opened(slab: UnfinishedSlab, reads_part: bool) -> range:
    """Planes of a slab that SimpleITK reads: where a part will do, those around the first change of value."""
    depth = slab.box.shape[2]
    if not reads_part:
        return range(depth)
    inside = slab.box.intersection(slab.source.geometry.box)
    change = first_change(slab.source.voxels_kji[inside.slices_kji()]) or 0
    first = max(0, inside.start[2] - slab.box.start[2] + change - 1)
    return range(first, min(first + _PLANES_OPENED, depth))
