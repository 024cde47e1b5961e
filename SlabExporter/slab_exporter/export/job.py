"""One case from its files to its folder, in whichever process: the unit of work of every run."""

from __future__ import annotations

import contextlib
import importlib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ..cases.find import Case
from ..cases.opening import image_of, open_case_labels, open_channel, request_for, with_address
from ..core.errors import Cancelled, DiskFullError, InputError, OutputError, SlabExporterError
from ..core.options import ExportRequest
from ..core.progress import Progress, ProgressEvent
from ..core.text import Option
from ..dicom.reading.pixels import needs_decoder
from ..interrupts import Beside
from ..mrml import volume_files
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..native import load_beside
from ..pipeline.case_folder import clear_leftovers
from ..pipeline.case_sources import CaseSources
from ..pipeline.one_case import export_sources
from ..volumes.reading import VolumeAhead, open_volume, read_ahead
from .earlier import earlier_run

OutcomeKind = Literal["made", "kept", "failed"]
MADE: Final = "made"
KEPT: Final = "kept"
FAILED: Final = "failed"


# The first job's image, being read while Slicer's libraries are imported.
FirstImage = Beside[VolumeAhead]


@dataclass(frozen=True)
class Job:
    """A case to be exported, and how.

    Attributes:
        case: its files.
        request: what to make.
        out: the output folder, in which the case gets a folder of its name.
        resume: leave the case as it is if it is complete already.
        debug: print a traceback on standard error when something unexpected happens.
        threads: helpers beside the one that cuts; 0 keeps the case on one processor.
        leave_aside: whoever runs the job puts the whole case in its place.
    """

    case: Case
    request: ExportRequest
    out: Path
    resume: bool = False
    debug: bool = False
    threads: int = 0
    leave_aside: bool = False

    @property
    def folder(self) -> Path:
        """The case's folder."""
        return self.out / self.case.name


@dataclass(frozen=True)
class Outcome:
    """Result of a job.

    Attributes:
        kind: "made", "kept" or "failed".
        error: why it failed.
        disk: whether the output disk is full or unwritable, so that going on is pointless.
    """

    kind: OutcomeKind
    error: SlabExporterError | None = None
    disk: bool = False


@contextlib.contextmanager
def runtime_with_first(job: Job | None) -> Iterator[tuple[SlicerRuntime, FirstImage | None]]:
    """Slicer's runtime, with the first job's image being read while it is imported; None where that is not needed."""
    if job is None or job.resume or job.case.problem is not None:
        with open_runtime() as runtime:
            runtime.load()
            yield runtime, None
        return
    image = image_of(job.case, job.request)
    with Beside(lambda: read_ahead(image)) as first, open_runtime() as runtime:
        runtime.load()
        _import_what_is_needed(job.request)  # while the image is still being read
        yield runtime, first


def _import_what_is_needed(request: ExportRequest) -> None:
    if request.verify:
        load_beside("SimpleITK", "_SimpleITK")
        importlib.import_module("SimpleITK")
    if request.format == "dicom":
        importlib.import_module("pydicom")


def run_job(runtime: SlicerRuntime, job: Job, progress: Progress, first: FirstImage | None = None) -> Outcome:
    """Export one case; whatever goes wrong with it is its outcome.

    Args:
        runtime: Slicer's classes.
        job: the case and what to make of it.
        progress: called with every event; may raise ``Cancelled``.
        first: its image being read already.

    Raises:
        Cancelled: by ``progress``.
        BrokenPipeError: by ``progress``: nobody listens any more.
    """
    case = job.case
    try:
        if case.problem is not None:
            raise InputError(case.problem)
        request = request_for(case, job.request)
        if job.resume:
            earlier = earlier_run(case, job.folder, request)
            if earlier.manifest is not None:
                slabs = len(earlier.manifest.slabs)
                kind = earlier.manifest.plan.kind
                progress(ProgressEvent("case-skipped", case.name, slabs, slabs, "complete already", piece=kind))
                return Outcome(KEPT)
            if earlier.why_not is not None:
                progress(ProgressEvent("warning", case.name, message=case.told(earlier.why_not)))
        sources = read_case(runtime, case, request, None if first is None else first.take())
        export_sources(
            runtime, sources, request, job.folder, progress, threads=job.threads, leave_aside=job.leave_aside
        )
        return Outcome(MADE)
    except (Cancelled, BrokenPipeError):
        raise
    except Exception as error:
        if job.debug:
            traceback.print_exc()
        remove_unfinished(job)
        return Outcome(FAILED, _told(case, _as_sentence(case, error)), isinstance(error, DiskFullError))


def _told(case: Case, error: SlabExporterError) -> SlabExporterError:
    """The error, with addresses instead of scratch files."""
    return type(error)(case.told(error.sentence), option=error.option) if case.addresses else error


def _as_sentence(case: Case, error: Exception) -> SlabExporterError:
    if isinstance(error, SlabExporterError):
        return error
    if isinstance(error, MemoryError):
        return InputError(f"{case.image} does not fit into this machine's memory.")
    if isinstance(error, OSError) and error.filename is not None:
        names = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        return OutputError(f"{names} cannot be read or written: {error.strerror or error}.")
    return SlabExporterError(
        f"{case.image} met something unexpected ({type(error).__name__}: {str(error).strip() or 'no reason given'}); "
        "add ",
        Option.on("debug"),
        " to see where, and please report it.",
    )


def remove_unfinished(job: Job) -> None:
    """Remove what a case that was not completed has left; an earlier, complete one stays."""
    with contextlib.suppress(OSError):
        clear_leftovers(job.folder)


def reads_without_itk(case: Case) -> bool:
    """Return whether a case is read without ITK, which may not survive a damaged file."""
    files = [one.image for one in case.images if one.series is None]
    planes = (plane for one in case.images if one.series is not None for plane in one.series.slices)
    decoded = any(needs_decoder(plane.pixel) for plane in planes)
    return not decoded and all(map(volume_files.reads_without_itk, (*files, *case.labels.values())))


def read_case(
    runtime: SlicerRuntime, case: Case, request: ExportRequest, ahead: VolumeAhead | None = None
) -> CaseSources:
    """Images and label maps of a case in memory.

    Args:
        runtime: Slicer's classes.
        case: its files.
        request: frame and NIfTI transform of the image, what is accepted of a series.
        ahead: the image as far as it has been read already; None: not at all.

    Raises:
        InputError: a file that cannot be used.
    """
    image = open_volume(runtime, image_of(case, request), ahead)
    labels = open_case_labels(runtime, case, request, image)
    channels = {name: open_channel(runtime, case, channel, request, image) for name, channel in case.channels.items()}
    image = with_address(image, case)
    labels = {name: with_address(label, case) for name, label in labels.items()}
    channels = {name: with_address(channel, case) for name, channel in channels.items()}
    sources = CaseSources(case.name, image, labels, case.channel, channels)
    return sources.as_written_in(request.format)
