"""What an earlier run of a case has left: complete and the same, or to be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cases.channels.channel import Channel
from ..cases.find import Case
from ..core.errors import InputError, SlabExporterError
from ..core.manifest import FILE_NAME, Manifest, read_manifest
from ..core.options import ExportRequest
from ..core.options.entries import differences, values_in
from ..core.records import SourceRecord
from ..dicom.reading.scan import series_sha256
from ..files.disk import written_part
from ..files.nifti_voxels import is_as_recorded
from ..pipeline.formats.table import kind_of
from ..pipeline.gradients import require_unchanged_tables
from ..pipeline.one_case import asked_options
from ..volumes.labels.opening import label_sha256


@dataclass(frozen=True)
class Earlier:
    """Remains of an earlier run of a case.

    Attributes:
        manifest: if the case is complete and can stay.
        why_not: if it was completed once, but from something else: a sentence.
    """

    manifest: Manifest | None = None
    why_not: str | None = None


def earlier_run(case: Case, folder: Path, request: ExportRequest) -> Earlier:
    """Judge a case's folder.

    Raises:
        InputError: the request's ROI file cannot be read.
    """
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except SlabExporterError:
        return Earlier()
    changed = _difference(case, folder, request, manifest)
    return Earlier(manifest) if changed is None else Earlier(why_not=f"{changed}: made again")


def _difference(case: Case, folder: Path, request: ExportRequest, manifest: Manifest) -> str | None:
    asked = asked_options(request)
    if manifest.plan.asked != asked:
        return f"the options have changed since it was exported{_changes(manifest.plan.asked or {}, asked)}"
    sets = _label_sets(manifest)
    if manifest.case != case.name or sets.keys() != case.labels.keys():
        return "other label sets were exported"
    if any(not manifest.values_of(name).items() <= values.items() for name, values in case.structures.items()):
        return "its structures have other values now"
    if manifest.frames is not None and manifest.frames.apart:
        manifest = manifest.of_channel(None)  # the channels are frames of one source
    if manifest.channel_names != ((case.channel, *case.channels) if case.channel else ()):
        return "other channels were exported"
    images = manifest.sources[: 1 + len(manifest.channels)]
    labels = [case.labels[name] for name in sets]
    for record, source in zip((*images, *sets.values()), (*case.images, *labels), strict=True):
        if not _is_as_recorded(source, record):
            path = source if isinstance(source, Path) else source.image
            return f"{path} has changed since it was exported"
    for slab in manifest.slabs:
        for name in slab.files:
            if not written_part(folder, name).exists():
                return f"{name} is missing"
        for name in slab.images:
            shortfall = kind_of(folder / name).shortfall(folder / name, slab.geometry)
            if shortfall is not None:
                return f"{name} {shortfall}"
    try:
        require_unchanged_tables(manifest.frames, folder)
    except InputError as error:
        return str(error.sentence.without_full_stop())
    return _damaged(folder, manifest)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which options differ, in brackets; nothing where that is hidden."""
    try:
        told = differences(values_in(before), values_in(now))
    except KeyError:  # of a later version
        return ""
    return f" ({'; '.join(told)})" if told else ""


def _label_sets(manifest: Manifest) -> dict[str, SourceRecord]:
    """Return the label sets that were asked for; several label maps may have been made of one."""
    sets: dict[str, SourceRecord] = {}
    for name, record in manifest.label_sources.items():
        sets.setdefault(str((record.read_as or {}).get("label_set", name)), record)
    return sets


def _damaged(folder: Path, manifest: Manifest) -> str | None:
    """The first slab that is not as it was written, as after a crash of the machine; None if all are."""
    for slab in manifest.slabs:
        for path, sha256 in slab.files.items():
            if sha256 is not None and kind_of(folder / path).checksum(folder / path) != sha256:
                return f"{path} is not as it was written"
    return None


def _is_as_recorded(source: Case | Channel | Path, record: SourceRecord) -> bool:
    """Whether an image or a label file is the one that was exported; not where it is gone."""
    try:
        if record.read_as is not None and isinstance(source, Path):
            return label_sha256(source, bool(record.outside_data)) == record.sha256
        if isinstance(source, Path):
            return is_as_recorded(source, record)
        if source.frame is not None and source.frame != (record.frame or 0):
            return False
        if source.series is not None:
            return series_sha256(source.series) == record.sha256
        return is_as_recorded(source.image, record)
    except (OSError, InputError):
        return False
