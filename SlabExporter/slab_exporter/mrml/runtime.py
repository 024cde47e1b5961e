"""Slicer's classes, a scene and a CropVolume logic, wherever they come from.

The only place that knows the difference between the Slicer application, its ``PythonSlicer``
interpreter and the ``slicer-core`` wheel. The scene is our own in each of them, so that cutting
never touches the scene that a user is looking at.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..core.errors import SlabExporterError


@dataclass(frozen=True)
class SlicerRuntime:
    """Slicer's classes, a scene and a logic: all that the mrml modules need of it.

    Attributes:
        classes: namespace with the VTK-wrapped classes (``classes.vtkMRMLScene`` ...).
        scene: a ``vtkMRMLScene`` for temporary nodes.
        crop_logic: a ``vtkSlicerCropVolumeLogic`` on that scene.
        version: Slicer's or slicer-core's version, for the record.
    """

    classes: Any
    scene: Any
    crop_logic: Any
    version: str


@contextmanager
def open_runtime() -> Iterator[SlicerRuntime]:
    """Yield a runtime with a scene of its own, cleared at the end.

    Raises:
        SlabExporterError: neither Slicer nor slicer-core is there.
    """
    classes = slicer_classes()
    scene = classes.vtkMRMLScene()
    logic = classes.vtkSlicerCropVolumeLogic()
    logic.SetMRMLScene(scene)
    try:
        with quiet_vtk(classes):
            yield SlicerRuntime(classes, scene, logic, slicer_version())
    finally:
        logic.SetMRMLScene(None)
        scene.Clear(True)


def running_in_application() -> bool:
    """Return whether this Python is the one inside the Slicer application."""
    return hasattr(sys.modules.get("slicer"), "app")


def slicer_classes() -> Any:
    """Return the namespace that holds Slicer's classes; imported on first use (it takes a moment).

    Raises:
        SlabExporterError: neither Slicer nor slicer-core is there.
    """
    if running_in_application():
        return sys.modules["slicer"]
    if importlib.util.find_spec("slicer_core") is not None:
        return importlib.import_module("slicer_core")
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
