"""Names by the Brain Imaging Data Structure: sub-01_ses-2_T1w, and where the tree of a data set begins.

https://bids-specification.readthedocs.io, "Filenames" and "Imaging data types" (derivatives).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..core.naming import volume_stem
from .words import MODALITIES

LABEL_SUFFIXES = frozenset({"dseg", "mask", "msk", "seg", "probseg", "roi"})
# Entities that say how a derivative was made, not which image it belongs to.
_OF_DERIVATIVES = frozenset({"desc", "label", "seg", "res", "atlas", "hemi", "den"})
_TOPS = frozenset({"rawdata", "sourcedata", "derivatives"})
_DATA_TYPES = frozenset({"anat", "func", "dwi", "fmap", "pet", "perf", "meg", "eeg", "ct"})
_ENTITY = re.compile(r"([a-zA-Z]+)-([a-zA-Z0-9]+)")


@dataclass(frozen=True)
class BidsName:
    """A name in its pieces.

    Attributes:
        subject: with its key, "sub-01".
        entities: what images of a subject are told apart by: session, run, direction, space.
        kinds: modalities that the name gives.
        suffix: the last piece, in lower case.
    """

    subject: str
    entities: frozenset[tuple[str, str]]
    kinds: frozenset[str]
    suffix: str

    @property
    def is_label(self) -> bool:
        """Return whether it is a label map, a mask or a map of probabilities."""
        return self.suffix in LABEL_SUFFIXES


@cache
def read_bids(stem: str) -> BidsName | None:
    """The pieces of a name; None where it does not begin with a subject.

    >>> read_bids("sub-gl003_dir-ax_seg-vert_msk").entities == read_bids("sub-gl003_dir-ax_ct").entities
    True
    """
    pieces = unicodedata.normalize("NFC", stem).split("_")
    subject = _ENTITY.fullmatch(pieces[0])
    if subject is None or subject.group(1) != "sub":
        return None
    pairs = [match.groups() for piece in pieces[1:] if (match := _ENTITY.fullmatch(piece))]
    entities = frozenset((key, value) for key, value in pairs if key not in _OF_DERIVATIVES)
    last = pieces[-1].casefold() if len(pieces) > 1 and "-" not in pieces[-1] else ""
    kinds = frozenset(piece.casefold() for piece in pieces[1:]) & MODALITIES
    return BidsName(pieces[0], entities, kinds, last)


def top_of(folder: Path) -> Path:
    """The folder of the whole data set, above rawdata, derivatives and the subjects; else the folder itself."""
    parts = folder.parts
    for depth, part in enumerate(parts):
        if part in _TOPS or part.startswith("sub-"):
            return Path(*parts[:depth])
    return folder


def data_type(folder: Path) -> str:
    """The kind of data that a folder is for ("anat"); "" where its name does not say."""
    return folder.name if folder.name in _DATA_TYPES else ""


def subject_of(file: Path) -> str:
    """The subject that a file is named by; "" where it is not named by BIDS."""
    name = read_bids(volume_stem(file))
    return "" if name is None else name.subject


def may_belong(image: Path, label: Path) -> bool:
    """Return whether nothing in a label map's name says that it belongs to another image of the data set."""
    one, other = read_bids(volume_stem(image)), read_bids(volume_stem(label))
    types = {data_type(image.parent), data_type(label.parent)} - {""}
    return (
        one is not None
        and other is not None
        and one.subject == other.subject
        and one.entities == other.entities
        and other.kinds <= one.kinds
        and len(types) < 2
    )
