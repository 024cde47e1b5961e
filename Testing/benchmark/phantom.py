"""Writes one CT-like volume as .nii.gz: `python phantom.py OUT.nii.gz --slices 300 --seed 0`.

A trunk with lungs, liver and spine on a table, inside a round field of view; outside of it the
scanner's padding value. What decides the speed of every peer is how well the file compresses,
so the noise is that of a soft-tissue kernel as measured on real CT: correlated between
neighbouring pixels, weaker in air.
The same seed gives the same voxels. Values are Hounsfield units, the order is LAS.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from isal import igzip_threaded
from peers.nifti_header import make_las_header

MATRIX = 512
SPACING_MM = (0.7, 0.7, 1.0)
PADDING_HU, AIR_HU, FAT_HU, MUSCLE_HU = -1024, -1000, -100, 50
NOISE_BODY_HU, NOISE_AIR_HU = 20.0, 8.0


def ellipse(x, y, centre, radii):
    """Return the mask of an ellipse in the slice; lengths are half matrices."""
    return ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 < 1


def anatomy(level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return one slice without noise and its body mask; level is 0 at the hips, 1 at the neck."""
    y, x = np.mgrid[-1 : 1 : MATRIX * 1j, -1 : 1 : MATRIX * 1j].astype(np.float32)
    width = 0.80 - 0.10 * level
    body = ellipse(x, y, (0, 0), (width, 0.58))
    slice_hu = np.full((MATRIX, MATRIX), AIR_HU, np.float32)
    slice_hu[body] = FAT_HU
    slice_hu[ellipse(x, y, (0, 0), (width - 0.07, 0.51))] = MUSCLE_HU
    if level > 0.6:
        lung = 0.30 * np.sqrt((level - 0.6) / 0.4)
        for side in (-0.36, 0.36):
            slice_hu[ellipse(x, y, (side, 0.05), (lung, 1.3 * lung))] = -850
    if 0.3 < level < 0.7:
        slice_hu[ellipse(x, y, (-0.33, 0.05), (0.28, 0.34))] = 105
    slice_hu[ellipse(x, y, (0, -0.33), (0.09, 0.09))] = 400
    slice_hu[(abs(x) < 0.6) & (abs(y + 0.66) < 0.02)] = -300
    return slice_hu, body


def correlated_noise(rng: np.random.Generator) -> np.ndarray:
    """Return noise of unit variance; neighbours correlate by 2/3, the next but one by 1/6."""
    white = rng.standard_normal((MATRIX + 2, MATRIX + 2), np.float32)
    rows = white[:-2] + 2 * white[1:-1] + white[2:]
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / np.float32(6)


def slice_values(level: float, rng: np.random.Generator) -> np.ndarray:
    """Return one slice as int16 with noise, padded outside the field of view."""
    slice_hu, body = anatomy(level)
    slice_hu += correlated_noise(rng) * np.where(body, NOISE_BODY_HU, NOISE_AIR_HU)
    values = np.clip(np.rint(slice_hu), PADDING_HU, 3071).astype(np.int16)
    y, x = np.mgrid[-1 : 1 : MATRIX * 1j, -1 : 1 : MATRIX * 1j]
    values[~ellipse(x, y, (0, 0), (1, 1))] = PADDING_HU
    return values


def write_volume(path: Path, slices: int, seed: int) -> None:
    """Write the volume slice by slice, so that memory stays at one slice."""
    rng = np.random.default_rng(seed)
    origin = (180.0 + seed, -180.0, -100.0 - 10 * seed)
    with igzip_threaded.open(path, "wb", compresslevel=1, threads=1) as stream:
        stream.write(make_las_header((MATRIX, MATRIX, slices), SPACING_MM, origin))
        for k in range(slices):
            stream.write(slice_values(k / slices, rng).tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_volume(arguments.output, arguments.slices, arguments.seed)


if __name__ == "__main__":
    main()
