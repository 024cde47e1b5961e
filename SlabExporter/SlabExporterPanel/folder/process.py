"""The process beside Slicer that looks at a folder of cases, or exports it; the panel starts it.

It is told its task in one line on standard input, and tells what goes on in lines of JSON on standard output, with
sentences in the panel's words. The end of standard input means "stop": cases that are complete stay, and an export
can be gone on with. That works through launchers such as PythonSlicer, on Windows, and when Slicer has crashed.
"""

from __future__ import annotations

import _thread
import base64
import json
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from slab_exporter.interrupts import INTERRUPTED, interrupt
from slab_exporter.startup import fresh_python, open_closed_streams

from ..translation import tr as _

if TYPE_CHECKING:
    from .task import FolderTask

Tell = Callable[[dict[str, Any]], None]

# So long may native code go on after "stop"; whatever it writes has no final name yet.
_PATIENCE_SECONDS = 10.0


def command() -> list[str]:
    """Return program and arguments that start this process with the Python that runs here (in Slicer: PythonSlicer)."""
    return fresh_python(__name__)


def line_of(task: FolderTask) -> bytes:
    """Return a task as the line that the process reads."""
    return base64.b64encode(pickle.dumps(task)) + b"\n"


def main() -> None:
    """Do what standard input asks for, until that is done or standard input ends."""
    open_closed_streams()
    # Helpers of numpy's BLAS, for which there is no work here, would spin on the processors that cutting needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends Slicer, and with it standard input
    signal.signal(signal.SIGTERM, interrupt)
    code = INTERRUPTED
    try:
        code = _talk()
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        sys.stderr.flush()
        os._exit(code)  # Slicer's libraries take their time to unload


def _talk() -> int:
    from slab_exporter.export.worker import private_output

    outbox = private_output()
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_stop_with, args=(sys.stdin.buffer,), daemon=True).start()

    def tell(event: dict[str, Any]) -> None:
        outbox.write(json.dumps(event).encode() + b"\n")
        outbox.flush()

    try:
        return _answer(pickle.loads(base64.b64decode(line)), tell)
    except KeyboardInterrupt:
        outbox.write(b"\n")  # the line before may have been interrupted
        tell({"event": "cancelled"})
        return INTERRUPTED


def _answer(task: FolderTask, tell: Tell) -> int:
    from slab_exporter.core.errors import SlabExporterError

    from ..views.words import in_panel_words
    from .work import perform

    try:
        perform(task, tell)
        return 0
    except SlabExporterError as error:
        tell({"event": "refused", "message": in_panel_words(error.sentence)})
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python wraps it while it makes a class
            raise KeyboardInterrupt from error
        traceback.print_exc()
        reason = f"{type(error).__name__}: {str(error).strip() or 'no reason given'}"
        told = _("Something unexpected happened ({reason}); please report it.")
        tell({"event": "refused", "message": told.format(reason=reason)})
    return 1


def _stop_with(stream: IO[bytes]) -> None:
    """Interrupt the main thread when a stream ends."""
    stream.read()
    if sys.platform == "win32":
        _thread.interrupt_main(signal.SIGTERM)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(_PATIENCE_SECONDS)
    os._exit(INTERRUPTED)
