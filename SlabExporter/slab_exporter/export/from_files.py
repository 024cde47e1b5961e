"""An export from the cases to the finished output folder: run them, here, in processes or on a cluster; sum up."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..cases.find import Case
from ..cases.parts import deal
from ..core.errors import InputError, OutputError, RequestError, SlabExporterError, VerificationError
from ..core.manifest import Manifest, read_manifest
from ..core.options import DataSetOptions, ExportRequest
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.text import Option, Sentence, as_stored, command_words, in_words
from ..files.disk import refuses_writing
from ..files.machine import THREADS, usable_processors
from ..mrml.runtime import running_in_application
from ..pipeline.case_folder import remove_empty_folders_aside
from ..pipeline.limiting import require_sound
from .data_set import DataSetFiles, case_manifests, dealt_cases, holds_case, refuse_named_cases
from .identity import deidentified
from .job import Job, Outcome, read_case, reads_without_itk, run_job, runtime_with_first
from .key_file import require_deidentify, write_key_file
from .nnunet import laid_out, require_layout
from .options_file import write_options
from .output_folder import clear_interrupted, locked, make_output, refuse_other_content
from .pool import run_in_workers
from .survey import default_jobs, require_shared, survey_case


@dataclass(frozen=True)
class RunOptions:
    """Settings of how an export runs, as opposed to what it produces.

    Attributes:
        jobs: processes, each on one processor; None for all processors (then a process has helper
            threads where there are fewer cases than processors), and for no process beside this one
            with a single case and inside the Slicer application.
        dask: address of a Dask scheduler (or its scheduler file), instead of processes here.
        shard: (number from 1, of how many): export this part of the cases, and leave the files
            about the whole data set to a last run without it.
        data_set: how its cases were found and are dealt.
        debug: print a traceback when something unexpected happens.
        key_file: a new table of what deidentified cases were called, outside of the output folder.

    Raises:
        RequestError: with the value.
    """

    jobs: int | None = None
    dask: str | None = None
    shard: tuple[int, int] | None = None
    data_set: DataSetOptions = field(default_factory=DataSetOptions)
    debug: bool = False
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise RequestError(Option("jobs"), f" must be 1 or more; it is {self.jobs}.")
        if self.shard is not None and not 1 <= self.shard[0] <= self.shard[1]:
            raise RequestError(
                Option.to("shard", f"{self.shard[0]}/{self.shard[1]}"), " does not exist; use 1/N to N/N."
            )


_MAKE_ROOM = Sentence(" Make room and go on with ", Option.on("resume"), ".")


@dataclass(frozen=True)
class Failure:
    """A case that could not be exported, and why."""

    case: str
    error: SlabExporterError


@dataclass(frozen=True)
class ExportResult:
    """Result of an export: its cases in their order.

    Attributes:
        manifests: of the complete cases.
        failures: of the others.
        problems: sentences about the run as a whole: why cases were not begun, what is not written.
    """

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    problems: tuple[str, ...] = field(default=())


def export_cases(
    cases: list[Case],
    out: Path,
    request: ExportRequest,
    progress: Progress = no_progress,
    resume: bool = False,
    overwrite: bool = False,
    run: RunOptions | None = None,
) -> ExportResult:
    """Export cases into ``out``; one that fails, or crashes its process, does not stop the others.

    Args:
        cases: distinct names, as ``find_cases`` makes them.
        out: output folder; made if missing. A second run in it at the same time is refused.
        request: what to make of each.
        progress: called with every event; may raise ``Cancelled``.
        resume: go on with an earlier export: complete cases of the same sources and options stay.
        overwrite: replace cases that an earlier export left in ``out``.
        run: processes, cluster, shard, split; None for what suits the machine.

    Raises:
        OutputError: ``out`` cannot be used at all.
        Cancelled: by ``progress``; cases finished before stay.
    """
    run = run or RunOptions()
    require_deidentify(run.key_file, request)
    require_sound(cases, request)
    require_layout(cases, request, run.data_set)
    require_shared(cases, run.dask)
    if request.deidentify and any(case.original is None for case in cases):
        cases = deidentified(cases)
    make_output(cases, out)
    with locked(out, run.shard) as lock:
        refuse_other_content(out, resume, overwrite, run.shard is not None)
        if request.deidentify:
            refuse_named_cases(out)
        # Shards find each other's cases in the folder, and are begun again by a cluster's queue.
        resume = resume or (run.shard is not None and not overwrite)
        if run.key_file is not None:
            write_key_file(run.key_file, cases, out, resume, overwrite)
        if (changed := write_options(out, request, run.data_set, resume)) is not None:
            progress(ProgressEvent("warning", out.name, message=changed))
        mine = cases if run.shard is None else cases[run.shard[0] - 1 :: run.shard[1]]
        files = None
        notes: tuple[str, ...] = ()
        if run.shard is None:
            clear_interrupted(out)
            dealt = deal(cases, run.data_set.split, run.data_set.seed)
            files, notes = DataSetFiles(out, dealt_cases(cases, dealt.parts)), dealt.warnings
            for sentence in notes:
                progress(ProgressEvent("warning", out.name, message=sentence))
        aside, threads = files is not None and files.there, _threads(run, len(mine))
        jobs = [Job(case, request, out, resume, run.debug, threads, aside) for case in mine]
        outcomes = _run_all(jobs, run, progress, lock, files)
        return _result(mine, out, outcomes) if files is None else _sum_up(cases, outcomes, files, notes, progress, run)


def _run_all(
    jobs: Sequence[Job], run: RunOptions, progress: Progress, lock: tuple[int, ...], files: DataSetFiles | None
) -> dict[int, Outcome]:
    """Run the jobs; cases that wait aside take their places together with the files that name them."""
    outcomes: dict[int, Outcome] = {}
    errors: list[tuple[str, str, str]] = []
    try:
        with closing(_outcomes(jobs, run, progress, lock)) as ended:
            for number, outcome in ended:
                job = jobs[number]
                outcomes[number] = _said_what_stays(job, outcome)
                if outcome.kind == "made" and job.leave_aside and files is not None:
                    with suppress(OutputError):  # tried again at the end, and said there
                        files.case_is_whole(job.folder, errors)
                if (error := outcomes[number].error) is not None:
                    errors.append(_error_row(job.case, error))
                    progress(ProgressEvent("case-failed", job.case.name, message=error.sentence))
    except BaseException:
        if files is not None and files.there:
            with suppress(OutputError):
                files.write(errors)
        raise
    finally:
        if files is not None:
            remove_empty_folders_aside(files.out)
    return outcomes


def _said_what_stays(job: Job, outcome: Outcome) -> Outcome:
    """The outcome, with a word on an earlier export of the case that a failure has left alone."""
    if outcome.error is None or not holds_case(job.folder):
        return outcome
    kind = type(outcome.error)
    return replace(outcome, error=kind(outcome.error.sentence, " The earlier export of this case stays as it was."))


def _outcomes(
    jobs: Sequence[Job], run: RunOptions, progress: Progress, lock: tuple[int, ...]
) -> Generator[tuple[int, Outcome]]:
    """Run the jobs where the options say.

    A single case runs in this process, which starts soonest; unless ITK would have to make sense of
    a damaged header, which it may not survive.
    """
    if run.dask is not None:
        from .dask_cluster import run_on_dask

        return run_on_dask(jobs, run.dask, progress)
    alone = len(jobs) < 2 and all(reads_without_itk(job.case) for job in jobs)
    if alone or (run.jobs is None and running_in_application()):
        return _run_here(jobs, progress)
    memory = [survey_case(job.case, job.request).memory for job in jobs]
    return run_in_workers(jobs, memory, run.jobs or default_jobs(len(jobs)), progress, lock)


def _threads(run: RunOptions, cases: int) -> int:
    """Helper threads of a case: none where each processor has a case of its own, or the user counts processors."""
    counted = run.jobs is not None or run.dask is not None
    to_spare = default_jobs(cases) < usable_processors() or running_in_application()
    return THREADS if to_spare and not counted else 0


def _run_here(jobs: Sequence[Job], progress: Progress) -> Generator[tuple[int, Outcome]]:
    """In this process, one after the other."""
    with runtime_with_first(jobs[0] if jobs else None) as (runtime, first):
        for number, job in enumerate(jobs):
            outcome = run_job(runtime, job, progress, first)
            yield number, outcome
            if outcome.disk:
                return


def _result(cases: list[Case], out: Path, outcomes: dict[int, Outcome]) -> ExportResult:
    manifests = []
    failures = []
    for number, outcome in sorted(outcomes.items()):
        case = cases[number]
        try:
            if outcome.error is not None:
                raise outcome.error
            manifests.append(read_manifest(out / case.name))
        except SlabExporterError as error:
            failures.append(Failure(case.name, error))
    return ExportResult(tuple(manifests), tuple(failures), _not_begun(cases, out, outcomes))


def _not_begun(cases: list[Case], out: Path, outcomes: dict[int, Outcome]) -> tuple[str, ...]:
    left = len(cases) - len(outcomes)
    said = f"{out} cannot be written any more (disk full?); {left} of {len(cases)} cases were not begun."
    return (said + _MAKE_ROOM,) if left else ()


def _sum_up(
    cases: list[Case],
    outcomes: dict[int, Outcome],
    files: DataSetFiles,
    dealt: Sequence[str],
    progress: Progress,
    run: RunOptions,
) -> ExportResult:
    """Write the files about the whole data set; ``dealt`` are the sentences on what its parts came to."""
    out, failed, notes = files.out, [], _others(files.out, cases)
    problems: list[str] = []
    for sentence in notes:
        progress(ProgressEvent("warning", out.name, message=sentence))
    for number, outcome in sorted(outcomes.items()):
        if outcome.error is not None:
            failed.append(_error_row(cases[number], outcome.error))
    place = Path("OUT") if any(case.original is not None for case in cases) else out
    try:
        files.write(failed, as_stored([*_not_begun(cases, place, outcomes), *notes, *dealt]))
    except OutputError as error:
        problems.append(error.sentence + _MAKE_ROOM if refuses_writing(out) else error.sentence)
    problems += laid_out(out, files.listed, run.data_set, progress)
    remove_empty_folders_aside(out)
    result = _result(cases, out, outcomes)
    return replace(result, problems=(*result.problems, *problems))


def _error_row(case: Case, error: SlabExporterError) -> tuple[str, str, str]:
    """Case, image and sentence for errors.csv; of a case without a name of its own what kind of error it was."""
    if case.original is None:
        return case.name, case.told(str(case.image)), in_words(error.sentence, command_words)
    kind = next((text for of, text in _KINDS_OF_ERRORS if isinstance(error, of)), "Something unexpected happened.")
    return case.name, "", f"{kind} The sentence that was shown may name the source and is not kept here."


_KINDS_OF_ERRORS = (
    (InputError, "The source cannot be used."),
    (RequestError, "The options do not fit the source."),
    (OutputError, "The slabs could not be written."),
    (VerificationError, "The slabs that were written differ from the source."),
)


def _others(out: Path, cases: list[Case]) -> list[str]:
    ours = {case.name for case in cases}
    others = [path.parent.name for path in case_manifests(out) if path.parent.name not in ours]
    if not others:
        return []
    names = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return [
        f"The output folder also holds complete cases of an earlier export that this run was not asked for ({names}; "
        f"{len(others)} in all); they stay, and the tables list them too."
    ]


__all__ = ["ExportResult", "Failure", "RunOptions", "export_cases", "read_case"]
