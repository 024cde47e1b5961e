"""The Basic Application Level Confidentiality Profile (PS3.15 E.1), applied by dicom-anonymizer.

The package carries the standard's table E.1-1; UIDs and dates it would replace at random or by
dummies are replaced here by what stays the same from run to run, or emptied.
"""

from __future__ import annotations

from typing import Any

from ...core.errors import RequestError

METHOD = "Basic Application Level Confidentiality Profile (PS3.15 E.1)"
# Type 2: must stay, may be empty (PS3.3 C.7.1.1, C.7.2.1)
_MAY_BE_EMPTY = ("PatientBirthDate", "StudyDate", "StudyTime", "PatientName", "PatientSex", "ReferringPhysicianName",
                 "StudyID", "AccessionNumber")  # fmt: skip
_DATES = ("DA", "DT", "TM")


def require_deidentifier() -> None:
    """Refuse where the package that knows the profile is not installed.

    Raises:
        RequestError: with the command that installs it.
    """
    try:
        import dicomanonymizer  # noqa: F401
    except ImportError as error:
        raise RequestError(
            "--deidentify needs the package dicom-anonymizer: pip install dicom-anonymizer "
            "(in Slicer: slicer.util.pip_install('dicom-anonymizer'))."
        ) from error


def deidentify(dataset: Any) -> None:
    """Apply the profile to a dataset of carried-over attributes, in place; it must hold no UID."""
    import dicomanonymizer

    dicomanonymizer.anonymize_dataset(dataset)
    for keyword in _MAY_BE_EMPTY:
        if keyword in dataset:
            setattr(dataset, keyword, "")
    for element in list(dataset):
        if element.VR in _DATES and element.keyword not in _MAY_BE_EMPTY:
            del dataset[element.tag]


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
