"""Worker processes: hand out cases as memory allows, survive a worker that crashes.

Workers are started as a fresh Python each, never by forking: that is safe inside the Slicer
application, in notebooks and in scripts without a main guard.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from ..core.errors import SlabExporterError
from ..core.progress import Progress, ProgressEvent
from ..core.text import Option, Sentence
from ..files.machine import available_memory
from ..startup import fresh_python
from .job import FAILED, Job, Outcome, remove_unfinished

# How often a caller is given the chance to cancel.
PATIENCE_SECONDS = 0.1
# Memory left to everything else on the machine.
_RESERVE = 0.9


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen
    number: int | None = None  # of the job it is busy with


@dataclass
class _Crew:
    """The running workers and what they say."""

    inherited: tuple[int, ...]
    workers: list[_Worker] = field(default_factory=list)
    messages: queue.SimpleQueue[tuple[_Worker, Any]] = field(default_factory=queue.SimpleQueue)

    def idle_worker(self) -> _Worker:
        """One that waits for a job; a new one if all are busy."""
        for worker in self.workers:
            if worker.number is None:
                return worker
        worker = _Worker(_start(self.inherited))
        self.workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def busy(self) -> list[int]:
        """Numbers of the jobs under way."""
        return [worker.number for worker in self.workers if worker.number is not None]

    def hand_out(self, number: int, job: Job) -> None:
        """Give a job to an idle worker; one that has died since is replaced."""
        while True:
            worker = self.idle_worker()
            try:
                pickle.dump(job, worker.process.stdin)  # type: ignore[arg-type]
                worker.process.stdin.flush()  # type: ignore[union-attr]
            except OSError:
                self.dismiss(worker)
                continue
            worker.number = number
            return

    def dismiss(self, worker: _Worker) -> int:
        """Forget a worker that has ended, and return its exit code."""
        if worker in self.workers:
            self.workers.remove(worker)
        with contextlib.suppress(OSError):
            worker.process.stdin.close()  # type: ignore[union-attr]
        return worker.process.wait()

    def stop(self) -> None:
        """End all workers: idle ones by closing their input, busy ones at once."""
        for worker in self.workers:
            if worker.number is not None:
                worker.process.kill()
        for worker in list(self.workers):
            self.dismiss(worker)

    def _listen(self, worker: _Worker) -> None:
        stream: IO[bytes] = worker.process.stdout  # type: ignore[assignment]
        with stream:
            while True:
                try:
                    self.messages.put((worker, pickle.load(stream)))
                except Exception:  # the stream ends, or breaks off in the middle of a message
                    self.messages.put((worker, None))
                    return


def run_in_workers(
    jobs: Sequence[Job],
    memory: Sequence[int],
    count: int,
    progress: Progress,
    inherited: tuple[int, ...] = (),
) -> Generator[tuple[int, Outcome]]:
    """Export cases in ``count`` processes; yields (number of the job, outcome) as they end.

    A job is begun while the estimated memory of all that are under way fits the machine; one that
    does not fit by itself is tried alone. After an outcome that blames the disk no job is begun.

    Args:
        jobs: in the order to begin them.
        memory: bytes that each needs.
        count: the most workers at a time.
        progress: called with every event; may raise ``Cancelled``, which ends all workers.
        inherited: file descriptors that workers keep open (the lock of the output folder).

    Raises:
        SlabExporterError: workers cannot work at all (Slicer's libraries are missing).
    """
    available = available_memory()
    budget = None if available is None else int(available * _RESERVE)
    waiting = list(range(len(jobs)))
    crew = _Crew(inherited)
    try:
        while waiting or crew.busy():
            while (number := _admitted(waiting, crew.busy(), memory, count, budget)) is not None:
                waiting.remove(number)
                crew.hand_out(number, jobs[number])
            outcome = _next_outcome(crew, jobs, progress)
            if outcome is not None:
                if outcome[1].disk:
                    waiting.clear()
                yield outcome
    finally:
        under_way = crew.busy()
        crew.stop()
        for number in under_way:
            remove_unfinished(jobs[number])


def _admitted(waiting: list[int], busy: list[int], memory: Sequence[int], count: int, budget: int | None) -> int | None:
    """The first waiting job that may begin now."""
    if not waiting or len(busy) >= count:
        return None
    if not busy or budget is None:
        return waiting[0]
    left = budget - sum(memory[number] for number in busy)
    return next((number for number in waiting if memory[number] <= left), None)


def _next_outcome(crew: _Crew, jobs: Sequence[Job], progress: Progress) -> tuple[int, Outcome] | None:
    """Wait for one message; an outcome if that is what it was."""
    try:
        worker, message = crew.messages.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        progress(ProgressEvent("waiting", ""))
        return None
    if isinstance(message, ProgressEvent):
        progress(message)
        return None
    if isinstance(message, SlabExporterError):
        raise message
    number, worker.number = worker.number, None
    if message is None:
        code = crew.dismiss(worker)
        if number is None:
            return None
        remove_unfinished(jobs[number])
        message = Outcome(FAILED, SlabExporterError(_crash_sentence(jobs[number], code)))
    return None if number is None else (number, message)


def _crash_sentence(job: Job, code: int) -> Sentence:
    how = f"ended with code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"was ended by signal {-code} ({signal.Signals(-code).name})"
    hint: str = "its file may be damaged in a way that Slicer's libraries do not survive"
    if code == -9:
        hint = Sentence("most often the machine ran out of memory; try ", Option.to("jobs", 1))
    return Sentence(
        f"{job.case.told(str(job.case.image))}: the process that worked on it {how}; ",
        hint,
        ". The other cases are not affected.",
    )


def _start(inherited: tuple[int, ...]) -> subprocess.Popen:
    keep = {} if sys.platform == "win32" else {"pass_fds": inherited}
    flags = {"creationflags": 0x08000000} if sys.platform == "win32" else {}  # CREATE_NO_WINDOW
    with _interrupts_for_this_process_only():
        return subprocess.Popen(
            fresh_python(f"{__package__}.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **keep,
            **flags,
        )  # type: ignore[call-overload]


@contextlib.contextmanager
def _interrupts_for_this_process_only() -> Iterator[None]:
    """A process started meanwhile never sees Ctrl-C, not even while it is starting: it inherits the mask."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
