"""Small data sets, and the command line in processes of its own, as users run it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from support.phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(__file__).parents[2] / "SlabExporter"


def make_data_set(folder: Path, cases: int = 4, shape=(12, 10, 20), labels: bool = True) -> Path:
    """LiTS-like names; slice counts differ, so do the values."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(cases):
        size = (shape[0], shape[1], shape[2] + 3 * n)
        place = affine(signs=(-1, 1, 1))
        save_nifti(folder / f"volume-{n}.nii.gz", index_phantom(size) + np.int16(n), place)
        if labels:
            save_nifti(folder / f"segmentation-{n}.nii.gz", (index_phantom(size) % 3).astype(np.uint8), place)
    return folder


def refusals(out: Path) -> dict[str, str]:
    """The sentence for each case that an export refused, by its name."""
    errors = out / "errors.csv"
    if not errors.is_file():
        return {}
    with errors.open(newline="", encoding="utf-8") as file:
        return {row["case"]: row["error"] for row in csv.DictReader(file)}
