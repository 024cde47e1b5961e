"""Verify a finished export from its manifests alone: every file against its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.errors import InputError, SlabExporterError, reading
from ..core.geometry import VolumeGeometry
from ..core.manifest import FILE_NAME, Manifest, SlabRecord, read_manifest
from ..core.options import SeriesOptions
from ..core.placing.placed import Named, placed_again
from ..core.records import PlanRecord, SourceRecord
from ..core.text import counted
from ..core.volume import SourceVolume
from ..dicom.reading.scan import reread
from ..files.disk import written_part
from ..files.network.addresses import is_address
from ..files.nifti_voxels import is_as_recorded
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..prepare.preparation import recorded_preparation
from ..volumes.body import body_remembered
from ..volumes.choice import FileVolume, SeriesVolume
from ..volumes.labels.opening import LabelFile, label_sha256, open_again
from ..volumes.reading import open_volume
from .formats.table import kind_of
from .gradients import require_unchanged_tables
from .keeping import require_rightly_left_out
from .limiting import LimitCheck
from .same_values import SlabComparison


@dataclass(frozen=True)
class CaseReport:
    """What verifying one case found.

    Attributes:
        case: its name, or its folder's where the manifest cannot be read.
        files: how many were compared.
        differences: sentences; none where all is as it should be.
        unchecked: a sentence on what could not be checked; None where all was.
    """

    case: str
    files: int = 0
    differences: tuple[str, ...] = ()
    unchecked: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        told = {} if self.unchecked is None else {"unchecked": self.unchecked}
        return {"case": self.case, "files": self.files, "differences": list(self.differences), **told}


def unchecked_because(manifest: Manifest) -> str | None:
    """Return the sentence on sources that are not read again; None where all are.

    A manifest is data from outside: no address that it names is asked.
    """
    compared = "check sums, shapes and positions were compared, voxels"
    if any(source.path is None for source in manifest.sources):
        return f"the manifest does not name the source: {compared} with the source were not"
    far = [source.path for source in manifest.sources if _path_named(source) is None]
    if not far:
        return None
    first, *more = far
    others = f" and {counted(len(more), 'other source')} are" if more else " is"
    return f"{first}{others} not downloaded again: {compared} with {'them' if more else 'it'} were not"


def _path_named(record: SourceRecord) -> str | None:
    """The path of a source on this machine; None for none, and for an address."""
    return None if record.path is None or is_address(record.path) else record.path


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
    case, files, unchecked = path.parent.name, 0, None
    differences: list[str] = []
    try:
        manifest = read_manifest(path)
        case = manifest.case
        differences += [] if (gap := _gap(manifest)) is None else [gap]
        limits, notes, unchecked = LimitCheck(manifest.plan), list[str](), unchecked_because(manifest)
        for checked in _sets(manifest):
            with reading(f"What {path} names"):
                for difference in _verify_set(runtime, path.parent, manifest, checked, limits, notes):
                    files += 1
                    differences += [] if difference is None else [difference]
        with reading(f"What {path} names"):
            require_unchanged_tables(manifest.frames, path.parent)
        if unchecked is None:
            unchecked = next(iter(notes), None)
            limits.require_same(runtime, path.parent, manifest.geometry)
    except SlabExporterError as error:
        differences.append(error.sentence)
    return CaseReport(case, files, tuple(differences), unchecked)


@dataclass(frozen=True)
class _Set:
    """The files that were cut from one source.

    Attributes:
        name: of the label set or further channel; None for the image.
        record: of the source.
        plan: as it was for these files.
        is_label: whether they are label maps.
    """

    name: str | None
    record: SourceRecord
    plan: PlanRecord
    is_label: bool = False

    def file_of(self, slab: SlabRecord) -> tuple[str, str | None]:
        """Return (path, check sum) of a slab's file.

        Raises:
            InputError: the slab has none.
        """
        if self.name is None:
            return slab.image, slab.sha256
        files = slab.labels if self.is_label else slab.channels
        if self.name not in files:
            what = "label set" if self.is_label else "channel"
            raise InputError(f"slab {slab.index} has no file of the {what} '{self.name}'.")
        return files[self.name], slab.files[files[self.name]]


def _sets(manifest: Manifest) -> list[_Set]:
    plan = manifest.plan
    channels = [
        _Set(channel.name, channel.source, replace(plan, fill=channel.fill, dicom=channel.dicom))
        for channel in manifest.channels
    ]
    of_labels = replace(plan, fill=0.0)
    labels = [_Set(name, record, of_labels, is_label=True) for name, record in manifest.label_sources.items()]
    return [_Set(None, manifest.source, plan), *channels, *labels]


def _verify_set(
    runtime: SlicerRuntime, folder: Path, manifest: Manifest, checked: _Set, limits: LimitCheck, notes: list[str]
) -> Iterator[str | None]:
    """Verify the files of one source; yields each file's difference, None where there is none.

    What could be compared only within rounding is told by ``notes``.
    """
    record, is_label = checked.record, checked.is_label
    source = None if _path_named(record) is None else _source_of(runtime, folder, checked, manifest)
    grid = record.geometry if manifest.prepared is None else manifest.geometry
    comparison = None
    if source is not None:
        source = _prepared(source, manifest, is_label)
        comparison = SlabComparison(runtime, replace(manifest, plan=checked.plan), source, is_label)
        grid = source.geometry
    for slab in manifest.slabs:
        try:
            relative, checksum = checked.file_of(slab)
            path = written_part(folder, relative)
            _require_unchanged(path, relative, checksum)
            if comparison is not None:
                comparison.require_equal(path, slab, checked.plan.fill or 0.0)
            else:  # the slab was compared when it was written: it is unchanged, and in its place
                kind_of(path).verify_place(path, grid.cropped(slab.box))
            _verify_record(relative, slab, grid)
            yield None
        except SlabExporterError as error:
            yield error.sentence
    if source is None or comparison is None:
        return
    notes += [] if comparison.note is None else [comparison.note]
    if not (is_label or checked.name is None):  # further channels decide on nothing
        return
    with body_remembered():
        limits.see(source, is_label)
        if manifest.plan.left_out is not None:
            require_rightly_left_out(manifest.plan.left_out, manifest.plan.kind, source, is_label)


def _gap(manifest: Manifest) -> str | None:
    """Return a sentence on the first number that is neither a slab's nor of one that was left out, or that is both."""
    left = manifest.plan.left_out
    numbers = sorted([slab.index for slab in manifest.slabs] + [piece.index for piece in left.pieces] if left else [])
    wrong = next((n for n, found in enumerate(numbers) if n != found), None)
    return None if wrong is None else f"the manifest does not say once what became of {manifest.plan.kind} {wrong}."


