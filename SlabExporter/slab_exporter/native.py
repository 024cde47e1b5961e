"""Native libraries that are loaded while other threads of Python run.

``import`` holds Python's lock while the system's loader finds a library and all that it needs, and binds
their symbols: for Slicer's some sixty libraries and a quarter of a second, in which a thread that reads a
volume stands still. A function that is called through ``ctypes`` runs without the lock.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
from contextlib import suppress
from pathlib import Path


def load_beside(package: str, *modules: str) -> None:
    """Load the libraries of a package's extension modules, so that importing these finds them loaded.

    Nothing of Python's is executed. Where it cannot be done, the import does it.

    Args:
        package: top-level name, which is not imported.
        modules: names within it.
    """
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    found = [_library(Path(folder), module) for module in modules for folder in folders]
    with suppress(ImportError, OSError, AttributeError, TypeError):  # no ctypes; Windows has no dlopen
        import ctypes

        dlopen = ctypes.CDLL(None).dlopen
        dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
        for path in found:
            if path is not None:
                dlopen(os.fsencode(path), os.RTLD_LAZY)


def _library(folder: Path, module: str) -> Path | None:
    names = (folder / f"{module}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((path for path in names if path.is_file()), None)
