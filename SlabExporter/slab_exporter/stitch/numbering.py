"""Label values that were made consecutive for nnU-Net, and what they were before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, reading
from ..core.naming import DATA_LIST
from .way_back import Stitched

_LARGEST = 1 << 16


def in_source_values(stitched: Stitched, folder: Path, fill: float) -> tuple[Stitched, tuple[str, ...]]:
    """Return predicted labels with the values that they have in the source, and a sentence about it.

    Args:
        stitched: labels.
        folder: of the predictions. nnU-Net puts its data set's dataset.json there, which says what was renumbered.
        fill: value of voxels that no prediction holds, which stays.

    Raises:
        InputError: dataset.json cannot be read, or does not know a label.
    """
    values = _source_values(folder / DATA_LIST)
    if not values or stitched.voxels_ckji.dtype.kind not in "iu":
        return stitched, ()
    voxels = renumbered_back(stitched.voxels_ckji, values, fill)
    numbers, sources = (", ".join(map(str, some)) for some in (values, values.values()))
    told = f"The predictions' labels {numbers} are {sources} again, as in the source (their {DATA_LIST} says so)."
    return replace(stitched, volume=replace(stitched.volume, voxels_kji=voxels[0]), voxels_ckji=voxels), (told,)


def renumbered_back(voxels: npt.NDArray, values: dict[int, int], fill: float) -> npt.NDArray:
    """Return whole numbers with the source's value of each, in a type that holds them.

    >>> renumbered_back(np.array([0, 1, 2], np.uint8), {1: 2, 2: 300}, 0.0).tolist()
    [0, 2, 300]

    Raises:
        InputError: there is a value that none of the source's stands for.
    """
    found = map(int, np.unique(voxels))
    unknown = next((value for value in found if value not in values and value not in (0, fill)), None)
    if unknown is not None:
        raise InputError(
            f"The predictions hold the label {unknown}, and their {DATA_LIST} knows {', '.join(map(str, values))}; "
            "were they made with another data set?"
        )
    wide = np.promote_types(voxels.dtype, np.min_scalar_type(max(values.values())))
    result = voxels.astype(wide)
    for number, value in values.items():
        result[voxels == number] = value
    return result


def _source_values(path: Path) -> dict[int, int]:
    """Return the source's value of each label; nothing where none was renumbered, or the file is of something else."""
    if not path.is_file():
        return {}
    try:
        with reading(path):
            document: Any = json.loads(path.read_text(encoding="utf-8"))
        recorded = document["slab_exporter"]["source_values"]
        values = {int(number): int(value) for number, value in recorded.items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
    sound = all(0 < number < _LARGEST and 0 < value < _LARGEST for number, value in values.items())
    return values if sound and any(number != value for number, value in values.items()) else {}
