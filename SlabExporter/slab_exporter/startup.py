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


def is_being_started() -> bool:
    """Whether the interpreter was told to run this package: ``python -m slab_exporter``."""
    return "-m" in sys.orig_argv and sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] == [__package__]
