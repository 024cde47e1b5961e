"""Attributes of DICOM slabs that a user may set."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field

from ..errors import RequestError

# PS3.5 6.2: LO, and each component group of PN
LONGEST_TEXT = 64


# PS3.5 6.2.1: ideographic and phonetic groups beside the alphabetic one, family name to suffix in each
_MOST_GROUPS, _MOST_COMPONENTS = 3, 5
_FORBIDDEN = re.compile(r"[\\\x00-\x1f\x7f]")


def is_person_name(text: str) -> bool:
    """Return whether a name has no more groups, and in none more components, than PN holds (PS3.5 6.2.1).

    >>> is_person_name("Doe^Jane"), is_person_name("a^b^c^d^e^f")
    (True, False)
    """
    groups = text.split("=")
    return len(groups) <= _MOST_GROUPS and all(group.count("^") < _MOST_COMPONENTS for group in groups)


@dataclass(frozen=True)
class DicomOptions:
    """Attributes of DICOM slabs that do not follow from the voxels.

    Attributes:
        modality: "CT", "MR" or another defined term; None: the source's, else CT for CT-like values,
            else "OT" (``dicom.classes``).
        patient_name: PatientName; None: the source's, or the case's name as a placeholder.
        patient_id: PatientID, likewise.
        study_description: StudyDescription; None: the source's, or what was cut.
        quantize: allow values that 16 bits cannot hold exactly to be rounded.
        deidentify: apply the Basic Application Level Confidentiality Profile (PS3.15 E.1), and name the source in no
            file of whatever format (``ExportRequest.deidentify``).
        uid_salt: "" for UIDs that are the same for the same input; anything else gives others.
        segments: path of a .csv with names and colours of label values.

    Raises:
        RequestError: a text that DICOM cannot hold.
    """

    modality: str | None = None
    patient_name: str | None = None
    patient_id: str | None = None
    study_description: str | None = None
    quantize: bool = False
    deidentify: bool = False
    uid_salt: str = ""
    segments: str | None = field(default=None, metadata={"path": True})

    def __post_init__(self) -> None:
        if self.modality is not None and not re.fullmatch(r"(?! )[A-Z0-9_ ]{1,16}(?<! )", self.modality):
            raise RequestError(
                f"The modality cannot be '{self.modality}': it is up to 16 capital letters and digits, as in CT.",
                option="modality",
            )
        if self.patient_name is not None and not is_person_name(self.patient_name):
            raise RequestError(
                f"The patient's name cannot be '{self.patient_name}': it has up to {_MOST_COMPONENTS} parts with ^ "
                f"between them, as in Doe^Jane, and up to {_MOST_GROUPS} writings with = between them.",
                option="patient_name",
            )
        for name, option, text in (
            ("patient's name", "patient_name", self.patient_name),
            ("patient's ID", "patient_id", self.patient_id),
            ("study description", "study_description", self.study_description),
        ):
            if text is not None and (len(text) > LONGEST_TEXT or _FORBIDDEN.search(text)):
                raise RequestError(
                    f"The {name} must be at most {LONGEST_TEXT} characters without backslash or control characters.",
                    option=option,
                )


def uid_salt(new_uids: bool | str) -> str:
    """Return what identifiers are made from besides the input: nothing, something new, or what it was before.

    >>> uid_salt(False), len(uid_salt(True)), uid_salt("5e1f")
    ('', 32, '5e1f')
    """
    return uuid.uuid4().hex if new_uids is True else new_uids or ""
