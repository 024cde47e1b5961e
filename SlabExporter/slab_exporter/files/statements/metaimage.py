"""MetaImage headers: https://itk.org/Wiki/ITK/MetaIO/Documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import InputError
from ..itk.headers import metaimage_fields
from .statement import GUESSED, Statement, unit_statement

# Names that MetaIO takes for one another.
_MATRIX = ("transformmatrix", "rotation", "orientation")
_ORIGIN = ("offset", "position", "origin")
_SIZES = ("elementspacing", "elementsize")


def metaimage_statement(path: Path) -> Statement:
    """Read what a .mha or .mhd file states.

    Raises:
        InputError: a voxel size is negative, or the matrix holds no directions.
    """
    fields = metaimage_fields(path)
    open_points = []
    matrix = _numbers(fields, _MATRIX)
    if matrix is None:
        open_points.append("no orientation")
    else:
        _refuse_other_than_directions(path, matrix)
    if _numbers(fields, _ORIGIN) is None:
        open_points.append("no origin")
    sizes = _numbers(fields, _SIZES)
    if sizes is None:
        open_points.append("no voxel size (1 mm is taken)")
    elif np.any(sizes <= 0):
        raise InputError(f"{path}: its voxel sizes ({' x '.join(f'{size:g}' for size in sizes)}) must be positive.")
    unit_mm, warnings = unit_statement(fields.get("distanceunits", "mm"), "DistanceUnits")
    if open_points:
        stated = " and ".join(open_points)
        warnings = (f"The header states {stated}: what ITK takes instead is a guess, {GUESSED}.", *warnings)
    return Statement(unit_mm, warnings)


def _numbers(fields: dict[str, str], names: tuple[str, ...]) -> np.ndarray | None:
    text = next((fields[name] for name in names if name in fields), None)
    try:
        return None if text is None else np.array([float(word) for word in text.split()])
    except ValueError:
        return None


def _refuse_other_than_directions(path: Path, matrix: np.ndarray) -> None:
    """Each axis has a direction of length 1; programs disagree about what a longer one means."""
    size = round(len(matrix) ** 0.5)
    if size * size != len(matrix):
        return
    lengths = np.linalg.norm(matrix.reshape(size, size), axis=1)
    if np.max(np.abs(lengths - 1)) > 1e-3:
        shown = ", ".join(f"{length:.4g}" for length in lengths)
        raise InputError(
            f"{path}: its TransformMatrix must hold directions of length 1; theirs are {shown}. "
            "Put the sizes into ElementSpacing."
        )