def _require_unchanged(path: Path, relative: str, checksum: str | None) -> None:
    if not path.exists():
        raise InputError(f"{relative} is missing.")
    if kind_of(path).checksum(path) != checksum:
        raise InputError(f"{relative} has been changed since it was written (check sum).")


def _verify_record(relative: str, slab: SlabRecord, source: VolumeGeometry) -> None:
    difference = source.cropped(slab.box).difference(slab.geometry)
    if not difference.is_within(source.position_tolerance("float64")):
        raise InputError(f"{relative}: the manifest's affine is {difference} off the source's.")


def _path_of(folder: Path, named: str) -> Path:
    try:
        return (folder / named).resolve()
    except ValueError as error:  # a zero byte
        raise InputError(f"The manifest names a source that cannot be a file: {named!r}.") from error


def _source_of(runtime: SlicerRuntime, folder: Path, checked: _Set, manifest: Manifest) -> SourceVolume:
    record = checked.record
    path = _path_of(folder, str(record.path))
    if record.read_as is not None:
        return _made_again(runtime, path, record, manifest)
    source = _read_source(runtime, path, record, _frames_of(manifest, checked))
    if not _is_as_recorded(source, path, record):
        raise InputError(f"The source {path} has been changed since the export (check sum).")
    if record.file_geometry is None or checked.name is None:
        _require_recorded(source.geometry, record.geometry, path)
        return source
    _require_recorded(source.geometry, record.file_geometry, path)
    image = Named(manifest.case, manifest.source.geometry)
    placed = placed_again(source, image, checked.name, record.placed or {})
    _require_recorded(placed.geometry, record.geometry, path)
    return placed


def _made_again(runtime: SlicerRuntime, path: Path, record: SourceRecord, manifest: Manifest) -> SourceVolume:
    """Return a label map that was made of a file of segments, made once more."""
    if label_sha256(path, bool(record.outside_data)) != record.sha256:
        raise InputError(f"The source {path} has been changed since the export (check sum).")
    read_as = record.read_as or {}
    values = manifest.values_of(str(read_as.get("label_set")))
    file = LabelFile(path, record.nifti_transform, bool(record.outside_data), values)
    found = open_again(runtime, file, (manifest.case, manifest.source.geometry), read_as)
    _require_recorded(found.geometry, record.geometry, path)
    return found


def _require_recorded(found: VolumeGeometry, recorded: VolumeGeometry, path: Path) -> None:
    difference = found.difference(recorded)
    if not difference.same_shape:
        raise InputError(f"The source {path} has {found.shape_ijk} voxels, the manifest says {recorded.shape_ijk}.")
    if not difference.is_within(found.position_tolerance("float64")):
        raise InputError(f"The manifest's affine of the source is {difference} off the file's.")


def _prepared(source: SourceVolume, manifest: Manifest, is_label: bool) -> SourceVolume:
    """Return a source as it was cut: what was done to it is done again."""
    if manifest.prepared is None:
        return source
    preparation = recorded_preparation(manifest.source.geometry, manifest.prepared)
    return preparation.label(source) if is_label else preparation.image(source)


def _is_as_recorded(source: SourceVolume, path: Path, record: SourceRecord) -> bool:
    """Whether the check sum is the recorded one; of a huge 4D file another version may have read more or less."""
    if source.frame_only == (record.frame_sha256 is not None):
        return source.sha256 == (record.frame_sha256 if source.frame_only else record.sha256)
    return is_as_recorded(path, record)


def _frames_of(manifest: Manifest, checked: _Set) -> str | None:
    """The frames of a source that pieces hold together; None for one volume, and one label map for all of them."""
    together = manifest.frames is not None and not manifest.frames.apart
    if not together or manifest.frames is None or (checked.is_label and checked.record.frames is None):
        return None
    return ",".join(map(str, checked.record.frame_numbers or manifest.frames.numbers))


def _read_source(runtime: SlicerRuntime, path: Path, record: SourceRecord, frames: str | None) -> SourceVolume:
    """The source as it is stored; of several frames those, or the one of the record."""
    frame = record.frame if frames is None else None
    if record.series_instance_uid is not None:
        accepted = SeriesOptions(record.allow_uneven_mm, record.resampled is not None, record.allow_damaged is not None)
        series = reread(path, record.series_instance_uid, str(record.sha256))
        return open_volume(runtime, SeriesVolume(series, frame, accepted, frames))
    file = FileVolume(path, frame, record.nifti_transform, bool(record.outside_data), frames)
    return open_volume(runtime, file)
