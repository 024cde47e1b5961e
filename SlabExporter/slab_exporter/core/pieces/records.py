"""What a manifest's plan says of blocks, and of pieces that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from ..geometry import Box
from ..text import Option, Sentence, counted
from .blocks import SizesMm, Three
from .keeping import Keep, KeepOptions

Interval = tuple[int, int]
# Why pieces are left out that hold nothing, or too little, of what is to be kept.
_REASONS: dict[Keep, tuple[str, str]] = {
    "labelled": ("which hold no labels", "are labels"),
    "body": ("which hold nothing of the body", "are of the body"),
}


@dataclass(frozen=True)
class BlockRecord:
    """Blocks as they were cut.

    Attributes:
        shape: voxels of a full block along i, j, k, resolved.
        mm: what was asked for in mm, None along an axis that is not cut; None altogether where voxels were.
        overlap: voxels that neighbours share along i, j, k.
        uncovered: along i, j, k the half-open index range that no block holds, or None.
    """

    shape: Three
    overlap: Three
    mm: SizesMm | None = None
    uncovered: tuple[Interval | None, Interval | None, Interval | None] = (None, None, None)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {
            "shape_ijk": list(self.shape),
            "mm_ijk": None if self.mm is None else list(self.mm),
            "overlap_ijk": list(self.overlap),
            "uncovered_ijk": [None if ends is None else list(ends) for ends in self.uncovered],
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> BlockRecord:
        """Read an entry of a manifest."""
        mm = entry.get("mm_ijk")
        i, j, k = (None if ends is None else (int(ends[0]), int(ends[1])) for ends in entry["uncovered_ijk"])
        return cls(three(entry["shape_ijk"]), three(entry["overlap_ijk"]), mm and _mm(mm), (i, j, k))


@dataclass(frozen=True)
class LeftOut:
    """A piece that is not written.

    Attributes:
        index: its number, which no other piece gets.
        box: in IJK of the volume; may reach outside where padded.
        voxels: how many of what is to be kept it holds.
    """

    index: int
    box: Box
    voxels: int


@dataclass(frozen=True)
class LeftOutRecord:
    """The pieces that were left out, and why, as the manifest's plan has them.

    Attributes:
        options: what was to be kept.
        pieces: the others.
    """

    options: KeepOptions
    pieces: tuple[LeftOut, ...]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {
            "keep": self.options.keep,
            "min_fraction": self.options.min_fraction,
            "pieces": [
                {
                    "index": piece.index,
                    "ijk_start": list(piece.box.start),
                    "ijk_stop": list(piece.box.stop),
                    "voxels": piece.voxels,
                }
                for piece in self.pieces
            ],
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> LeftOutRecord:
        """Read an entry of a manifest."""
        pieces = tuple(
            LeftOut(int(one["index"]), Box(three(one["ijk_start"]), three(one["ijk_stop"])), int(one["voxels"]))
            for one in entry["pieces"]
        )
        try:
            return cls(KeepOptions(entry["keep"], entry.get("min_fraction")), pieces)
        except RequestError as error:
            raise ValueError(str(error)) from error

    @property
    def reason(self) -> str:
        """Why pieces were left out, as the end of a sentence about several."""
        nothing, part = _REASONS[self.options.keep]
        few = self.options.min_fraction
        return nothing if few is None else f"of whose voxels less than a fraction of {few:g} {part}"

    def note(self, total: int, noun: str) -> Sentence:
        """Return a sentence on how many pieces were left out of so many, and why."""
        left = f" leaves out {len(self.pieces)} of {counted(total, noun)}, {self.reason}."
        return Sentence(Option.to("keep", self.options.keep), left)


def three(values: Sequence[Any]) -> Three:
    """Three whole numbers of a JSON array."""
    i, j, k = (int(v) for v in values)
    return i, j, k


def _mm(values: Sequence[Any]) -> SizesMm:
    i, j, k = (None if v is None else float(v) for v in values)
    return i, j, k
