"""Linear transforms on disk: matrices as text (FLIRT's .mat among them) and ITK's transform files.

ITK's text format: ``Insight Transform File V1.0`` (itk::TxtTransformIO). A linear transform there is
``y = M (x - c) + c + t`` with M in row order and t in ``Parameters`` and c in ``FixedParameters``,
in LPS mm (itk::MatrixOffsetTransformBase).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..core.errors import InputError, OutputError, writing
from ..core.geometry import FloatArray
from ..core.text import Option

_MAGIC = "#Insight Transform File"
_LINEAR = ("AffineTransform", "MatrixOffsetTransformBase")
_DIGITS = 17


def read_text(path: Path) -> str:
    """A transform file as text.

    Raises:
        InputError: missing, or binary.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not a text file (ANTs and ITK also write binary .mat files). "
            "Convert it first: antsApplyTransforms or SimpleITK.WriteTransform to .tfm."
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def is_itk(text: str) -> bool:
    """Whether a transform file is ITK's."""
    return text.lstrip().startswith(_MAGIC)


def parse_matrix(text: str, name: str) -> FloatArray:
    """Sixteen numbers in four rows, as FLIRT writes them.

    Raises:
        InputError: they are no affine matrix.
    """
    try:
        rows = [[float(word) for word in line.replace(",", " ").split()] for line in text.splitlines() if line.strip()]
        matrix = np.array(rows)
    except ValueError as error:
        raise InputError(f"{name} is not a matrix file: it should hold four rows of four numbers.") from error
    if matrix.shape != (4, 4):
        raise InputError(f"{name} is not a matrix file: it should hold four rows of four numbers.")
    return require_affine(matrix, name)


def parse_itk(text: str, name: str) -> FloatArray:
    """The 4x4 matrix of an ITK text transform that holds one linear transform, in LPS mm.

    Raises:
        InputError: it holds another kind, several, or the wrong number of parameters.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, rest = line.partition(":")
        if colon and not line.startswith("#"):
            if key in values:
                raise InputError(f"{name} holds several transforms; only a single linear one can be converted.")
            values[key] = rest.strip()
    kind = values.get("Transform", "nothing")
    if not kind.startswith(_LINEAR):
        raise InputError(f"{name} holds {kind}; only an AffineTransform can be converted.")
    try:
        parameters = [float(word) for word in values["Parameters"].split()]
        centre = np.array([float(word) for word in values.get("FixedParameters", "0 0 0").split()])
    except (KeyError, ValueError) as error:
        raise InputError(f"{name} is damaged: its parameters are missing or no numbers.") from error
    if len(parameters) != 12 or centre.shape != (3,):
        raise InputError(f"{name} is damaged: a linear transform in 3D has 12 parameters and a centre of 3.")
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(parameters[:9], (3, 3))
    matrix[:3, 3] = np.array(parameters[9:]) + centre - matrix[:3, :3] @ centre
    return require_affine(matrix, name)


def matrix_text(matrix: FloatArray) -> str:
    """Four rows of four numbers that read back exactly."""
    return "".join("  ".join(f"{value:.{_DIGITS}g}" for value in row) + "\n" for row in matrix)


def itk_text(matrix: FloatArray) -> str:
    """An ITK text transform of a 4x4 matrix in LPS mm."""
    parameters = [*matrix[:3, :3].reshape(-1), *matrix[:3, 3]]
    return (
        f"{_MAGIC} V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {' '.join(f'{value:.{_DIGITS}g}' for value in parameters)}\nFixedParameters: 0 0 0\n"
    )


def write_text(path: Path, text: str, overwrite: bool) -> None:
    """Write a small file; it appears complete or not at all.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already; choose another name, or add ", Option.on("overwrite"), " to replace it."
        )
    temporary = path.with_name(f".partial-{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def require_affine(matrix: FloatArray, name: str) -> FloatArray:
    """Refuse what is no invertible affine matrix.

    Raises:
        InputError: with the name of the file.
    """
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
        raise InputError(f"{name} does not hold a 4 x 4 matrix of finite numbers.")
    if not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-8):
        raise InputError(f"{name}: the last row of the matrix must be 0 0 0 1; it is {matrix[3].tolist()}.")
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise InputError(f"{name}: the matrix is singular; it maps the image onto a plane or less.")
    return matrix
