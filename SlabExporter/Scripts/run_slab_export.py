"""The command line inside the Slicer application, without a window.

    Slicer --no-splash --no-main-window --python-script run_slab_export.py -- export in/ -o out/

Everything printed also goes to a log file (slab-exporter.log in the system's folder for temporary
files, or the file named by SLAB_EXPORTER_LOG): on Windows the application has no console.
Run by any other Python, this is the same command line. Slicer runs this file as ``__main__`` and
sets ``__file__``; it goes on running after the script's end until it is told to exit.
"""

import os
import signal
import sys
import tempfile
import traceback


class _Tee:
    """A stream that writes to two."""

    def __init__(self, stream, log):
        self._stream, self._log = stream, log

    def write(self, text):
        """Write to both; the log at once, so that it tells of a crash too."""
        self._log.write(text)
        self._log.flush()
        return self._stream.write(text)

    def flush(self):
        """Flush the stream, where it can be."""
        getattr(self._stream, "flush", int)()

    def isatty(self):
        """Whether a person is watching."""
        return getattr(self._stream, "isatty", bool)()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def open_log():
    """The log file; a stand-in where it cannot be written."""
    path = os.environ.get("SLAB_EXPORTER_LOG") or os.path.join(tempfile.gettempdir(), "slab-exporter.log")
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        print(f"slab-exporter: no log file: {error}", file=sys.stderr)
        return open(os.devnull, "w")


def answer_ctrl_c():
    """Let Ctrl-C interrupt the command, which cleans up and exits with 130.

    Slicer gives SIGINT back to the system when it starts Python, and the process would end at once.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGINT, signal.default_int_handler)


def run():
    """Run one command; returns the exit code, whatever happens."""
    streams = sys.stdout, sys.stderr
    with open_log() as log:
        sys.stdout, sys.stderr = _Tee(streams[0], log), _Tee(streams[1], log)
        try:
            sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
            from slab_exporter.cli.main import main

            answer_ctrl_c()
            return main()
        except BaseException:  # nothing may keep the application from exiting
            traceback.print_exc()
            return 1
        finally:
            sys.stdout, sys.stderr = streams


if __name__ == "__main__":
    code = run()
    if hasattr(sys.modules.get("slicer"), "app"):
        sys.modules["slicer"].util.exit(code)
    else:
        sys.exit(code)
