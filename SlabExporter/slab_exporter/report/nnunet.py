"""What nnU-Net v2 reads of a data set: names of its files, dataset.json and splits_final.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..core.errors import RequestError
from ..core.manifest import Manifest
from ..core.naming import volume_extension, volume_stem
from .dataset import PARTS, ListedManifest, looks_like_ct, main_label_set, split_groups_evenly

MADE_BY = "cut by SlabExporter"
TRAINING, VALIDATION, _TEST = PARTS
# As many parts of a cross validation as nnU-Net makes itself.
_FOLDS = 5


@dataclass(frozen=True)
class Piece:
    """One slab or block as nnU-Net knows it.

    Attributes:
        name: of its files, without channel and extension; no other piece of the data set has it.
        case: its case, and the folder of that.
        group: cases of one group stay together.
        part: "training", "validation", "test" or "unlabelled".
        images: files of its channels, from the output folder.
        label: its label map likewise; None for none.
    """

    name: str
    case: str
    group: str
    part: str
    images: tuple[str, ...]
    label: str | None

    @property
    def is_trained_on(self) -> bool:
        """Whether it goes to imagesTr: training and validation, of which splits_final.json says which is which."""
        return self.part in (TRAINING, VALIDATION) and self.label is not None


@dataclass(frozen=True)
class NnunetDataSet:
    """A data set in nnU-Net's layout, without its files.

    Attributes:
        pieces: all of them.
        channels: names, in order.
        values: consecutive value of each value in the label maps; background is 0 in both.
        names: of the values in the label maps.
        extension: of all files.
        label_set: the one set of label maps that nnU-Net takes.
        left: other sets, which it does not.
    """

    pieces: tuple[Piece, ...]
    channels: tuple[str, ...]
    values: Mapping[int, int]
    names: Mapping[int, str]
    extension: str
    label_set: str
    left: tuple[str, ...] = field(default=())

    def files(self) -> dict[str, tuple[str, bool]]:
        """Return for each file of the data set the one that it is made from, and whether that is a label map.

        Both are paths with "/", the one from the data set's folder, the other from the output folder.
        """
        found: dict[str, tuple[str, bool]] = {}
        for piece in self.pieces:
            folder = "Tr" if piece.is_trained_on else "Ts"
            for channel, image in enumerate(piece.images):
                found[f"images{folder}/{piece.name}_{channel:04d}{self.extension}"] = (image, False)
            if piece.label is not None:
                found[f"labels{folder}/{piece.name}{self.extension}"] = (piece.label, True)
        return found

    def folds(self, seed: int) -> list[dict[str, list[str]]]:
        """Return training and validation pieces of each fold; the pieces of a group are in one of them.

        One fold where the export was split, otherwise a cross validation; none for a single group.
        """
        trained = [piece for piece in self.pieces if piece.is_trained_on]
        if any(piece.part == VALIDATION for piece in trained):
            held_out = [{piece.group for piece in trained if piece.part == VALIDATION}]
        else:
            held_out = split_groups_evenly([piece.group for piece in trained], _FOLDS, seed)
        return [
            {
                "train": [piece.name for piece in trained if piece.group not in groups],
                "val": [piece.name for piece in trained if piece.group in groups],
            }
            for groups in held_out
        ]

    def document(self, name: str) -> dict[str, Any]:
        """Return dataset.json; what nnU-Net does not read stands in an entry of its own."""
        labels = {self.names[value]: number for value, number in sorted(self.values.items())}
        return {
            "name": name,
            "description": MADE_BY,
            "channel_names": {str(n): channel for n, channel in enumerate(self.channels)},
            "labels": {"background": 0} | labels,
            "numTraining": sum(piece.is_trained_on for piece in self.pieces),
            "file_ending": self.extension,
            "slab_exporter": {
                "label_set": self.label_set,
                "source_values": {str(number): value for value, number in sorted(self.values.items())},
                "files": {made: source for made, (source, _) in sorted(self.files().items())},
            },
        }


def nnunet_data_set(cases: Sequence[ListedManifest]) -> NnunetDataSet:
    """Return the data set that complete cases make.

    Raises:
        RequestError: nnU-Net could not use it: no label maps, none to train on, other values than whole numbers.
    """
    label_set = main_label_set(name for case in cases for slab in case.manifest.slabs for name in slab.labels)
    if label_set is None:
        raise RequestError("nnU-Net needs label maps, and no case has one.")
    pieces = tuple(piece for case in cases for piece in _pieces(case, label_set))
    if not any(piece.is_trained_on for piece in pieces):
        raise RequestError("nnU-Net needs cases to train on, and all are for testing.")
    extensions = {str(volume_extension(PurePosixPath(path))) for piece in pieces for path in piece.images}  # type: ignore[arg-type]
    if len(extensions) > 1:
        raise RequestError(f"nnU-Net needs files of one format, and there are {', '.join(sorted(extensions))}.")
    sets = {name for case in cases for slab in case.manifest.slabs for name in slab.labels}
    values = _values(cases, label_set)
    return NnunetDataSet(
        pieces=pieces,
        channels=_channels(cases),
        values={value: number for number, value in enumerate(values, start=1)},
        names=_names(cases, label_set, values),
        extension=extensions.pop(),
        label_set=label_set,
        left=tuple(sorted(sets - {label_set})),
    )


def is_renumbering(values: Mapping[int, int]) -> bool:
    """Return whether label maps hold other values than nnU-Net wants.

    >>> is_renumbering({1: 1, 2: 2}), is_renumbering({2: 1, 7: 2})
    (False, True)
    """
    return any(value != number for value, number in values.items())


def to_text(document: Any) -> str:
    """Return a document as nnU-Net writes its own."""
    return json.dumps(document, indent=4) + "\n"


def _pieces(case: ListedManifest, label_set: str) -> list[Piece]:
    manifest: Manifest = case.manifest
    return [
        Piece(
            name=volume_stem(PurePosixPath(slab.image)),  # type: ignore[arg-type]
            case=manifest.case,
            group=case.group,
            part=case.part,
            images=tuple(f"{manifest.case}/{path}" for path in slab.images),
            label=f"{manifest.case}/{slab.labels[label_set]}" if label_set in slab.labels else None,
        )
        for slab in manifest.slabs
    ]


def _channels(cases: Sequence[ListedManifest]) -> tuple[str, ...]:
    """Return the names of the channels, which all cases must have; of a single one what its values look like."""
    names = {case.manifest.channel_names for case in cases}
    if len(names) > 1:
        told = " and ".join(sorted(", ".join(one) or "one image" for one in names))
        raise RequestError(f"nnU-Net needs the same channels in every case, and there are cases with {told}.")
    return names.pop() or ("CT" if looks_like_ct(cases) else "image",)


def _values(cases: Sequence[ListedManifest], label_set: str) -> list[int]:
    """Return the values but 0 in the label maps of all cases, in order."""
    values: set[int] = set()
    for case in cases:
        for slab in case.manifest.slabs:
            if label_set not in slab.labels:
                continue
            counts = slab.statistics.get("labels", {}).get(label_set)
            if counts is None:
                raise RequestError(
                    f"nnU-Net needs label maps of whole numbers from 0 on; {case.manifest.case} has others in "
                    f"'{label_set}'."
                )
            values |= set(map(int, counts))
    return sorted(values)


def _names(cases: Sequence[ListedManifest], label_set: str, values: Sequence[int]) -> dict[int, str]:
    """Return a name of its own for each value: the segment's where it is known, the same in all cases and not taken."""
    found: dict[int, set[str]] = {value: set() for value in values}
    for case in cases:
        record = case.manifest.label_sources.get(label_set)
        for value, name in () if record is None else record.segments:
            if value in found:
                found[value].add(name)
    names = {value: next(iter(known)) if len(known) == 1 else f"label_{value}" for value, known in found.items()}
    taken = [*names.values(), "background", "ignore"]
    return {value: name if taken.count(name) == 1 else f"label_{value}" for value, name in names.items()}
