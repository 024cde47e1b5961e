"""Cut blocks in every way that there is, and put them back.

    python Testing/endurance/block_matrix.py                     # all
    python Testing/endurance/block_matrix.py --every 97          # every 97th

5 remainders x overlap 0, odd, even, three numbers x keep all, labelled, body x 48 orientations x
straight and oblique: 5,760 ways. Each is exported, verified, and stitched, image and label map; nibabel
compares them with the files that they were cut from, voxel by voxel. A finding is a way that does not give
back every voxel that a block holds, loses a labelled one, or leaves out a block that holds something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

from slab_exporter.core.options import REMAINDERS  # noqa: E402
from slab_exporter.core.pieces.keeping import KEEPS  # noqa: E402
from support.blocks import Trip, and_back, make_case, there  # noqa: E402
from support.phantoms import SIGNED_PERMUTATIONS  # noqa: E402

OVERLAPS = (0, 3, 2, (2, 1, 4))
WAYS = [
    Trip(orientation, oblique, remainder, overlap, keep)
    for remainder, overlap, keep, oblique, orientation in product(
        REMAINDERS, OVERLAPS, KEEPS, (0.0, 20.0), SIGNED_PERMUTATIONS
    )
]


def alike(trip: Trip) -> tuple:
    """What one export does for several cases: all but where they lie."""
    return trip.remainder, trip.overlap, trip.keep


def run(ways: list[Trip]) -> int:
    """Try the ways, those of one request together; returns how many findings there were."""
    findings = 0
    for request in dict.fromkeys(map(alike, ways)):
        trips = [trip for trip in ways if alike(trip) == request]
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            cases = [make_case(folder / "in", f"case{n}", trip, seed=n) for n, trip in enumerate(trips)]
            try:
                there(cases, folder / "out", trips[0])
            except AssertionError as error:
                findings += len(trips)
                print(f"{request}: {error}")
                continue
            for case, trip in zip(cases, trips, strict=True):
                try:
                    and_back(case, folder / "out" / case.name, trip)
                except AssertionError as error:
                    findings += 1
                    print(f"{trip}: {error}")
    return findings


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth way")
    ways = WAYS[:: parser.parse_args().every]
    findings = run(ways)
    print(f"{len(ways)} of {len(WAYS)} ways, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
