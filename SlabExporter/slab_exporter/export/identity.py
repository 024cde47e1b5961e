"""Cases whose names say nothing of the patient, the table that tells them apart, and the warning where names do say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..cases.case import Case
from ..core.naming import safe_name
from ..core.text import Option, Sentence

# case-0001; more digits where there are more cases
_DIGITS = 4


def deidentified(cases: Sequence[Case]) -> list[Case]:
    """Return the cases numbered in their order as case-0001, their groups as group-0001, without columns of a list.

    What they were is kept in ``Case.original``, for the table of the names. To be done last: label maps and
    groups are found by the names that the cases had.

    >>> from pathlib import Path
    >>> found = [Case("smith_1", Path("smith_1.nii"), {}, group="smith"), Case("doe", Path("doe.nii"), {})]
    >>> [(case.name, case.group) for case in deidentified(found)]
    [('case-0001', 'group-0001'), ('case-0002', '')]
    """
    groups = {group: n for n, group in enumerate(dict.fromkeys(case.group for case in cases if case.group), start=1)}
    return [
        replace(
            case,
            name=numbered("case", n, len(cases)),
            group=numbered("group", groups[case.group], len(groups)) if case.group else "",
            columns={},
            original=case,
        )
        for n, case in enumerate(cases, start=1)
    ]


def named_for_export(cases: Sequence[Case], deidentify: bool, warn: Callable[[str], object]) -> list[Case]:
    """Return the cases as an export names them.

    Args:
        cases: complete, with labels and groups.
        deidentify: give them and their groups numbers for names.
        warn: otherwise called with a sentence where names tell of a patient.
    """
    if deidentify:
        return deidentified(cases)
    if (telling := names_that_tell(cases)) is not None:
        warn(telling)
    return list(cases)


def numbered(word: str, number: int, count: int = 1) -> str:
    """Return the name of one of ``count`` things that must not have names of their own.

    >>> numbered("case", 7), numbered("case", 7, 20000)
    ('case-0007', 'case-00007')
    """
    return f"{word}-{number:0{max(_DIGITS, len(str(count)))}d}"


def names_that_tell(cases: Sequence[Case]) -> Sentence | None:
    """Return the sentence that names of cases or groups were taken from what DICOM series say of a patient, or None."""
    telling = [(case, keywords) for case in cases if (keywords := _told_by(case))]
    if not telling:
        return None
    stated = [word for word in ("PatientID", "StudyDate") if any(word in keywords for _, keywords in telling)]
    text = (
        f"{len(telling)} DICOM series {'gives' if len(telling) == 1 else 'give'} {' and '.join(stated)} to the names "
        f"of files, folders and groups (first: {telling[0][0].name}); "
    )
    return Sentence(text, Option("deidentify"), " numbers the cases instead.")


def _told_by(case: Case) -> list[str]:
    """Keywords of the attributes that the case's name or its group repeats."""
    if case.series is None:
        return []
    info = case.series.info
    stated = {"PatientID": info.patient_id, "StudyDate": info.study_date}
    names = (case.name, safe_name(case.group))
    return [key for key, value in stated.items() if value and any(safe_name(value)[:40] in name for name in names)]


KEY_COLUMNS = ("case", "name", "source", "labels", "series_instance_uid", "group", "name_of_group")


def key_rows(cases: Sequence[Case]) -> list[list[str]]:
    """Return the rows, with ``KEY_COLUMNS``, that tell of deidentified cases what they were."""
    return [
        [
            case.name,
            original.name,
            _images(original),
            ";".join(f"{name}={original.told(str(path.absolute()))}" for name, path in original.labels.items()),
            "" if original.series is None else original.series.info.series_uid,
            case.group,
            original.group,
        ]
        for case in cases
        if (original := case.original) is not None
    ]


def _images(case: Case) -> str:
    """The image; of several channels each by its name."""
    names = (case.channel, *case.channels)
    paths = [case.told(str(one.image.absolute())) for one in case.images]
    return ";".join(f"{name}={path}" for name, path in zip(names, paths, strict=True)) if case.channel else paths[0]
