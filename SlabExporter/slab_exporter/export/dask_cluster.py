"""The same cases on a Dask cluster. A case is the unit of work; workers need this package and the same file system."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import SlabExporterError
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.text import Option, Package
from ..mrml.runtime import open_runtime, slicer_version
from ..startup import forget_working_folder
from .job import FAILED, KEPT, MADE, Job, Outcome, remove_unfinished, run_job

PATIENCE_SECONDS = 0.2
_CONNECT_SECONDS = 30

# Dask may run several threads in one worker; Slicer's libraries are used by one at a time.
_one_at_a_time = threading.Lock()


def run_on_dask(jobs: Sequence[Job], address: str, progress: Progress) -> Generator[tuple[int, Outcome]]:
    """Export cases on a cluster; yields (number of the job, outcome) as they end.

    A case whose worker dies is given to another one by Dask, up to its own limit of deaths
    (``distributed.scheduler.allowed-failures``); then it has failed.

    Args:
        jobs: what to do; paths must mean the same on every worker.
        address: of the scheduler ("tcp://host:8786"), or the path of its scheduler file (.json).
        progress: called when a case ends, and often enough to cancel.

    Raises:
        SlabExporterError: Dask is not installed, the scheduler does not answer, or its workers lack
            this package or have another version of it.
    """
    client = _connect(address)
    try:
        _require_workers(client)
        run = uuid.uuid4().hex[:8]
        futures = {
            client.submit(run_remote, _with_absolute_paths(job), key=f"{job.case.name}-{run}", pure=False): number
            for number, job in enumerate(jobs)
        }
        yield from _collect(futures, jobs, progress)
    finally:
        # Futures that are let go of are cancelled by the scheduler.
        client.close()


def run_remote(job: Job) -> Outcome:
    """On a worker: export one case, with no module from among the data."""
    forget_working_folder()
    with _one_at_a_time, open_runtime() as runtime:
        return run_job(runtime, job, no_progress)


def installed_versions() -> tuple[str, str]:
    """On a worker: of this package and of Slicer's libraries."""
    return __version__, slicer_version()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        package = Package("dask[distributed]", "'dask[distributed]'")
        raise SlabExporterError(Option("dask"), " needs the package dask: ", package, ".") from error
    # Dask would wait for the file to appear.
    if address.endswith(".json") and not Path(address).is_file():
        raise SlabExporterError(f"The scheduler file {address} does not exist; start the scheduler first.")
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    try:
        return _soon(lambda: Client(**where, timeout=_CONNECT_SECONDS, set_as_default=False))
    except (OSError, ValueError, TimeoutError, asyncio.TimeoutError) as error:
        raise SlabExporterError(
            f"No Dask scheduler answers at {address}; start one, or leave ", Option("dask"), " out."
        ) from error


def _soon(connect: Callable[[], Any]) -> Any:
    """Return what ``connect`` returns, if it does so in time: Dask's own limit does not hold where a peer is silent.

    Raises:
        TimeoutError: it has not.
        Exception: whatever it raised.
    """
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(connect())
        except BaseException as error:
            future.set_exception(error)

    # Of the kind that a process does not wait for at its end.
    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(_CONNECT_SECONDS + 2)
    except FutureTimeout as error:  # two classes before Python 3.11
        raise TimeoutError(f"no answer within {_CONNECT_SECONDS} s") from error


def _require_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except (TimeoutError, asyncio.TimeoutError) as error:  # two classes before Python 3.11
        raise SlabExporterError(
            "The Dask scheduler has no workers; start some, or leave ", Option("dask"), " out."
        ) from error
    ours = installed_versions()
    try:
        theirs = client.run(installed_versions)
    except Exception as error:  # Dask wraps what went wrong on a worker in whatever it likes
        raise SlabExporterError(
            f"The Dask workers cannot run slab_exporter ({error}); install the same SlabExporter where they run."
        ) from error
    for worker, versions in theirs.items():
        if tuple(versions) != ours:
            raise SlabExporterError(
                f"The Dask worker {worker} has SlabExporter {versions[0]} on {versions[1]}, here it is {ours[0]} on "
                f"{ours[1]}; install the same versions, so that all cases are made alike."
            )


def _collect(futures: dict[Any, int], jobs: Sequence[Job], progress: Progress) -> Generator[tuple[int, Outcome]]:
    left = set(futures)
    while left:
        done = [future for future in left if future.done()]
        if not done:
            time.sleep(PATIENCE_SECONDS)
            progress(ProgressEvent("waiting", ""))
        for future in done:
            left.discard(future)
            number = futures[future]
            outcome = _outcome_of(future, jobs[number])
            if outcome.kind == MADE:
                progress(ProgressEvent("case-finished", jobs[number].case.name))
            elif outcome.kind == KEPT:
                progress(ProgressEvent("case-skipped", jobs[number].case.name, message="complete already"))
            yield number, outcome
            if outcome.disk:
                return


def _outcome_of(future: Any, job: Job) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    remove_unfinished(job)
    sentence = (
        f"{job.case.image}: the Dask workers that tried it have died or failed ({type(error).__name__}: {error}). "
        "The other cases are not affected."
    )
    return Outcome(FAILED, SlabExporterError(sentence))


def _with_absolute_paths(job: Job) -> Job:
    case = replace(
        job.case,
        image=_absolute(job.case.image),
        labels={name: _absolute(path) for name, path in job.case.labels.items()},
        within=None if job.case.within is None else _absolute(job.case.within),
    )
    within, like = job.request.within, job.request.prepare.like
    request = job.request if within is None else replace(job.request, within=str(_absolute(Path(within))))
    if like is not None:
        request = replace(request, prepare=replace(request.prepare, like=str(_absolute(Path(like)))))
    return replace(job, case=case, request=request, out=_absolute(job.out))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
