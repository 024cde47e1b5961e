"""Verify a finished export from its manifests alone: every file against its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InputError, SlabExporterError, reading
from ..core.geometry import VolumeGeometry
from ..core.manifest import FILE_NAME, Manifest, SlabRecord, read_manifest
from ..core.options import SeriesOptions
from ..core.records import SourceRecord
from ..core.volume import SourceVolume, reindexed_onto
from ..dicom.reading.scan import reread
from ..files.disk import written_part
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..volumes.choice import FileVolume, SeriesVolume
from ..volumes.reading import open_volume
from .formats.table import kind_of


@dataclass
class CaseReport:
    """What verifying one case found.

    Attributes:
        case: its name, or its folder's where the manifest cannot be read.
        files: how many were compared.
        differences: sentences; none where all is as it should be.
    """

    case: str
    files: int = 0
    differences: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        return {"case": self.case, "files": self.files, "differences": self.differences}


def verify_export(out: Path) -> Iterator[CaseReport]:
    """Compare all slabs below ``out`` with their sources; one report a case.

    Args:
        out: output folder of an export, or the folder of one case.

    Raises:
        InputError: there is no manifest.
    """
    manifests = [out / FILE_NAME] if (out / FILE_NAME).is_file() else sorted(out.glob(f"*/{FILE_NAME}"))
    if not manifests:
        raise InputError(f"{out} holds no export: there is no {FILE_NAME} in it or in its folders.")
    with open_runtime() as runtime:
        for path in manifests:
            yield verify_case(runtime, path)


def verify_case(runtime: SlicerRuntime, path: Path) -> CaseReport:
    """Compare all files of one manifest with the sources that it names."""
    report = CaseReport(path.parent.name)
    try:
        manifest = read_manifest(path)
        report.case = manifest.case
        for name in (None, *manifest.label_sources):
            with reading(f"What {path} names"):
                _verify_set(runtime, path.parent, manifest, name, report)
    except SlabExporterError as error:
        report.differences.append(error.sentence)
    return report


def _verify_set(runtime: SlicerRuntime, folder: Path, manifest: Manifest, name: str | None, report: CaseReport) -> None:
    """Verify the images (``name`` None) or one label set."""
    record = manifest.source if name is None else manifest.label_sources[name]
    if record.path is None:
        _verify_without_source(folder, manifest, name, record, report)
        return
    source = _source_of(runtime, (folder / record.path).resolve(), record)
    fill = (manifest.plan.fill or 0.0) if name is None else 0.0
    for slab in manifest.slabs:
        relative, checksum = _file_of(slab, name)
        report.files += 1
        try:
            path = written_part(folder, relative)
            _require_unchanged(path, relative, checksum)
            kind_of(path).verify(path, source, slab.box, fill, manifest.plan)
            _verify_record(relative, slab, source.geometry)
        except SlabExporterError as error:
            report.differences.append(error.sentence)


def _verify_without_source(
    folder: Path, manifest: Manifest, name: str | None, record: SourceRecord, report: CaseReport
) -> None:
    """Check what was cut from a Slicer scene: unchanged since it was written and compared, and in its place."""
    for slab in manifest.slabs:
        report.files += 1
        try:
            relative, checksum = _file_of(slab, name)
            path = written_part(folder, relative)
            _require_unchanged(path, relative, checksum)
            kind_of(path).verify_place(path, record.geometry.cropped(slab.box))
            _verify_record(relative, slab, record.geometry)
        except SlabExporterError as error:
            report.differences.append(error.sentence)


def _require_unchanged(path: Path, relative: str, checksum: str | None) -> None:
    if not path.exists():
        raise InputError(f"{relative} is missing.")
    if kind_of(path).checksum(path) != checksum:
        raise InputError(f"{relative} has been changed since it was written (check sum).")


def _file_of(slab: SlabRecord, name: str | None) -> tuple[str, str | None]:
    if name is None:
        return slab.image, slab.sha256
    if name not in slab.labels:
        raise InputError(f"slab {slab.index} has no file of the label set '{name}'.")
    return slab.labels[name], slab.labels_sha256.get(name)


def _verify_record(relative: str, slab: SlabRecord, source: VolumeGeometry) -> None:
    difference = source.cropped(slab.box).difference(slab.geometry)
    if not difference.is_within(source.position_tolerance("float64")):
        raise InputError(f"{relative}: the manifest's affine is {difference} off the source's.")


def _source_of(runtime: SlicerRuntime, path: Path, record: SourceRecord) -> SourceVolume:
    source = _read_source(runtime, path, record)
    if source.sha256 != record.sha256:
        raise InputError(f"The source {path} has been changed since the export (check sum).")
    difference = source.geometry.difference(record.geometry)
    found, recorded = difference.shapes
    if found != recorded:
        raise InputError(f"The source {path} has {found} voxels, the manifest says {recorded}.")
    if not difference.is_within(source.geometry.position_tolerance("float64")):
        raise InputError(f"The manifest's affine of the source is {difference} off the file's.")
    return source


def _read_source(runtime: SlicerRuntime, path: Path, record: SourceRecord) -> SourceVolume:
    """The source in the index order of the record."""
    if record.series_instance_uid is not None:
        accepted = SeriesOptions(record.allow_uneven_mm, record.resampled is not None)
        series = reread(path, record.series_instance_uid, str(record.sha256))
        return open_volume(runtime, SeriesVolume(series, record.frame, accepted))
    source = open_volume(runtime, FileVolume(path, record.frame, record.nifti_transform))
    return source if record.file_geometry is None else reindexed_onto(source, record.geometry)
