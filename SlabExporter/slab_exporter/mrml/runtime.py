"""Slicer's classes, a scene and a CropVolume logic, wherever they come from.

The only place that knows the difference between the Slicer application, its ``PythonSlicer``
interpreter and the ``slicer-core`` wheel. The scene is our own in each of them, so that cutting
never touches the scene that a user is looking at.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from typing import Any

from ..attended import in_scene
from ..core.errors import SlabExporterError
from ..interrupts import signals_deferred
from . import wheel


class SlicerRuntime:
    """Slicer's classes, a scene and a logic: all that the mrml modules need of it.

    Slicer's libraries are loaded when the first of these is asked for: who looks at headers only, does
    without. The attributes raise ``SlabExporterError`` if neither Slicer nor slicer-core is there.
    """

    def __init__(self) -> None:
        self._closing = ExitStack()

    @cached_property
    def classes(self) -> Any:
        """Namespace with the VTK-wrapped classes (``classes.vtkMRMLScene`` ...)."""
        classes = slicer_classes()
        self._closing.enter_context(quiet_vtk(classes))
        return classes

    @cached_property
    def scene(self) -> Any:
        """A ``vtkMRMLScene`` for temporary nodes."""
        scene = self.classes.vtkMRMLScene()
        self._closing.callback(scene.Clear, True)
        return scene

    @cached_property
    def crop_logic(self) -> Any:
        """A ``vtkSlicerCropVolumeLogic`` on that scene."""
        logic = self.classes.vtkSlicerCropVolumeLogic()
        logic.SetMRMLScene(self.scene)
        self._closing.callback(logic.SetMRMLScene, None)
        return logic

    @cached_property
    def version(self) -> str:
        """Slicer's or slicer-core's version, for the record."""
        return in_scene(slicer_version)

    def load(self) -> None:
        """Load Slicer's libraries now, while other threads do something else."""
        in_scene(lambda: self.crop_logic)

    def close(self) -> None:
        """Clear the scene."""
        in_scene(self._closing.close)


@contextmanager
def open_runtime() -> Iterator[SlicerRuntime]:
    """Yield a runtime with a scene of its own, cleared at the end."""
    with closing(SlicerRuntime()) as runtime:
        yield runtime


def running_in_application() -> bool:
    """Return whether this Python is the one inside the Slicer application."""
    return hasattr(sys.modules.get("slicer"), "app")


def slicer_classes() -> Any:
    """Return the namespace that holds Slicer's classes; imported on first use (it takes a moment).

    Raises:
        SlabExporterError: neither Slicer nor slicer-core is there, or it cannot be loaded.
    """
    if running_in_application():
        return sys.modules["slicer"]
    if wheel.is_installed():
        return _wheel()
    try:
        # PythonSlicer: MRML comes with "slicer", the loadable modules' classes do not.
        slicer = importlib.import_module("slicer")
        for name in (
            "vtkSlicerMarkupsModuleMRMLPython",
            "vtkSlicerCropVolumeModuleMRMLPython",
            "vtkSlicerCropVolumeModuleLogicPython",
        ):
            module = importlib.import_module(name)
            for attribute in dir(module):
                if attribute.startswith("vtk") and not hasattr(slicer, attribute):
                    setattr(slicer, attribute, getattr(module, attribute))
    except ImportError as error:
        raise SlabExporterError(
            "Slicer's core libraries are missing: install them with 'pip install slicer-core', or run inside 3D Slicer."
        ) from error
    return slicer


def _wheel() -> Any:
    try:
        with signals_deferred():
            return wheel.load()
    except ImportError as error:
        raise SlabExporterError(
            f"slicer-core is installed but cannot be loaded ({error}). Install the library that it asks for, "
            "or slicer-core again."
        ) from error


def slicer_version() -> str:
    """Return the version of the application, or of the wheel."""
    if running_in_application():
        return str(sys.modules["slicer"].app.applicationVersion)
    try:
        return f"slicer-core {importlib.metadata.version('slicer-core')}"
    except importlib.metadata.PackageNotFoundError:
        return "PythonSlicer"


@contextmanager
def quiet_vtk(classes: Any) -> Iterator[None]:
    """Keep VTK's own messages off the terminal: what matters comes as an exception with a sentence.

    In the application they go to its log, where they belong; nothing is changed there.
    """
    if running_in_application():
        yield
        return
    from vtkmodules.vtkCommonCore import vtkLogger, vtkObject

    before = vtkLogger.GetCurrentVerbosityCutoff()
    warnings_before = vtkObject.GetGlobalWarningDisplay()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)
        vtkObject.SetGlobalWarningDisplay(warnings_before)
