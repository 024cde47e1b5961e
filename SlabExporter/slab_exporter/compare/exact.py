"""All placements at which one volume's voxels equal another's, at full resolution.

A voxel of OTHER that is rare by its value and by the least and the largest of its six neighbours
(which no arrangement of axes changes) is looked for in REFERENCE; wherever it occurs, further
voxels of OTHER decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from ..core.index_map import IndexMap, Three
from .regression import equal_everywhere, shape_of

_SAMPLES = 20_000
# Voxels of OTHER that are compared, one after the other, before all of them are.
_PROBES = 256

_Indices = npt.NDArray[np.intp]


def equal_placements(reference: npt.NDArray, other: npt.NDArray, most: int) -> list[IndexMap]:
    """Placements of OTHER wholly inside REFERENCE with every voxel equal (NaN equals NaN): all, or ``most`` of them.

    Args:
        reference: IJK.
        other: IJK.
        most: so many are enough.
    """
    edge = 1 if min(other.shape) >= 3 else 0
    rare = _rare_voxel(other, edge)
    if rare is None:
        return []
    places = _occurrences(reference, other, rare, edge)
    probes = np.random.default_rng(1).integers(0, other.shape, (_PROBES, 3))
    found: list[IndexMap] = []
    for axes, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        for index_map in _surviving(reference, other, places, rare, probes, axes, signs):  # type: ignore[arg-type]
            if equal_everywhere(index_map.arranged(reference, shape_of(other)), other):
                found.append(index_map)
                if len(found) == most:
                    return found
    return found


def _rare_voxel(other: npt.NDArray, edge: int) -> _Indices | None:
    """Index of a voxel, at least ``edge`` from the border, that has few like it; None where no value is finite."""
    inner = np.array(other.shape) - 2 * edge
    flat = np.unique(np.random.default_rng(0).integers(0, inner.prod(), _SAMPLES))
    sample = np.stack(np.unravel_index(flat, inner), axis=1) + edge
    sample = sample[np.isfinite(_marks(other, sample, edge)).all(axis=1)]
    if not len(sample):
        return None
    marks = _marks(other, sample, edge)
    # Of those that are alike in this, the one of the rarest value has to be looked for in the fewest places.
    rarity = [_how_many_alike(values) for values in (marks[:, :1], marks)]
    return sample[int(np.lexsort(rarity)[0])]


def _how_many_alike(rows: npt.NDArray) -> npt.NDArray[np.intp]:
    """Return for each row how many are equal to it."""
    _, kind, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return count[kind.reshape(-1)]


def _marks(array: npt.NDArray, index: _Indices, edge: int) -> npt.NDArray:
    """(value, least neighbour, largest neighbour) of voxels; the value alone without ``edge``."""
    value = _at(array, index)
    if not edge:
        return value[:, np.newaxis]
    around = np.stack([_at(array, index + step) for step in np.vstack([np.eye(3, dtype=int), -np.eye(3, dtype=int)])])
    return np.stack([value, around.min(axis=0), around.max(axis=0)], axis=1)


def _at(array: npt.NDArray, index: _Indices) -> npt.NDArray:
    return array[index[:, 0], index[:, 1], index[:, 2]]


def _occurrences(reference: npt.NDArray, other: npt.NDArray, rare: _Indices, edge: int) -> _Indices:
    """Indices of REFERENCE's voxels with the marks of OTHER's rare one."""
    value = other[tuple(rare)]
    slowest = int(np.argmax(np.abs(reference.strides)))
    rest = [axis for axis in range(3) if axis != slowest]
    pieces = []
    for n, plane in enumerate(np.moveaxis(reference, slowest, 0)):
        a, b = np.nonzero(plane == value)
        index = np.empty((len(a), 3), np.intp)
        index[:, slowest], index[:, rest[0]], index[:, rest[1]] = n, a, b
        pieces.append(index)
    found = np.concatenate(pieces)
    if not edge:
        return found
    found = found[((found >= 1) & (found < np.array(reference.shape) - 1)).all(axis=1)]
    wanted = _marks(other, rare[np.newaxis], edge)
    return found[(_marks(reference, found, edge) == wanted).all(axis=1)]


def _surviving(
    reference: npt.NDArray,
    other: npt.NDArray,
    places: _Indices,
    rare: _Indices,
    probes: _Indices,
    axes: Three,
    signs: Three,
) -> Iterator[IndexMap]:
    """Placements of one arrangement with the rare voxel at one of the places, and all probes equal."""
    turn = np.zeros((3, 3), np.intp)
    turn[list(axes), range(3)] = signs
    origins = places - turn @ rare
    far = origins + turn @ (np.array(other.shape) - 1)
    inside = (np.minimum(origins, far) >= 0) & (np.maximum(origins, far) < np.array(reference.shape))
    origins = origins[inside.all(axis=1)]
    for probe in probes:
        if not len(origins):
            return
        there, here = _at(reference, origins + turn @ probe), other[tuple(probe)]
        origins = origins[(there == here) | ((there != there) & (here != here))]
    for i, j, k in origins.tolist():
        yield IndexMap(axes, signs, (i, j, k))
