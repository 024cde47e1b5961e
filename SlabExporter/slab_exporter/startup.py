"""Where modules are imported from, when this library is a program: never from among the data.

Python puts the working folder first on its path for ``python -m`` and ``python -c``, and wherever
PYTHONPATH has an empty entry. Users change into their data: a ``queue.py`` in a downloaded data set
would be executed. This module uses nothing but what the interpreter has loaded at its start.
"""

import os
import sys

_LIBRARY = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def forget_working_folder() -> None:
    """Take the working folder off the path of modules, unless this library lies in it."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it has been removed
        here = ""
    sys.path[:] = [path for path in sys.path if path and (os.path.realpath(path) != here or here == _LIBRARY)]


def fresh_python(module: str) -> list[str]:
    """Return the command that runs ``main()`` of a module beside this library in a Python of its own.

    Not through PYTHONPATH: Slicer's PythonSlicer sets that itself. The working folder, which "-c" puts first, may be
    full of downloaded files: it goes before anything is imported from it.
    """
    code = (
        "import os, sys; here = os.path.realpath(os.curdir); "
        "sys.path[:] = [sys.argv[1], *(p for p in sys.path if p and os.path.realpath(p) != here)]; "
        f"from {module} import main; main()"
    )
    return [sys.executable, "-c", code, _LIBRARY]


def open_closed_streams() -> None:
    """Put the null device where standard input, output or error has been closed, as daemons and schedulers do.

    Otherwise the next file that is opened, perhaps the lock of the output folder, gets the number of
    standard output, and what is printed goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def is_being_started() -> bool:
    """Whether the interpreter was told to run this package: ``python -m slab_exporter``."""
    return "-m" in sys.orig_argv and sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] == [__package__]
