"""One case from its files to its folder, in whichever process: the unit of work of every run."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..cases.find import Case
from ..core.errors import Cancelled, DiskFullError, InputError, SlabExporterError
from ..core.manifest import FILE_NAME
from ..core.options import ExportRequest
from ..core.progress import Progress, ProgressEvent
from ..core.volume import SourceVolume
from ..files.stored import StoredVolume
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..pipeline.one_case import export_sources, remove_case_files
from .case_reading import prefetch_image, read_case
from .resume import earlier_run

MADE, KEPT, FAILED = "made", "kept", "failed"


@dataclass(frozen=True)
class Job:
    """What to do with a case.

    Attributes:
        case: its files.
        request: what to make.
        out: the output folder, in which the case gets a folder of its name.
        resume: leave the case as it is if it is complete already.
        debug: print a traceback on standard error when something unexpected happens.
        threads: helpers beside the one that cuts; 0 keeps the case on one processor.
    """

    case: Case
    request: ExportRequest
    out: Path
    resume: bool = False
    debug: bool = False
    threads: int = 0

    @property
    def folder(self) -> Path:
        """The case's folder."""
        return self.out / self.case.name


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        kind: "made", "kept" or "failed".
        error: why it failed.
        disk: whether the output disk is full or unwritable, so that going on is pointless.
    """

    kind: str
    error: SlabExporterError | None = None
    disk: bool = False


class FirstImage:
    """The first job's image, being read while Slicer's libraries are imported; given away once."""

    def __init__(self, pool: ThreadPoolExecutor, job: Job | None) -> None:
        self._reading: Future[StoredVolume | SourceVolume | None] | None = None
        if job is not None and not job.resume and job.case.problem is None:
            self._reading = pool.submit(prefetch_image, job.case, job.request)

    def take(self) -> StoredVolume | SourceVolume | None:
        """The image, or None if it was not read or has been taken: nothing here keeps it in memory.

        Raises:
            InputError: the file cannot be used.
        """
        reading, self._reading = self._reading, None
        return None if reading is None else reading.result()


@contextlib.contextmanager
def runtime_with_first(job: Job | None) -> Iterator[tuple[SlicerRuntime, FirstImage]]:
    """Slicer's runtime, with the first job's image being read while it is imported."""
    with ThreadPoolExecutor(1) as pool:
        first = FirstImage(pool, job)
        with open_runtime() as runtime:
            yield runtime, first


def run_job(runtime: SlicerRuntime, job: Job, progress: Progress, first: FirstImage | None = None) -> Outcome:
    """Export one case; whatever goes wrong with it is its outcome.

    Args:
        runtime: Slicer's classes.
        job: the case and what to make of it.
        progress: told of everything; may raise ``Cancelled``.
        first: its image being read already.

    Raises:
        Cancelled: by ``progress``.
        BrokenPipeError: by ``progress``: nobody listens any more.
    """
    case = job.case
    try:
        if case.problem is not None:
            raise InputError(case.problem)
        if job.resume:
            earlier = earlier_run(case, job.folder, job.request)
            if earlier.manifest is not None:
                slabs = len(earlier.manifest.slabs)
                progress(ProgressEvent("case-skipped", case.name, slabs, slabs, "complete already"))
                return Outcome(KEPT)
            if earlier.why_not is not None:
                progress(ProgressEvent("warning", case.name, message=earlier.why_not))
        sources = read_case(runtime, case, job.request, None if first is None else first.take())
        export_sources(runtime, sources, job.request, job.folder, progress, threads=job.threads)
        return Outcome(MADE)
    except (Cancelled, BrokenPipeError):
        raise
    except Exception as error:
        if job.debug:
            traceback.print_exc()
        remove_unfinished(job)
        return Outcome(FAILED, _as_sentence(case, error), isinstance(error, DiskFullError))


def _as_sentence(case: Case, error: Exception) -> SlabExporterError:
    if isinstance(error, SlabExporterError):
        return error
    if isinstance(error, MemoryError):
        return InputError(f"{case.image} does not fit into this machine's memory.")
    return SlabExporterError(
        f"{case.image} met something unexpected ({type(error).__name__}: {str(error).strip() or 'no reason given'}); "
        "add --debug to see where, and please report it."
    )


def remove_unfinished(job: Job) -> None:
    """Remove what a case that was not completed has left; a complete case stays."""
    folder = job.folder
    if folder.is_dir() and not (folder / FILE_NAME).exists():
        with contextlib.suppress(OSError):
            remove_case_files(folder, job.case.name)
            folder.rmdir()
