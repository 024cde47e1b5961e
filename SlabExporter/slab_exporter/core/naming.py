"""Names: of cases (from files), of slabs (from cases); safe on every file system."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

VOLUME_EXTENSIONS = (
    ".nii.gz",
    ".nii",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".mgz",
    ".mgh",
    ".hdr",
    ".img.gz",
    ".img",
)
# A header file names its data file beside it; the data file alone is not a volume of its own.
DATA_ONLY_EXTENSIONS = (".img", ".img.gz")

# What is cut: along one axis, or along three, or one piece that is not cut further; digits of the numbers in names.
PieceKind = Literal["slab", "block", "crop"]
_DIGITS: dict[PieceKind, int] = {"slab": 3, "block": 4, "crop": 1}


def piece_noun(kinds: Iterable[str]) -> str:
    """Return what pieces of these kinds are called together.

    >>> piece_noun(["block", "block"]), piece_noun(["block", "slab"]), piece_noun([])
    ('block', 'piece', 'slab')
    """
    found = set(kinds)
    return "piece" if len(found) > 1 else next(iter(found), "slab")


# Files about a whole data set, beside the folders of its cases.
SLABS_TABLE = "slabs.csv"
ERRORS_TABLE = "errors.csv"
DATA_LIST = "dataset.json"
REPORT = "report.html"
SUMMARY_FILES = (SLABS_TABLE, ERRORS_TABLE, DATA_LIST, REPORT)
# What an export was asked for, from its beginning on.
OPTIONS = "options.json"
# Folder of a case's unfinished files, and beginning of the names of other unfinished files.
SCRATCH = ".partial"

# Names in a case's folder that no set of label maps can have.
TAKEN_IN_CASE = frozenset({"manifest.json", "image", "images", "preview"})

_LONGEST_NAME = 120
# "Naming Files, Paths, and Namespaces" of Microsoft's documentation; superscript digits count as digits.
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{device}{n}" for device in ("com", "lpt") for n in "123456789¹²³"
}


def volume_extension(path: Path) -> str | None:
    """Return the extension by which a file is known as a volume, or None.

    >>> volume_extension(Path("a/CT.NII.GZ")), volume_extension(Path("notes.txt"))
    ('.nii.gz', None)
    """
    name = path.name.lower()
    return next((e for e in VOLUME_EXTENSIONS if name.endswith(e) and len(name) > len(e)), None)


def volume_stem(path: Path) -> str:
    """Return a file name without its volume extension."""
    extension = volume_extension(path)
    return path.name[: -len(extension)] if extension else path.stem


def comparable(text: str) -> str:
    """Return a name as file systems compare it that know neither capitals nor how an accent is stored.

    >>> comparable("Mu\u0308ller") == comparable("MÜLLER")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def safe_name(text: str) -> str:
    """Return ``text`` as a file or folder name: letters of any script and spaces stay, hostile characters go.

    Never empty, never with a path separator, never starting with a dot, never
    the name of a file about the data set, at most 120 bytes of UTF-8.

    >>> safe_name("CT: 1/2"), safe_name("con"), safe_name("..")
    ('CT_ 1_2', 'con_', 'case')
    """
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "_", text)
    text = "".join("_" if unicodedata.category(c) in ("Cs", "Cf", "Cc") else c for c in text)
    while len(text.encode()) > _LONGEST_NAME:
        text = text[:-1]
    text = text.strip(" .") or "case"
    first, dot, rest = text.partition(".")
    if first.rstrip().lower() in _WINDOWS_DEVICES:  # whatever follows the dot
        return f"{first.rstrip()}_{dot}{rest}"
    return f"{text}_" if text.casefold() in (*SUMMARY_FILES, OPTIONS) else text


def case_names(paths: list[Path]) -> list[str]:
    """Return one distinct name per path: the file's stem, with parent folders in front where stems repeat.

    ``a/ct.nii.gz`` and ``b/ct.nii.gz`` become "a_ct" and "b_ct". Names that differ only in case
    count as one, since some file systems think so; what is still equal gets a number.
    """
    names = [safe_name(volume_stem(p)) for p in paths]
    for depth in (1, 2, 3):
        repeated = _repeated(names)
        for n, path in enumerate(paths):
            if comparable(names[n]) in repeated:
                parents = path.absolute().parts[:-1][-depth:]
                names[n] = safe_name("_".join((*(p.strip("/\\:") for p in parents), volume_stem(path))))
    taken: set[str] = set()
    for n, name in enumerate(names):
        candidate, number = name, 2
        while comparable(candidate) in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.add(comparable(candidate))
        names[n] = candidate
    return names


def _repeated(names: list[str]) -> set[str]:
    return {name for name, count in Counter(map(comparable, names)).items() if count > 1}


def slab_name(case: str, index: int, count: int, kind: PieceKind = "slab") -> str:
    """Return "<case>_slab-007", "<case>_block-0007" or "<case>_crop-0"; more digits where numbers are larger.

    >>> slab_name("ct", 7, 12), slab_name("ct", 7, 1331, "block")
    ('ct_slab-007', 'ct_block-0007')
    """
    return f"{case}_{kind}-{slab_number(index, count, kind)}"


def slab_number(index: int, count: int, kind: PieceKind = "slab") -> str:
    """Return a slab's number as it stands in names: "007"."""
    return f"{index:0{max(_DIGITS[kind], len(str(count - 1)))}d}"


def slab_name_pattern(case: str) -> re.Pattern[str]:
    """Return a pattern that matches the names (with extension) of this case's slabs and nothing else.

    >>> [bool(slab_name_pattern("ct").fullmatch(name)) for name in ("ct_block-0007.nii.gz", "ct_slab-000", "ct_7.nii")]
    [True, True, False]
    """
    return re.compile(slab_stem_pattern(case) + r"(\..+)?")


def slab_stem_pattern(case: str) -> str:
    """Return the regular expression of the names of this case's slabs, without what follows the number."""
    return re.escape(case) + r"_(?:slab-\d{3,}|block-\d{4,}|crop-\d)"
