"""An export from the cases to the finished output folder: run them, here, in processes or on a cluster; sum up."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ..cases.find import Case
from ..core.errors import OutputError, RequestError, SlabExporterError
from ..core.manifest import Manifest, read_manifest
from ..core.options import ExportRequest
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.text import Option, Sentence, as_stored, command_words, in_words
from ..files.machine import THREADS, usable_processors
from ..mrml.runtime import running_in_application
from ..report.dataset import PARTS, ListedManifest, split_groups
from ..report.summary import write_errors_table, write_summary
from ..volumes.reading import read_volume
from .job import Job, Outcome, read_case, reads_without_itk, run_job, runtime_with_first
from .output_folder import begin, locked, make_output, other_cases, refuse_other_content
from .pool import run_in_workers
from .survey import default_jobs, survey_case


@dataclass(frozen=True)
class RunOptions:
    """How an export is run, as against what it makes.

    Attributes:
        jobs: processes, each on one processor; None for all processors (then a process has helper
            threads where there are fewer cases than processors), and for no process beside this one
            with a single case and inside the Slicer application.
        dask: address of a Dask scheduler (or its scheduler file), instead of processes here.
        shard: (number from 1, of how many): export this part of the cases, and leave the files
            about the whole data set to a last run without it.
        split: shares of training, validation and test, adding up to 1; None for all in training.
        seed: of the split.
        debug: print a traceback when something unexpected happens.

    Raises:
        RequestError: with the value.
    """

    jobs: int | None = None
    dask: str | None = None
    shard: tuple[int, int] | None = None
    split: tuple[float, ...] | None = None
    seed: int = 0
    debug: bool = False

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
    """What became of the cases, in their order.

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
        progress: told of everything; may raise ``Cancelled``.
        resume: go on with an earlier export: complete cases of the same sources and options stay.
        overwrite: replace cases that an earlier export left in ``out``.
        run: processes, cluster, shard, split; None for what suits the machine.

    Raises:
        OutputError: ``out`` cannot be used at all.
        Cancelled: by ``progress``; cases finished before stay.
    """
    run = run or RunOptions()
    make_output(cases, out)
    with locked(out, run.shard) as lock:
        refuse_other_content(out, resume, overwrite, run.shard is not None)
        # Shards find each other's cases in the folder, and are begun again by a cluster's queue.
        resume = resume or (run.shard is not None and not overwrite)
        mine = cases if run.shard is None else cases[run.shard[0] - 1 :: run.shard[1]]
        if run.shard is None:
            begin(out)
        jobs = [Job(case, request, out, resume, run.debug, _threads(run, len(mine))) for case in mine]
        outcomes: dict[int, Outcome] = {}
        with closing(_outcomes(jobs, run, progress, lock)) as ended:
            for number, outcome in ended:
                outcomes[number] = outcome
                if outcome.error is not None:
                    progress(ProgressEvent("case-failed", mine[number].name, message=outcome.error.sentence))
        result = _result(mine, out, outcomes)
        if run.shard is None:
            result = _sum_up(mine, out, result, run, progress)
    return result


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
    problems = []
    left = len(cases) - len(outcomes)
    if left:
        problems.append(
            f"{out} cannot be written any more (disk full?); {left} of {len(cases)} cases were not begun." + _MAKE_ROOM
        )
    return ExportResult(tuple(manifests), tuple(failures), tuple(problems))


def _sum_up(cases: list[Case], out: Path, result: ExportResult, run: RunOptions, progress: Progress) -> ExportResult:
    """Write the files about the whole data set."""
    problems = list(result.problems)
    left_out = _left_out(out, cases)
    for sentence in left_out:
        progress(ProgressEvent("warning", out.name, message=sentence))
    listed = listed_manifests(cases, result.manifests, run)
    by_name = {case.name: case for case in cases}
    errors = [(f.case, str(by_name[f.case].image), in_words(f.error.sentence, command_words)) for f in result.failures]
    try:
        if listed:
            write_summary(out, listed, errors, as_stored([*problems, *left_out]))
        else:  # no data set to speak of
            write_errors_table(out, errors)
    except OutputError as error:
        problems.append(error.sentence + _MAKE_ROOM)
    return ExportResult(result.manifests, result.failures, tuple(problems))


def _left_out(out: Path, cases: list[Case]) -> list[str]:
    others = other_cases(out, cases)
    if not others:
        return []
    names = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return [
        f"The output folder also holds complete cases of an earlier export that this run was not asked for ({names}; "
        f"{len(others)} in all); the tables leave them out."
    ]


def listed_manifests(cases: list[Case], manifests: Sequence[Manifest], run: RunOptions) -> list[ListedManifest]:
    """The complete cases with their groups and the part of the split that each belongs to."""
    by_name = {case.name: case for case in cases}
    groups = {name: case.group or name for name, case in by_name.items()}
    # All cases are dealt, complete or not, so that a case that fails today moves no other one.
    parts = {} if run.split is None else split_groups(list(groups.values()), run.split, run.seed)
    return [
        ListedManifest(m, groups[m.case], parts.get(groups[m.case], PARTS[0]), by_name[m.case].columns)
        for m in manifests
    ]


__all__ = ["ExportResult", "Failure", "RunOptions", "export_cases", "read_case", "read_volume"]
