"""Segments that may overlap, as label maps in which a voxel has one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..options.labels import Overlapping

Rgb = tuple[int, int, int]
Shape = tuple[int, int, int]

_MOST_NAMED = 3
_LARGEST_VALUE = 65535


@dataclass(frozen=True)
class Member:
    """One segment.

    Attributes:
        name: for people.
        value: in the label maps that are made.
        rgb: 0 to 255; None where its file states no colour.
    """

    name: str
    value: int
    rgb: Rgb | None = None


@dataclass(frozen=True)
class Layer:
    """A label map and the segments in it.

    Attributes:
        voxels_kji: 0 where there is no segment.
        members: in the order of the list.
    """

    voxels_kji: npt.NDArray
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Layers:
    """Label maps made of all segments of a file.

    Attributes:
        layers: one where no segments overlap, or the last of those that do wins.
        shared: for pairs (earlier, later) of segments how many voxels they share.
    """

    layers: tuple[Layer, ...]
    shared: dict[tuple[str, str], int]

    def warnings(self, name: str, overlapping: Overlapping) -> tuple[str, ...]:
        """Return what a user should know: which segments overlap, and what became of it."""
        if not self.shared:
            return ()
        pairs = sorted(self.shared.items(), key=lambda item: -item[1])
        told = [f"'{a}' and '{b}' share {count} voxels" for (a, b), count in pairs[:_MOST_NAMED]]
        more = f", and {len(pairs) - _MOST_NAMED} other pairs do" if len(pairs) > _MOST_NAMED else ""
        if overlapping == "last":
            became = "each voxel goes to the segment that is later in the list"
        else:
            became = f"they are written as {len(self.layers)} label sets, in which no segments overlap"
        return (f"Segments of {name} overlap ({'; '.join(told)}{more}): {became}.",)


def member_values(own: Sequence[int | None]) -> list[int]:
    """Return a value for each segment: their own where they are all different, otherwise 1, 2, 3, ...

    >>> member_values([5, 2]), member_values([1, 1]), member_values([None, None, None])
    ([5, 2], [1, 2], [1, 2, 3])
    """
    stated = [value for value in own if value is not None and 0 < value <= _LARGEST_VALUE]
    distinct = len(stated) == len(own) and len(set(stated)) == len(own)
    return stated if distinct else list(range(1, len(own) + 1))


def layered(
    shape_kji: Shape, members: Sequence[Member], masks: Iterable[npt.NDArray[np.bool_]], overlapping: Overlapping
) -> Layers:
    """Return segments as label maps, each in the first one where it overlaps no other.

    Args:
        shape_kji: of every mask.
        members: of the masks, one each.
        masks: where each segment is; read one by one, so that they need not all be in memory.
        overlapping: "last" puts all into one label map, and a later segment over an earlier one.

    >>> masks = [np.array([[[1, 1, 0]]], bool), np.array([[[0, 1, 1]]], bool)]
    >>> found = layered((1, 1, 3), [Member("liver", 1), Member("tumour", 2)], masks, "layers")
    >>> [layer.voxels_kji.tolist() for layer in found.layers], found.shared
    ([[[[1, 1, 0]]], [[[0, 2, 2]]]], {('liver', 'tumour'): 1})
    >>> layered((1, 1, 3), [Member("liver", 1), Member("tumour", 2)], masks, "last").layers[0].voxels_kji.tolist()
    [[[1, 2, 2]]]
    """
    dtype = np.uint8 if max((member.value for member in members), default=0) <= 255 else np.uint16
    layers: list[npt.NDArray] = [np.zeros(shape_kji, dtype)]
    of_layer: list[list[Member]] = [[]]
    by_value = {member.value: member.name for member in members}
    shared: dict[tuple[str, str], int] = {}
    for member, mask in zip(members, masks, strict=True):
        free = [_count_shared(layer, mask, member, by_value, shared) for layer in layers]
        number = 0 if overlapping == "last" else next((n for n, is_free in enumerate(free) if is_free), len(layers))
        if number == len(layers):
            layers.append(np.zeros(shape_kji, dtype))
            of_layer.append([])
        layers[number][mask] = member.value
        of_layer[number].append(member)
    return Layers(tuple(Layer(voxels, tuple(inside)) for voxels, inside in zip(layers, of_layer, strict=True)), shared)


def _count_shared(
    layer: npt.NDArray,
    mask: npt.NDArray[np.bool_],
    member: Member,
    by_value: dict[int, str],
    shared: dict[tuple[str, str], int],
) -> bool:
    """Return whether a layer has room for a segment; note how many voxels it shares with each segment there."""
    values, counts = np.unique(layer[mask], return_counts=True)
    taken = [(int(value), int(count)) for value, count in zip(values, counts, strict=True) if value]
    for value, count in taken:
        shared[by_value[value], member.name] = count
    return not taken
