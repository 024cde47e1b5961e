"""Cut blocks in every way that there is, and put them back.

    python Testing/endurance/block_matrix.py --minutes 8 --seed 1    # as many as fit, drawn at random
    python Testing/endurance/block_matrix.py                         # all

5 remainders x overlap 0, odd, even, three numbers x keep all, labelled, body x the whole volume, or the box
around labels (with a margin) or body x as it is or in one of 48 orders of axes x 48 orientations x straight and
oblique. Each way is exported, verified, and stitched, image and label map, also onto the grid that the source had;
nibabel compares them with the files that they were cut from, voxel by voxel. A finding is a way that does not give
back every voxel that a block holds, loses a labelled one, or leaves out a block that holds something.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

from slab_exporter.cases.find import Case  # noqa: E402
from slab_exporter.core.options import REMAINDERS  # noqa: E402
from slab_exporter.core.pieces.keeping import KEEPS  # noqa: E402
from slab_exporter.core.steps.codes import ORIENTATIONS  # noqa: E402
from slab_exporter.stitch.stitching import StitchRequest, stitch_case  # noqa: E402
from support.blocks import Trip, and_back, make_case, there  # noqa: E402
from support.phantoms import SIGNED_PERMUTATIONS  # noqa: E402

OVERLAPS = (0, 3, 2, (2, 1, 4))
LIMITS = ((None, None), ("labels", None), ("labels", 2.0), ("body", None))
NOTHING_LEFT = "blocks, which hold no labels: nothing would be written"
REQUESTS = [
    request
    for request in product(REMAINDERS, OVERLAPS, KEEPS, LIMITS, (None, *ORIENTATIONS))
    if (request[0], request[3]) != ("drop", ("labels", None))  # that box is smaller than a block: refused
]
PLACES = list(product(SIGNED_PERMUTATIONS, (0.0, 20.0)))


def trip_of(request: tuple, place: tuple) -> Trip:
    """One way: what is asked for, and how the volume lies."""
    remainder, overlap, keep, (crop_to, margin), orient = request
    orientation, oblique = place
    return Trip(orientation, oblique, remainder, overlap, keep, crop_to=crop_to, margin=margin, orient=orient)


def drawn_ways(seed: int) -> Iterator[Trip]:
    """Ways drawn at random without an end."""
    draw = random.Random(seed)
    while True:
        yield trip_of(draw.choice(REQUESTS), draw.choice(PLACES))


def is_right(trip: Trip, seed: int) -> bool:
    """Try one way, in this process; print what is wrong with it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        case = make_case(folder / "in", "case", trip, seed)
        try:
            there([case], folder / "out", trip)
            and_back(case, folder / "out" / "case", trip)
        except AssertionError as error:
            if NOTHING_LEFT in str(error) and holds_no_label(case, folder / "all", trip):
                return True
            print(f"{trip}: {error}")
            return False
    return True


def holds_no_label(case: Case, out: Path, trip: Trip) -> bool:
    """Whether a case is rightly refused, since none of its blocks holds a label: "drop" leaves out the ones that do."""
    there([case], out, replace(trip, keep="all"))
    back = stitch_case(out / "case" / "manifest.json", out / "back.nii", StitchRequest(label_set="organs"))
    return not np.asanyarray(nib.load(back.path).dataobj).any()


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--seed", type=int, help="draw ways at random, and do not stop by yourself")
    options = parser.parse_args()
    began, ways, findings = time.monotonic(), 0, 0
    everything = (trip_of(request, place) for request, place in product(REQUESTS, PLACES))
    for trip in everything if options.seed is None else drawn_ways(options.seed):
        ways, findings = ways + 1, findings + (not is_right(trip, seed=ways))
        if options.minutes is not None and time.monotonic() - began > 60 * options.minutes:
            break
    print(f"{ways} of {len(REQUESTS) * len(PLACES):,} ways, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
