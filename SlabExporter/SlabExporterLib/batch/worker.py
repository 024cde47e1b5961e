"""A process that exports cases, one after the other: ``python -m SlabExporterLib.batch.worker``.

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

from ..progress import ProgressEvent
from ..pure.errors import SlabExporterError
from .job import Job, run_job, runtime_with_first


def main() -> None:
    """Work until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    outbox = _private_output()
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, jobs, busy), daemon=True).start()
    try:
        _work(jobs, busy, outbox)
    except SlabExporterError as error:
        _send(outbox, error)
    except BrokenPipeError:
        os._exit(1)
    os._exit(0)  # Slicer's libraries take their time to unload


def _private_output() -> IO[bytes]:
    """Standard output for messages alone: whatever a library prints goes to standard error."""
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return outbox


def _silence() -> None:
    """Keep what native libraries print off the terminal: what matters comes as a sentence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _receive(inbox: IO[bytes], jobs: queue.SimpleQueue[Job | None], busy: threading.Event) -> None:
    while True:
        try:
            jobs.put(pickle.load(inbox))
        except (EOFError, OSError, pickle.UnpicklingError):
            if busy.is_set():
                os._exit(1)
            jobs.put(None)
            return


def _work(jobs: queue.SimpleQueue[Job | None], busy: threading.Event, outbox: IO[bytes]) -> None:
    def tell(event: ProgressEvent) -> None:
        if event.kind != "waiting":
            _send(outbox, event)

    job = jobs.get()
    if job is not None and not job.debug:
        _silence()
    busy.set()
    with runtime_with_first(job) as (runtime, first):
        while job is not None:
            busy.set()
            outcome = run_job(runtime, job, tell, first)
            busy.clear()
            _send(outbox, outcome)
            job = jobs.get()


def _send(outbox: IO[bytes], message: Any) -> None:
    pickle.dump(message, outbox, pickle.HIGHEST_PROTOCOL)
    outbox.flush()


if __name__ == "__main__":
    main()
