"""The libraries of the ``slicer-core`` wheel, of which only those that cutting needs are loaded at first.

``import slicer_core`` loads some forty libraries; four of them, and what these need, have the classes
that are used here, in two thirds of the time. The package's own ``__init__`` runs as soon as anybody
asks it for anything else, so that to others it is what it always was.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..native import load_beside

NAME = "slicer_core"
_USED = (
    "vtkSegmentationCore",
    "MRMLCore",
    "vtkSlicerMarkupsModuleMRML",
    "vtkSlicerCropVolumeModuleMRML",
    "vtkSlicerCropVolumeModuleLogic",
)
# Held while the package or its ``__init__`` is being loaded: other threads wait for all of it.
_loading = threading.RLock()


def is_installed() -> bool:
    """Return whether the wheel is there."""
    return NAME in sys.modules or importlib.util.find_spec(NAME) is not None


def load() -> ModuleType:
    """Return the package ``slicer_core`` with the classes that are used here.

    Raises:
        ImportError: a library cannot be loaded.
    """
    with _loading:
        # what another thread is importing as a whole is waited for
        return importlib.import_module(NAME) if NAME in sys.modules else _partly_loaded()


def _partly_loaded() -> ModuleType:
    spec = importlib.util.find_spec(NAME)
    if spec is None or spec.loader is None or not spec.submodule_search_locations:
        return importlib.import_module(NAME)
    package = importlib.util.module_from_spec(spec)
    package.__class__ = _BeingLoaded
    sys.modules[NAME] = package
    try:
        load_beside(NAME, *_USED)
        with _functions_bound_when_called():
            for library in _USED:
                _take(package, importlib.import_module(f"{NAME}.{library}"))
        package.__class__ = _PartlyLoaded
    except BaseException:
        del sys.modules[NAME]
        raise
    return package


def _take(package: ModuleType, library: ModuleType) -> None:
    vars(package).update({name: value for name, value in vars(library).items() if name.startswith("vtk")})


class _PartlyLoaded(ModuleType):
    """The package before its ``__init__`` has run, which it does when something is missing."""

    def __getattr__(self, name: str) -> Any:
        self._complete()
        return getattr(self, name)  # by now of an ordinary module: without it, the usual AttributeError

    def __dir__(self) -> list[str]:
        self._complete()
        return dir(self)

    def _complete(self) -> None:
        with _loading:
            if self.__class__ is not _PartlyLoaded:
                return
            self.__class__ = _BeingLoaded  # type: ignore[assignment]
            try:
                self.__loader__.exec_module(self)  # type: ignore[union-attr]
                for name, module in list(sys.modules.items()):
                    parent, _, library = name.rpartition(".")
                    if parent == NAME:  # some classes are named like their library, and came out of it
                        vars(self).setdefault(library, module)
            finally:
                self.__class__ = ModuleType  # type: ignore[assignment]


class _BeingLoaded(ModuleType):
    """The package while libraries, or its ``__init__``, are being loaded, for whose end other threads wait.

    Whoever takes part in imports, as PySide6 does, may ask it for anything meanwhile; nothing more is loaded for that.
    """

    def __getattr__(self, name: str) -> Any:
        with _loading:
            if self.__class__ is _BeingLoaded:  # whoever loads it asks
                raise AttributeError(f"module {NAME!r} has no attribute {name!r}")
        return getattr(self, name)


@contextmanager
def _functions_bound_when_called() -> Iterator[None]:
    """Let libraries find each other's functions when these are first called; Python has all looked up at once."""
    if not hasattr(sys, "setdlopenflags"):  # Windows
        yield
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags & ~os.RTLD_NOW | os.RTLD_LAZY)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)
