"""Meaning of the words of a file name: whose image it is, which kind of image, image or label map.

Only words that nearly every data set uses stand here; what one data set alone means by its names is
in ``conventions``. Everything is judged by text, nothing is opened.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

# Kinds of images: they tell the images of one patient apart, never one patient from another.
MODALITIES = frozenset(
    {"t1", "t1w", "t1n", "t1c", "t1ce", "t1gd", "t2", "t2w", "t2f", "flair", "pd", "pdw", "dwi", "adc", "swi"}
    | {"bold", "asl", "dti", "mra", "mprage", "ct", "ctres", "cta", "cbct", "mr", "mri", "pet", "pt", "suv", "spect"}
    | {"us"}
)
# An image, whatever it shows.
IMAGE_WORDS = frozenset({"imaging", "image", "images", "img", "imgs", "volume", "vol", "scan", "data", "orig"})
LABEL_WORDS = frozenset(
    {"segmentation", "segmentations", "seg", "segm", "dseg", "fseg", "label", "labels", "labelmap", "labelmaps"}
    | {"mask", "masks", "msk", "gt", "ground", "truth", "groundtruth", "annotation", "annotations"}
    | {"gtv", "gtvt", "gtvn"}
)
# One patient again: a word of the first with the number in it or behind it (visit2, visit_2), or one of the others.
_COUNTED_AGAIN = re.compile(r"(?:visit|ses|session|frame|phase|run|echo|timepoint|tp|acq)(\d*)")
_AGAIN = re.compile(r"t\d+|[34]d|followup|baseline|pre|post|before|after|anat|func|raw|nifti|dicom")
_ROLE_AND_NUMBER = re.compile(r"([a-z]+)(\d+)")
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"(?:(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d|\d\d[-_.]\d\d[-_.](?:19|20)\d\d)(?:\D.*)?", re.DOTALL)


@dataclass(frozen=True)
class Name:
    """Meaning of a name.

    Attributes:
        identity: the words that are left without those for kinds and roles: whose image, which of them.
        modalities: the kinds of image that it names.
        is_label: it begins or ends with a word for label maps.
    """

    identity: tuple[str, ...]
    modalities: frozenset[str]
    is_label: bool

    @property
    def patient(self) -> tuple[str, ...]:
        """The identity without visits, frames and other words for "the same patient again"."""
        kept: list[str] = []
        number_belongs_to_last = False
        for word in self.identity:
            counted = _COUNTED_AGAIN.fullmatch(word)
            its_number = number_belongs_to_last and word.isdigit()
            if counted is None and not its_number and _AGAIN.fullmatch(word) is None:
                kept.append(word)
            number_belongs_to_last = counted is not None and counted.group(1) == ""
        return tuple(kept)


@cache
def read_name(stem: str) -> Name:
    """Judge a name without extension.

    >>> read_name("ct_train_1001_label").identity
    ('train', '1001')
    >>> read_name("img0001").identity == read_name("label0001").identity
    True
    >>> read_name("T1_s1").identity, read_name("patient1_visit_2_T2").patient
    (('s1',), ('patient1',))
    """
    found = words(unicodedata.normalize("NFC", stem))
    body = _without_label_words(found)
    identity: list[str] = []
    for word in body:
        role = _ROLE_AND_NUMBER.fullmatch(word)
        if word in MODALITIES or word in IMAGE_WORDS:
            continue
        roles = MODALITIES | IMAGE_WORDS | LABEL_WORDS
        identity.append(role.group(2) if role and role.group(1) in roles else word)
    first = _ROLE_AND_NUMBER.fullmatch(found[0]) if found else None
    is_label = len(body) < len(found) or bool(first and first.group(1) in LABEL_WORDS)
    return Name(tuple(identity), frozenset(body) & MODALITIES, is_label)


def words(stem: str) -> list[str]:
    """The words of a name, in lower case."""
    return _WORD.findall(stem.casefold())


def _without_label_words(found: list[str]) -> list[str]:
    start, stop = 0, len(found)
    while stop > start and found[stop - 1] in LABEL_WORDS:
        stop -= 1
    while start < stop and found[start] in LABEL_WORDS:
        start += 1
    return found[start:stop]


def without_label_words(stem: str) -> str:
    """A name up to the words for label maps at its end: "a" for a_seg; the whole where there are none.

    >>> without_label_words("P1_ct_gt"), without_label_words("amask")
    ('P1_ct', 'amask')
    """
    while True:
        match = re.fullmatch(r"(.+?)[-_. ]+([^\W_]+)", stem)
        if match is None or match.group(2).casefold() not in LABEL_WORDS:
            return stem
        stem = match.group(1)


def names_no_patient(folder: str) -> bool:
    """Return whether a folder's name only says what lies in it, or when it was taken: anat, CT, visit-2, 2019-03-01.

    >>> [names_no_patient(name) for name in ("anat", "ses-02", "2006-04-18_08_20_30.0", "P7", "1")]
    [True, True, True, False, False]
    """
    return not read_name(folder).patient or _DATE.fullmatch(folder) is not None


def shown_patient(stem: str) -> str:
    """The patient's part of a name as it is written: "p7" for p7_ct; "" where no word names a kind, or nothing is left.

    >>> shown_patient("la_3_T1w"), shown_patient("CT_1"), shown_patient("volume-1")
    ('la_3', '', '')
    """
    kept = [match for match in _WORD.finditer(stem) if not _tells_kind(match.group().casefold())]
    whole = len(kept) == len(words(stem))
    text = stem[kept[0].start() : kept[-1].end()] if kept and not whole else ""
    return text if re.search(r"[^\W\d_]", text) else ""


def _tells_kind(word: str) -> bool:
    return word in MODALITIES or bool(_AGAIN.fullmatch(word) or _COUNTED_AGAIN.fullmatch(word))


def tell_apart(names: Iterable[tuple[str, ...]]) -> bool:
    """Return whether the last number of each name counts the images of one patient, whom the rest of the name states.

    s1_1, s1_2, s2_1: the first numbers vary, and there are no fewer of them than images of each. Where a few
    names stand before many numbers (site1_001 to site2_050), the numbers are the patients.
    """
    numbers: dict[tuple[str, ...], set[str]] = {}
    for name in names:
        if len(name) < 2 or not name[-1].isdigit() or not any(map(str.isdigit, "".join(name[:-1]))):
            return False
        numbers.setdefault(name[:-1], set()).add(name[-1])
    most = max(map(len, numbers.values()), default=0)
    return len(numbers) > 1 and 1 < most <= len(numbers)
