"""The preflight report: a file's geometry and what is unusual about it, before anything is cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.find import Case
from ..cases.opening import open_case_labels
from ..core.errors import InputError, SlabExporterError, reading
from ..core.geometry import VolumeGeometry
from ..core.options import ExportRequest
from ..core.text import Option, Sentence, Words, in_words, python_words
from ..core.volume import SourceVolume, geometry_facts, label_warnings
from ..dicom.reading.judging import series_facts
from ..dicom.reading.series import Kind, Series
from ..files.nifti import NiftiHeader, read_header
from ..files.nifti_transforms import form_used
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..mrml.volume_files import is_nifti, require_volume_file
from ..volumes.choice import FileVolume, SeriesVolume, frames_of
from ..volumes.reading import open_volume

_UNITS = {
    "shape": " voxels",
    "spacing": " mm",
    "obliquity": " degrees",
    "shear": " (largest cosine between two axes)",
}


@dataclass(frozen=True)
class Inspection:
    """Findings about one case.

    Attributes:
        case: its name.
        path: of the image, or the address that it was downloaded from.
        facts: name -> value, in the order to show them.
        warnings: sentences.
        error: why it cannot be exported; None if it can.
        geometry: of the image, where it could be read.
        content: check sum of its voxels, so that copies are known even when packed differently.
    """

    case: str
    path: Path | str
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str | None = None
    geometry: VolumeGeometry | None = None
    content: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        return {
            "case": self.case,
            "path": str(self.path),
            "usable": self.error is None,
            "facts": dict(self.facts),
            "warnings": list(self.warnings),
            "error": self.error,
            "content": self.content,
        }

    def to_text(self, words: Words = python_words) -> str:
        """Return the report for people, with options in ``words``."""
        lines = [f"{self.case}  ({self.path})"]
        lines += [f"  {name:<12} {_shown(name, value)}" for name, value in self.facts.items()]
        lines += [f"  warning: {in_words(text, words)}" for text in self.warnings]
        if self.error is not None:
            lines.append(f"  CANNOT BE EXPORTED: {in_words(self.error, words)}")
        return "\n".join(lines)


@dataclass
class _Notes:
    """What is found while a case is looked at; the fields of its ``Inspection``."""

    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None
    geometry: VolumeGeometry | None = None
    content: str | None = None


def inspect_cases(cases: list[Case], allow_outside_data: bool = False) -> Iterator[Inspection]:
    """Look at each case in turn; a file that cannot be used is a finding, not an error.

    Args:
        cases: as ``find_cases`` makes them.
        allow_outside_data: headers may name files of voxels outside their folders.
    """
    with open_runtime() as runtime:
        for case in cases:
            yield inspect_case(runtime, case, allow_outside_data)


def inspect_case(runtime: SlicerRuntime, case: Case, allow_outside_data: bool = False) -> Inspection:
    """Return geometry, type and header of a case's image, and whether its label maps lie on its grid."""
    notes = _Notes()
    try:
        with reading(case.image):
            _inspect(runtime, case, ExportRequest(allow_outside_data=allow_outside_data), notes)
    except SlabExporterError as error:
        notes.error = error.sentence
    refused = None if notes.error is None else case.told(notes.error)
    found = (notes.facts, tuple(map(case.told, notes.warnings)), refused, notes.geometry, notes.content)
    return Inspection(case.name, case.addresses.get(str(case.image), case.image), *found)


def _inspect(runtime: SlicerRuntime, case: Case, request: ExportRequest, notes: _Notes) -> None:
    if case.problem is not None and case.image.is_dir() and case.series is None:
        raise InputError(case.problem)  # a folder of a list that cannot be opened up
    image = _look(runtime, case, request, notes)
    if case.problem is not None:
        raise InputError(case.problem)
    for label in open_case_labels(runtime, case, request, image).values():
        notes.warnings += label_warnings(label)


def _look(runtime: SlicerRuntime, case: Case, request: ExportRequest, notes: _Notes) -> SourceVolume:
    if case.series is not None:
        return _look_at_series(runtime, case.series, notes)
    return _look_at_file(runtime, FileVolume(case.image, allow_outside=request.allow_outside_data), notes)


def _look_at_file(runtime: SlicerRuntime, file: FileVolume, notes: _Notes) -> SourceVolume:
    path = file.path
    require_volume_file(path)
    header = read_header(path) if is_nifti(path) else None
    if header is not None:
        notes.facts |= _header_facts(header)
    count = frames_of(path) if header is None else header.frames
    volume = open_volume(runtime, replace(file, frame=0 if count > 1 else None))
    _note(volume, notes)
    if header is not None:
        notes.facts["transform"] = form_used(header) or "none stated"
    if count > 1:
        several = (Option.to("frame", 0), f" to {count - 1}, or ", Option.to("frames", "all"), ".")
        notes.warnings.append(Sentence(f"4D: {count} volumes; export needs ", *several))
    return volume


def _look_at_series(runtime: SlicerRuntime, series: Series, notes: _Notes) -> SourceVolume:
    notes.facts |= series_facts(series)
    several = series.verdict.kind is Kind.SEVERAL
    volume = open_volume(runtime, SeriesVolume(series, 0 if several else None))
    _note(volume, notes)
    if several:
        reason = series.verdict.reason
        notes.warnings.append(Sentence(f"{reason[0].upper()}{reason[1:]}. ", series.verdict.remedy))
    return volume


def _note(volume: SourceVolume, notes: _Notes) -> None:
    """Note what any volume in memory tells."""
    notes.facts |= geometry_facts(volume.geometry)
    notes.facts["voxels"] = volume.voxels_kji.dtype.name
    notes.geometry = volume.geometry
    notes.content = _content(volume)
    notes.warnings += volume.warnings


def _content(volume: SourceVolume) -> str:
    """Check sum of what makes two volumes the same: size, type and every voxel; of several volumes, their files."""
    kind = f"{volume.geometry.shape_ijk} {volume.voxels_kji.dtype.name} {volume.frame is not None} "
    digest = hashlib.sha256(kind.encode())
    if volume.frame is None:
        digest.update(np.ascontiguousarray(volume.voxels_kji).data)
    else:
        digest.update(str(volume.sha256).encode())
    return digest.hexdigest()


def _header_facts(header: NiftiHeader) -> dict[str, Any]:
    slope, inter = header.scaling
    facts: dict[str, Any] = {
        "stored as": f"{header.dtype.name}, {'big' if header.dtype.byteorder == '>' else 'little'}-endian",
        "codes": {"qform": int(header.fields["qform_code"]), "sform": int(header.fields["sform_code"])},
    }
    if (slope, inter) != (1.0, 0.0):
        facts["scaling"] = {"slope": slope, "intercept": inter}
    sform, qform = header.geometry("sform"), header.geometry("qform")
    if sform is not None and qform is not None:
        facts["sform-qform"] = {"corner_distance_mm": float(f"{sform.corner_distance(qform):.4g}")}
    return facts


def _shown(name: str, value: Any) -> str:
    unit = _UNITS.get(name, "")
    if isinstance(value, list):
        return " x ".join(f"{v:g}" for v in value) + unit
    if isinstance(value, dict):
        return ", ".join(_measured(key, number) for key, number in value.items())
    return f"{value}{unit}"


def _measured(key: str, value: float) -> str:
    """Return a number with the unit that its name ends with."""
    words = key.split("_")
    unit = words.pop() if words[-1] in ("mm", "degrees") else ""
    return " ".join(filter(None, [*words, f"{value:g}", unit]))
