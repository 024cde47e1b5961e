"""Attributes of the source's images that the slabs keep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import RequestError
from ...core.options import is_person_name
from ...core.text import Option, Package
from ..reading.multiframe import flattened
from ..reading.parsing import parsing, quiet_pydicom, read_dataset
from ..reading.series import Slice
from .classes import ENUMERATED, TERMS
from .encoding import LONGEST_DECIMAL, decimal_string

# Present, even if empty, under a condition (PS3.3 C.8.3.1)
TYPE_2C = ("TriggerTime", "InversionTime")
# ScanOptions of heart gating (PS3.3 C.8.3.1): by electrocardiogram, by peripheral pulse
_GATED = frozenset(("CG", "PPG"))


class SourceHeaders:
    """Headers of source planes, read when they are needed; the last file is kept for the next frame of it."""

    def __init__(self) -> None:
        self._path = ""
        self._dataset: Any = None

    def read(self, plane: Slice) -> Any:
        """The header of a plane's file; of an enhanced one, with what holds for the plane's frame.

        Raises:
            InputError: it cannot be read any more, or is another one.
        """
        if plane.path != self._path:
            with parsing(plane.path), Path(plane.path).open("rb") as file:
                content = file.read(-1 if plane.header is None else plane.header.size)
                plane.require_as_found(content)
                self._dataset = read_dataset(content, pixels=False)
            self._path = plane.path
        if "SharedFunctionalGroupsSequence" not in self._dataset:
            return self._dataset
        with parsing(plane.path):
            return flattened(self._dataset, plane.frame or 0)


def copied(header: Any, keywords: Iterable[str]) -> Any:
    """A dataset with those of the attributes that the header states validly; texts as Unicode.

    An attribute that breaks the rules of its value representation (PS3.5 6.2) or has too few or too
    many values (PS3.6) is left behind: a fault of the source would make every slab faulty.
    """
    from pydicom import Dataset

    result = Dataset()
    with quiet_pydicom():
        for keyword in keywords:
            try:
                element = header.get_item(keyword)
                element = None if element is None else header[keyword]
                if element is not None and _is_valid(element := _with_short_decimals(element)):
                    result.add(element)
            except Exception:  # whatever pydicom raises over a damaged value
                continue
    if "IR" not in np.atleast_1d(result.get("ScanningSequence") or ""):
        result.pop("InversionTime", None)  # type 2C, PS3.3 C.8.3.1
    elif "InversionTime" not in result:
        result.InversionTime = None
    if _GATED.isdisjoint(np.atleast_1d(result.get("ScanOptions") or "")):
        result.pop("TriggerTime", None)  # likewise
    elif "TriggerTime" not in result:
        result.TriggerTime = None
    return result


def _as_written(vr: str, value: Any) -> Any:
    """Return the text as it is written in the file; a name's original string would be its bytes."""
    if vr in ("DS", "IS", "DA", "TM", "DT"):
        return str(getattr(value, "original_string", value))
    return str(value) if vr == "PN" else value


def _with_short_decimals(element: Any) -> Any:
    """An element whose decimal strings of more than 16 characters are rounded to those (PS3.5 6.2)."""
    from pydicom import DataElement

    values = (element.value if element.VM > 1 else [element.value]) if element.VR == "DS" else []
    if all(len(_as_written("DS", value)) <= LONGEST_DECIMAL for value in values):
        return element
    return DataElement(element.tag, "DS", [decimal_string(float(value)) for value in values])


def _is_valid(element: Any) -> bool:
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    if element.VR in ("SQ", "UN") or not _is_allowed_number(element):
        return False
    values = element.value if element.VM > 1 else [element.value]
    allowed = ENUMERATED.get(element.keyword)
    if allowed is not None and any(value not in allowed for value in values):
        return False
    for value in values:
        if element.VR == "PN" and not is_person_name(str(value)):
            return False
        validate_value(element.VR, _as_written(element.VR, value), RAISE)
    return True


def _is_allowed_number(element: Any) -> bool:
    """Return whether an element has as many values as PS3.6 allows (1, 1-3, 1-n, 2-2n); none are always allowed."""
    from pydicom.datadict import dictionary_VM

    if element.is_empty:
        return True
    low, _, high = dictionary_VM(element.tag).partition("-")
    if high.endswith("n"):
        return int(low) <= element.VM and element.VM % int(high[:-1] or 1) == 0
    return int(low) <= element.VM <= int(high or low)


def states(dataset: Any, keyword: str) -> bool:
    """Return whether an attribute is there and not empty, valid or not."""
    element = dataset.get_item(keyword)
    value = None if element is None else element.value
    return bool(value.strip(b" \0") if isinstance(value, bytes) else value)


METHOD = "Basic Application Level Confidentiality Profile (PS3.15 E.1)"


# Type 2: must stay, may be empty (PS3.3 C.7.1.1, C.7.2.1)
_MAY_BE_EMPTY = ("PatientBirthDate", "StudyDate", "StudyTime", "PatientName", "PatientSex", "ReferringPhysicianName",
                 "StudyID", "AccessionNumber")  # fmt: skip
_DATES = ("DA", "DT", "TM")
_NUMBERS = ("DS", "IS", "US", "SS", "UL", "SL", "FD", "FL")


def require_deidentifier() -> None:
    """Refuse where the package that knows the profile is not installed.

    Raises:
        RequestError: with the command that installs it.
    """
    try:
        import dicomanonymizer  # noqa: F401
    except ImportError as error:
        raise RequestError(
            Option("deidentify"),
            " needs the package dicom-anonymizer: ",
            Package("dicom-anonymizer"),
            ".",
        ) from error


def deidentify(dataset: Any) -> None:
    """Apply the profile to a dataset of copied attributes, in place; it must hold no UID.

    Texts that the profile would keep, such as Manufacturer, go as well unless they are terms of the standard.
    """
    import dicomanonymizer

    dicomanonymizer.anonymize_dataset(dataset)
    for keyword in _MAY_BE_EMPTY:
        if keyword in dataset:
            setattr(dataset, keyword, "")
    for element in list(dataset):
        if element.keyword not in _MAY_BE_EMPTY and (element.VR in _DATES or not _is_number_or_term(element)):
            del dataset[element.tag]


def _is_number_or_term(element: Any) -> bool:
    """Whether an element holds numbers, or words of a fixed list: into other texts anything may have been typed."""
    values = element.value if element.VM > 1 else [element.value]
    return element.VR in _NUMBERS or element.is_empty or all(str(v) in TERMS.get(element.keyword, ()) for v in values)


def mark_deidentified(dataset: Any) -> None:
    """State that and how identity was removed (PS3.15 E.1.1, PS3.16 CID 7050)."""
    from pydicom import Dataset
    from pydicom.sequence import Sequence

    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    dataset.DeidentificationMethodCodeSequence = Sequence([code])
