"""A process that exports cases, one after the other.

It is told jobs on standard input and tells progress and outcomes on standard output, as pickles.
A crash in native code takes this process along and nothing else. When its parent is gone it ends
at once, in the middle of a case if need be: a case without a manifest is made again.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO, Any

from ..core.errors import SlabExporterError
from ..core.progress import ProgressEvent
from ..startup import open_closed_streams
from .job import Job, run_job, runtime_with_first


class Inbox:
    """Jobs from standard input, read on a thread of its own so that its end is noticed at once.

    The parent closes it when there is nothing left to do. If it ends while a job is unfinished the
    parent has died, and so does this process: another run may be about to begin in its place.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._unfinished = 0
        threading.Thread(target=self._receive, daemon=True).start()

    def next_job(self) -> Job | None:
        """Wait for a job; None when there will be no more."""
        return self._jobs.get()

    def finished(self) -> None:
        """The job that was handed out last has been reported."""
        self._unfinished -= 1

    def _receive(self) -> None:
        while True:
            try:
                job = pickle.load(self._stream)
            except (EOFError, OSError, pickle.UnpicklingError):
                if self._unfinished:
                    os._exit(1)
                self._jobs.put(None)
                return
            self._unfinished += 1
            self._jobs.put(job)


def main() -> None:
    """Work until standard input ends."""
    open_closed_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    outbox = private_output()
    try:
        _work(Inbox(sys.stdin.buffer), outbox)
    except SlabExporterError as error:
        _send(outbox, error)
    except BrokenPipeError:
        os._exit(1)
    os._exit(0)  # Slicer's libraries take their time to unload


def _work(inbox: Inbox, outbox: IO[bytes]) -> None:
    def tell(event: ProgressEvent) -> None:
        if event.kind != "waiting":
            _send(outbox, event)

    job = inbox.next_job()
    if job is not None and not job.debug:
        _silence()
    with runtime_with_first(job) as (runtime, first):
        while job is not None:
            outcome = run_job(runtime, job, tell, first)
            inbox.finished()
            _send(outbox, outcome)
            job = inbox.next_job()


def private_output() -> IO[bytes]:
    """Standard output for messages alone: whatever a library prints goes to standard error."""
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return outbox


def _silence() -> None:
    """Keep what native libraries print off the terminal: what matters comes as a sentence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _send(outbox: IO[bytes], message: Any) -> None:
    pickle.dump(message, outbox, pickle.HIGHEST_PROTOCOL)
    outbox.flush()
