"""An export from the arguments to the output folder: cases one after the other, then the tables."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from .cases import Case
from .dicom.load import load_series
from .dicom.scan import series_sha256
from .files.checksum import file_sha256
from .files.nifti_voxels import StoredNifti
from .mrml.runtime import SlicerRuntime, open_runtime
from .mrml.volume_files import place, prefetch
from .pipeline import SCRATCH, CaseSources, asked_options, export_sources
from .progress import Progress, ProgressEvent, no_progress
from .pure.errors import Cancelled, InputError, OutputError, SlabExporterError
from .pure.manifest import FILE_NAME, Manifest, read_manifest
from .pure.reindexing import reindexed_onto
from .pure.request import ExportRequest
from .pure.source import SourceVolume

SLABS_TABLE = "slabs.csv"
ERRORS_TABLE = "errors.csv"


@dataclass(frozen=True)
class Failure:
    """A case that could not be exported, and why."""

    case: str
    error: SlabExporterError


@dataclass(frozen=True)
class ExportResult:
    """What became of the cases, in their order."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]


def export_cases(
    cases: list[Case],
    out: Path,
    request: ExportRequest,
    progress: Progress = no_progress,
    resume: bool = False,
    overwrite: bool = False,
) -> ExportResult:
    """Export cases one after the other into ``out``; one that fails does not stop the others.

    Args:
        cases: distinct names, as ``find_cases`` makes them.
        out: output folder; made if missing.
        request: what to make of each.
        progress: told of everything; may raise ``Cancelled``.
        resume: go on with an earlier export: complete cases of the same sources and options stay.
        overwrite: replace cases that an earlier export left in ``out``.

    Raises:
        OutputError: ``out`` cannot be used at all.
        Cancelled: by ``progress``; cases finished before stay.
    """
    prepare_output(cases, out, resume, overwrite)
    manifests: list[Manifest] = []
    failures: list[Failure] = []
    with _reader(cases, request) as (first, runtime):
        for n, case in enumerate(cases):
            try:
                if resume and (kept := complete_manifest(case, out / case.name, request)) is not None:
                    manifests.append(kept)
                    progress(
                        ProgressEvent("case-skipped", case.name, len(kept.slabs), len(kept.slabs), "complete already")
                    )
                    continue
                stored = first.result() if n == 0 and first is not None else None
                sources = read_case(runtime, case, request, stored)
                manifests.append(export_sources(runtime, sources, request, out / case.name, progress))
            except Cancelled:
                raise
            except (SlabExporterError, MemoryError) as error:
                failures.append(Failure(case.name, _as_sentence(case, error)))
                progress(ProgressEvent("case-failed", case.name, message=str(failures[-1].error)))
    result = ExportResult(tuple(manifests), tuple(failures))
    write_tables(out, result)
    return result


