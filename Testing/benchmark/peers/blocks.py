"""What all peers of blocks share: their size, where they begin, their files, and the command line.

    peer.py cut OUT VOLUME           write every block of the volume as OUT/block-NNNN.nii.gz
    peer.py stitch OUT RESULT        put them back into one volume, the mean where they overlap

Where each block lies is kept in OUT/places.json: the files of most peers do not say.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

SIZE, OVERLAP = 128, 16


def starts(length: int) -> list[int]:
    """Return where blocks begin along an axis; the last one is moved back so that it is full."""
    step = SIZE - OVERLAP
    last = max(0, length - SIZE)
    return [*range(0, last, step), last]


def block_file(out: Path, index: int) -> Path:
    """Return the file of one block."""
    return out / f"block-{index:04d}.nii.gz"


def keep_places(out: Path, shape: tuple[int, ...], places: list[tuple[int, ...]]) -> None:
    """Write down the volume's shape and the first voxel of each block."""
    document = {"shape": [int(n) for n in shape], "places": [[int(n) for n in place] for place in places]}
    (out / "places.json").write_text(json.dumps(document))


def kept_places(out: Path) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Return what ``keep_places`` was given."""
    document = json.loads((out / "places.json").read_text())
    return tuple(document["shape"]), [tuple(place) for place in document["places"]]


def run_peer(cut: Callable[[Path, Path], None], stitch: Callable[[Path, Path], None]) -> None:
    """Run what the command line asks for."""
    task, out, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    (cut if task == "cut" else stitch)(out, file)
