"""Whether a case is complete already: the same sources and the same options as when it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..cases.find import Case
from ..core.errors import SlabExporterError
from ..core.manifest import FILE_NAME, Manifest, read_manifest
from ..core.options import ExportRequest
from ..dicom.reading.scan import series_sha256
from ..files.checksum import file_sha256
from ..pipeline.formats import slab_sha256
from ..pipeline.one_case import asked_options


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left of a case.

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


def complete_manifest(case: Case, folder: Path, request: ExportRequest) -> Manifest | None:
    """The manifest of a case that an earlier run completed from the same sources with the same options."""
    return earlier_run(case, folder, request).manifest


def _difference(case: Case, folder: Path, request: ExportRequest, manifest: Manifest) -> str | None:
    if manifest.plan.get("asked") != asked_options(request):
        return "the options have changed since it was exported"
    recorded = {"image": manifest.source} | manifest.label_sources
    files = {"image": case.image} | case.labels
    if manifest.case != case.name or recorded.keys() != files.keys():
        return "other label sets were exported"
    for name, path in files.items():
        if _source_sha256(case, path) != recorded[name].get("sha256"):
            return f"{path} has changed since it was exported"
    for slab in manifest.slabs:
        for name in (slab.image, *slab.labels.values()):
            if not (folder / name).exists():
                return f"{name} is missing"
        images = len(list((folder / slab.image).glob("*.dcm")))
        if (folder / slab.image).is_dir() and images != slab.geometry.shape_ijk[2]:
            return f"{slab.image} has {images} images instead of {slab.geometry.shape_ijk[2]}"
    return _damaged(folder, manifest)


def _damaged(folder: Path, manifest: Manifest) -> str | None:
    """The first slab that is not as it was written, as after a crash of the machine; None if all are."""
    for slab in manifest.slabs:
        written = {slab.image: slab.sha256} | {slab.labels[name]: sha for name, sha in slab.labels_sha256.items()}
        for path, sha256 in written.items():
            if slab_sha256(folder / path) != sha256:
                return f"{path} is not as it was written"
    return None


def _source_sha256(case: Case, path: Path) -> str | None:
    """Check sum of a case's image or of one of its label files; None where it is gone."""
    try:
        if case.series is not None and path == case.image:
            return series_sha256(case.series)
        return file_sha256(path)
    except OSError:
        return None
