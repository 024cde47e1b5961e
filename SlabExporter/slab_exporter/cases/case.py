"""One case of an export: its files, and what is known about it beforehand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..core.errors import RequestError
from ..core.naming import volume_stem
from ..core.text import replaced
from ..dicom.reading.series import Series
from ..files.disk import as_stored_there
from .channels.channel import Channel


@dataclass(frozen=True)
class Case:
    """Files of one case.

    Attributes:
        name: of the case, distinct and safe as a file name.
        image: the volume file, or the folder of the DICOM series.
        labels: label files, by the name of their set.
        series: the DICOM series in that folder; None for volume files.
        group: what must stay together in a split (a patient, say); "" for the case alone.
        columns: from a list, passed through to the tables.
        matched: by which convention each label file was found.
        part: "training", "validation" or "test" where names and folders state it; else "".
        frame: which volume of the series or 4D file the image is, where all are taken; None otherwise.
        problem: why the case cannot be exported, where that is known beforehand.
        within: a markups file with the ROI that it is cut inside, from a list; None where the list has none.
        channel: name of the first channel, which ``image`` is; "" where the case has one image.
        channels: the further images, by the names of their channels, in order.
        known_as: name that its images have in common; "" where that is the image file's.
        structures: by the name of a label set, the value of each structure that any case names in it; empty where the
            label files state values themselves.
        addresses: where files were downloaded from, by their paths, and by those of their folders.
        original: the case with its own names, where ``name`` and ``group`` are numbers that say nothing of them.
    """

    name: str
    image: Path
    labels: dict[str, Path]
    series: Series | None = None
    group: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    matched: dict[str, str] = field(default_factory=dict)
    part: str = ""
    problem: str | None = None
    original: Case | None = None
    frame: int | None = None
    within: Path | None = None
    structures: dict[str, dict[str, int]] = field(default_factory=dict)
    channel: str = ""
    channels: dict[str, Channel] = field(default_factory=dict)
    known_as: str = ""
    addresses: dict[str, str] = field(default_factory=dict)

    def told(self, text: str) -> str:
        """Return a text with the addresses that files were downloaded from instead of their scratch files."""
        return replaced(text, self.addresses) if self.addresses else text

    @property
    def images(self) -> tuple[Case | Channel, ...]:
        """Whatever has an image of the case, in channel order; the first is the case itself."""
        return (self, *self.channels.values())

    @property
    def files(self) -> tuple[Path, ...]:
        """The images (of a DICOM series: its folder) and the label maps."""
        return (*(one.image for one in self.images), *self.labels.values())

    @property
    def series_folders(self) -> set[Path]:
        """The folders in which the images of DICOM series lie."""
        files = (path for one in self.images if one.series is not None for path in one.series.files)
        return {Path(path).resolve().parent for path in files}

    @property
    def stem(self) -> str:
        """The name that its files may bear: the image file's without extension; for a series, the case's."""
        if self.known_as:
            return self.known_as
        return volume_stem(self.image) if self.series is None else self.name

    def labelled(self, name: str, path: Path, way: str) -> Case:
        """The case with one more label map, found in some ``way``."""
        return replace(self, labels=self.labels | {name: path}, matched=self.matched | {name: way})


def filled_in(pattern: str, case: Case, what: str) -> Path:
    """Return the path that a pattern gives for a case.

    Args:
        pattern: with {case} (the image's name), {folder} (its folder's name) or {number} (the digits of its name).
        case: with its own names.
        what: the pattern is of, for the sentence.

    Raises:
        RequestError: it cannot be filled in.

    >>> print(filled_in("rois/{case}.mrk.json", Case("a", Path("in/ct_7.nii.gz"), {}), "ROI").as_posix())
    rois/ct_7.mrk.json
    """
    named = case.stem if case.series is None else case.image.name
    folder = case.image.parent if case.series is None else case.image
    number = _number_in(named, pattern, what)
    try:
        return as_stored_there(Path(pattern.format(case=case.stem, folder=folder.name, number=number)))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise RequestError(
            f"The {what} pattern '{pattern}' cannot be filled in; use {{case}} (the image's name), "
            "{folder} (its folder's name) and {number} (the digits of its name)."
        ) from error


def _number_in(named: str, pattern: str, what: str) -> str:
    """The digits of a name, where they are one number."""
    numbers = re.findall(r"\d+", named)
    if "{number}" in pattern and len(numbers) > 1:
        raise RequestError(
            f"The {what} pattern '{pattern}' asks for the number of {named}, which has {len(numbers)} "
            f"({', '.join(numbers)}); use {{case}}, or a list with a column '{_COLUMNS[what]}'."
        )
    return "".join(numbers)


_COLUMNS = {"label": "label", "ROI": "within"}
