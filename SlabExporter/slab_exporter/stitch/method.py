"""Decide how slabs are joined, their type and their blend, before the first one is put in its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.naming import PieceKind
from ..core.options import Blend
from .slab_reading import SlabKind, SlabReader


def common_kind(kinds: list[SlabKind], paths: list[Path], piece: PieceKind = "slab") -> SlabKind:
    """Return the kind of the volume that slabs of these kinds make.

    Whole numbers join floats (a program that scales values saves a slab of zeros as whole numbers),
    the widest floats there are; whole numbers of different types the narrowest type that holds them all.

    Raises:
        InputError: there is no such kind; with the first file that departs from the first one.

    Examples:
        >>> int16, float32 = SlabKind(np.dtype("int16"), 1), SlabKind(np.dtype("float32"), 1)
        >>> print(common_kind([int16, float32, int16], [Path("a"), Path("b"), Path("c")]))
        1 x float32 per voxel
    """
    first = kinds[0]
    floats = [kind.dtype for kind in kinds if kind.dtype.kind == "f"]
    joined = reduce(np.promote_types, (kind.dtype for kind in kinds))
    for path, kind in zip(paths, kinds, strict=True):
        if kind.channels != first.channels or (not floats and joined.kind not in "iub"):
            raise InputError(f"{path} holds {kind}, {paths[0].name} {first}; all {piece}s must be of one type.")
    return SlabKind(reduce(np.promote_types, floats) if floats else joined, first.channels)


def as_kind(voxels: npt.NDArray, kind: SlabKind, path: Path, piece: PieceKind = "slab") -> npt.NDArray:
    """Return a slab's voxels (channels, k, j, i) in the volume's type.

    Raises:
        InputError: the type does not hold them exactly.
    """
    exact = voxels.dtype == kind.dtype
    if (not exact and kind.dtype.kind == voxels.dtype.kind == "f") or {kind.dtype.kind, voxels.dtype.kind} <= {
        "i",
        "u",
    }:
        exact = np.promote_types(kind.dtype, voxels.dtype) == kind.dtype
    elif not exact and kind.dtype.kind == "f":
        # A float holds every whole number up to two to the power of its mantissa's bits, the hidden one included.
        largest = 2 ** (np.finfo(kind.dtype).nmant + 1)
        exact = -largest <= int(voxels.min()) and int(voxels.max()) <= largest
    if not exact:
        raise InputError(
            f"{path} holds numbers of the type {voxels.dtype.name}, which {kind.dtype.name}, the type of other "
            f"{piece}s, does not hold exactly; all {piece}s must be of one type."
        )
    return voxels.astype(kind.dtype, copy=False)


def choose_blend(
    reader: SlabReader, kind: SlabKind, asked: Blend | None, foreign: bool, waiting: Callable[[], None]
) -> Blend:
    """Return the blend that was asked for, or the one that suits the slabs.

    An export's own slabs agree where they overlap: "first". Predictions are label maps, which
    "vote", if they have one channel of whole numbers, whatever type they were saved in; "mean"
    suits all others. Floats are read up to the first slab with a fraction.

    Args:
        reader: of the slabs.
        kind: of all of them together.
        asked: what the user chose.
        foreign: whether the slabs are predictions rather than the export's own.
        waiting: called for each slab that is read; may raise ``Cancelled``.

    Raises:
        SlabExporterError: a slab cannot be used.
    """
    if asked is not None:
        return asked
    if not foreign:
        return "first"
    if kind.dtype.kind in "iu":
        return "vote"
    if kind.channels > 1:
        return "mean"
    for n in range(reader.count):
        waiting()
        if not is_whole(reader.read(n)):
            return "mean"
    return "vote"


def is_whole(voxels: npt.NDArray) -> bool:
    """Return whether all numbers are whole; NaN is not."""
    return voxels.dtype.kind in "iu" or bool(np.all(voxels == np.round(voxels)))
