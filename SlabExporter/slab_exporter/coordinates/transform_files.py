"""Linear transforms on disk: matrices as text (FLIRT's .mat among them) and ITK's transform files.

SimpleITK reads and writes ITK's formats: text (.tfm, .txt), MATLAB (.mat, as ANTs writes it) and HDF5 (.h5).
A linear transform there is ``y = M (x - c) + c + t`` in LPS mm (itk::MatrixOffsetTransformBase).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError, OutputError, reading, writing
from ..core.geometry import FloatArray
from ..core.text import Option
from ..files.atomic import scratch_beside
from ..files.disk import open_plain
from ..files.machine import native_messages_hidden

_TEXT_MARK, _HDF5_MARK = b"#Insight Transform File", b"\x89HDF"
_BEGINNING = 1024
_DIGITS = 17


def is_itk(path: Path) -> bool:
    """Return whether a transform file is ITK's: by how it begins, as .mat and .txt may be others' too.

    Raises:
        InputError: it cannot be read.
    """
    with reading(path), open_plain(path) as file:
        begins = file.read(_BEGINNING)
    return begins.lstrip().startswith(_TEXT_MARK) or begins.startswith(_HDF5_MARK) or b"\0" in begins


def read_matrix(path: Path) -> FloatArray:
    """Return the affine matrix of a text file with four rows of four numbers, as FLIRT writes them.

    Raises:
        InputError: it cannot be read, or holds no affine matrix.
    """
    try:
        with reading(path):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file, nor a transform file of ITK.") from error
    return parse_matrix(text, str(path))


def parse_matrix(text: str, name: str) -> FloatArray:
    """Return the affine matrix of sixteen numbers in four rows.

    >>> parse_matrix("1 0 0 5\\n0 1 0 6\\n0 0 1 7\\n0 0 0 1", "m.mat")[:3, 3]
    array([5., 6., 7.])

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


def read_itk(path: Path) -> FloatArray:
    """Return the linear transform of an ITK file as 4x4, LPS mm of the fixed image -> LPS mm of the moving image.

    A composite transform counts as one where all its parts are linear.

    Raises:
        InputError: the file is damaged, or holds several transforms, or one that is not linear in 3D.
    """
    transform = _transform_in(path)
    if transform.GetDimension() != 3:
        raise InputError(f"{path} holds a transform of {transform.GetDimension()} dimensions; 3 are needed.")
    if not transform.IsLinear():
        raise InputError(
            f"{path} holds a {transform.GetName()} that is not linear; only affine, rigid and other linear "
            "transforms, and composites of these, can be converted."
        )
    return require_affine(_matrix(transform), str(path))


def _transform_in(path: Path) -> Any:
    """SimpleITK's transform. Of several in a file it returns the first, and no more than warns of it."""
    import SimpleITK as sitk

    try:
        with native_messages_hidden(), _itk_warnings() as warnings:
            transform = sitk.ReadTransform(str(path))
    except KeyError as error:  # a kind that SimpleITK reads but has no Python class for
        raise InputError(f"{path} holds a kind of transform that SimpleITK does not know.") from error
    except RuntimeError as error:
        raise InputError(
            f"{path} is not a text file with a matrix, and not a transform that ITK can read (.tfm, .txt, .mat or .h5 "
            "with an affine, rigid or composite transform), or is damaged."
        ) from error
    if any("more than one transform" in text for text in warnings):
        raise InputError(f"{path} holds several transforms; only a single or a composite one can be converted.")
    return transform


@contextlib.contextmanager
def _itk_warnings() -> Iterator[list[str]]:
    """Listen to ITK's warnings, which SimpleITK does not return, also where they have been switched off."""
    import SimpleITK as sitk

    heard: list[str] = []

    class Listener(sitk.LoggerBase):  # type: ignore[misc]
        def DisplayWarningText(self, text: str) -> None:  # noqa: N802
            heard.append(text)

    listener, was_on = Listener(), sitk.ProcessObject.GetGlobalWarningDisplay()
    previous = listener.SetAsGlobalITKLogger()
    sitk.ProcessObject.SetGlobalWarningDisplay(True)
    try:
        yield heard
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(was_on)
        previous.SetAsGlobalITKLogger()


def _matrix(transform: Any) -> FloatArray:
    """A linear transform as 4x4."""
    matrix = np.eye(4)
    if hasattr(transform, "GetMatrix") and hasattr(transform, "GetTranslation"):
        centre = np.array(transform.GetCenter())
        matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
        matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - matrix[:3, :3] @ centre
    else:  # a composite, translation, scaling: where it puts the origin and the unit vectors
        matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
        ends = [transform.TransformPoint(axis) for axis in np.eye(3).tolist()]
        matrix[:3, :3] = np.transpose(ends) - matrix[:3, 3:]
    return matrix


def write_matrix(path: Path, matrix: FloatArray, overwrite: bool) -> None:
    """Write a matrix as text; it appears complete or not at all.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    _write(path, lambda temporary: temporary.write_text(matrix_text(matrix), encoding="utf-8"), overwrite)


def matrix_text(matrix: FloatArray) -> str:
    """Return four rows of four numbers that read back exactly."""
    return "".join("  ".join(f"{value:.{_DIGITS}g}" for value in row) + "\n" for row in matrix)


def write_itk(path: Path, matrix: FloatArray, overwrite: bool) -> None:
    """Write a 4x4 in LPS mm as ITK's AffineTransform, in the format that the extension names.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    import SimpleITK as sitk

    transform = sitk.AffineTransform(matrix[:3, :3].reshape(-1).tolist(), matrix[:3, 3].tolist())

    def write(temporary: Path) -> None:
        try:
            with native_messages_hidden():
                sitk.WriteTransform(transform, str(temporary))
        except RuntimeError as error:
            raise OutputError(
                f"{path} cannot be written: ITK cannot write to this folder, or the disk is full."
            ) from error

    _write(path, write, overwrite)


def _write(path: Path, write: Callable[[Path], object], overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already; choose another name, or add ", Option.on("overwrite"), " to replace it."
        )
    with scratch_beside(path) as scratch, writing(path):
        write(scratch / path.name)
        os.replace(scratch / path.name, path)


def require_affine(matrix: FloatArray, name: str) -> FloatArray:
    """Return the matrix if it is an invertible affine one.

    Raises:
        InputError: it is not; with the name of the file.
    """
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
        raise InputError(f"{name} does not hold a 4 x 4 matrix of finite numbers.")
    if not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-8):
        raise InputError(f"{name}: the last row of the matrix must be 0 0 0 1; it is {matrix[3].tolist()}.")
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise InputError(f"{name}: the matrix is singular; it maps the image onto a plane or less.")
    return matrix