@contextmanager
def _reader(
    cases: list[Case], request: ExportRequest
) -> Iterator[tuple[Future[StoredNifti | SourceVolume | None] | None, SlicerRuntime]]:
    """Slicer's runtime, with the first file being read while it is imported."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(prefetch_image, cases[0], request) if cases else None
        with open_runtime() as runtime:
            yield first, runtime


def prefetch_image(case: Case, request: ExportRequest) -> StoredNifti | SourceVolume | None:
    """The part of reading a case's image that needs no Slicer; for a DICOM series that is all of it.

    Raises:
        InputError: a file that cannot be used.
    """
    if case.series is not None:
        return load_series(case.series, request.series, request.frame)
    return prefetch(case.image, request.frame, request.nifti_transform)


def read_case(
    runtime: SlicerRuntime, case: Case, request: ExportRequest, stored: StoredNifti | SourceVolume | None = None
) -> CaseSources:
    """Image and label maps of a case in memory.

    Args:
        runtime: Slicer's classes.
        case: its files.
        request: frame and NIfTI transform of the image.
        stored: what ``prefetch_image`` returned for the case, where it has run already.

    Raises:
        InputError: a file that cannot be used.
    """
    if stored is None:
        stored = prefetch_image(case, request)
    image = stored if isinstance(stored, SourceVolume) else place(runtime, case.image, stored, request.nifti_transform)
    labels = {name: read_volume(runtime, path) for name, path in case.labels.items()}
    if case.series is not None:
        labels = {name: reindexed_onto(label, image.geometry) for name, label in labels.items()}
    return CaseSources(case.name, image, labels)


def read_volume(
    runtime: SlicerRuntime, path: Path, frame: int | None = None, transform: str | None = None
) -> SourceVolume:
    """One volume file in memory, in the file's index order.

    Raises:
        InputError: it cannot be used.
    """
    return place(runtime, path, prefetch(path, frame, transform), transform)


def prepare_output(cases: list[Case], out: Path, resume: bool, overwrite: bool) -> None:
    """Make the output folder, or refuse one that is in use.

    Raises:
        OutputError: it holds other things, holds a source, is a file, or cannot be written.
    """
    for case in cases:
        for path in (case.image, *case.labels.values()):
            if path.resolve().parent == out.resolve():
                raise OutputError(f"The output folder {out} is where the source {path.name} lies; choose another one.")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; the output must be a folder.")
    if out.is_dir() and any(out.iterdir()) and not (resume or overwrite):
        raise OutputError(
            f"The output folder {out} is not empty. Choose another one, or add --resume to go on with an "
            "earlier export, or --overwrite to replace it."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{SCRATCH}-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"The output folder {out} cannot be written: {error.strerror or error}.") from error


def complete_manifest(case: Case, folder: Path, request: ExportRequest) -> Manifest | None:
    """The manifest of a case that an earlier run completed from the same sources with the same options."""
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except InputError:
        return None
    recorded = {"image": manifest.source} | manifest.label_sources
    files = {"image": case.image} | case.labels
    same = (
        manifest.case == case.name
        and manifest.plan.get("asked") == asked_options(request)
        and recorded.keys() == files.keys()
        and all(source_sha256(case, path) == recorded[name].get("sha256") for name, path in files.items())
        and all((folder / path).exists() for slab in manifest.slabs for path in (slab.image, *slab.labels.values()))
    )
    return manifest if same else None


def source_sha256(case: Case, path: Path) -> str | None:
    """Check sum of a case's image or of one of its label files; None where it is gone."""
    if case.series is not None and path == case.image:
        return series_sha256(case.series)
    return file_sha256(path) if path.is_file() else None


def _as_sentence(case: Case, error: Exception) -> SlabExporterError:
    if isinstance(error, SlabExporterError):
        return error
    return InputError(f"{case.image} does not fit into this machine's memory.")


def write_tables(out: Path, result: ExportResult) -> None:
    """slabs.csv for people, errors.csv if a case failed.

    Raises:
        OutputError: a table could not be written.
    """
    rows = [
        [
            manifest.case,
            slab.index,
            f"{manifest.case}/{slab.image}",
            ";".join(f"{manifest.case}/{path}" for path in slab.labels.values()),
            *slab.box.start,
            *slab.box.stop,
            *(f"{n:.6g}" for n in slab.geometry.spacing),
            slab.verified,
            slab.statistics.get("min"),
            slab.statistics.get("max"),
            slab.statistics.get("mean"),
        ]
        for manifest in result.manifests
        for slab in manifest.slabs
    ]
    header = ["case", "slab", "image", "labels", *(f"{c}_{e}" for e in ("start", "stop") for c in "ijk")]
    header += ["spacing_i_mm", "spacing_j_mm", "spacing_k_mm", "verified", "min", "max", "mean"]
    _write_table(out / SLABS_TABLE, header, rows)
    errors = out / ERRORS_TABLE
    if result.failures:
        _write_table(errors, ["case", "error"], [[f.case, str(f.error)] for f in result.failures])
    else:
        errors.unlink(missing_ok=True)


def _write_table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    temporary = path.with_name(f"{SCRATCH}-{path.name}")
    try:
        temporary.write_text(text.getvalue(), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}.") from error
