"""Directions of diffusion (.bval and .bvec) beside a 4D file, by FSL's convention.

A .bvec states directions along the image's own axes, not the patient's: v = (x, y, z) along i, j, k, with x
reversed where the affine's determinant is positive (FSL wiki, FDT: "bvecs use the image axes in
radiological storage order"; the same in dcm2niix and MRtrix). When index axes are put in another order,
directions must follow.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..geometry import FloatArray, VolumeGeometry

_ROUNDING = 1e-6


def read_table(text: str, name: str, rows: int, count: int) -> FloatArray:
    """Return the numbers of a .bval (1 row) or .bvec (3 rows) file, whichever way round it is written.

    Args:
        text: content of the file.
        name: of the file, for the sentence.
        rows: that there should be.
        count: frames of the image.

    Raises:
        InputError: it is not a table of numbers, or has another size.
    """
    try:
        lines = [[float(word) for word in line.replace(",", " ").split()] for line in text.splitlines() if line.strip()]
        table = np.array(lines, dtype=float)
    except ValueError as error:
        raise InputError(f"{name} is not a table of numbers, as it should be beside the image.") from error
    if table.ndim == 2 and table.shape == (count, rows) and table.shape != (rows, count):
        table = table.T
    if table.shape != (rows, count):
        shape = " x ".join(map(str, table.shape))
        raise InputError(f"{name} holds {shape} numbers; an image of {count} frames needs {rows} x {count}.")
    return table


def table_text(table: FloatArray) -> str:
    """Return numbers as the file's text, so that they read back exactly.

    >>> table_text(np.array([[0, 1000.0]]))
    '0 1000\\n'
    """
    return "".join(" ".join(_number(value) for value in row) + "\n" for row in table)


def _number(value: float) -> str:
    value = float(value) + 0.0  # no -0
    return str(int(value)) if value.is_integer() else repr(value)


def turned(directions: FloatArray, source: VolumeGeometry, target: VolumeGeometry) -> FloatArray:
    """Return directions (3 x frames) along the axes of one volume as directions along those of another.

    >>> las, ras = (VolumeGeometry((2, 2, 2), np.diag([x, 1, 1, 1])) for x in (-1, 1))
    >>> turned(np.array([[1.0], [2.0], [3.0]]), las, ras).T.tolist()
    [[1.0, 2.0, 3.0]]
    >>> als = VolumeGeometry((2, 2, 2), np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    >>> turned(np.array([[1.0], [2.0], [3.0]]), las, als).T.tolist()
    [[-2.0, 1.0, 3.0]]
    """
    between = _axes(target).T @ _axes(source)
    whole = np.rint(between)
    if np.max(np.abs(between - whole)) < _ROUNDING:
        between = whole  # axes permuted and reversed: the numbers stay as they are
    return np.asarray(_flip(target) @ between @ _flip(source) @ directions + 0.0)


def _axes(geometry: VolumeGeometry) -> FloatArray:
    """Unit vectors along i, j, k in RAS, as columns."""
    matrix = geometry.affine_ras[:3, :3]
    return np.asarray(matrix / np.linalg.norm(matrix, axis=0))


def _flip(geometry: VolumeGeometry) -> FloatArray:
    return np.diag([-1.0 if np.linalg.det(geometry.affine_ras[:3, :3]) > 0 else 1.0, 1.0, 1.0])
