"""Sequences with a browser in a scene, as Slicer makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .scenes import held

TIMES = ("0.75", "3.25", "5.75", "8.25", "10.75")


def browsed(scene, sequence):
    """Return (browser, the node that shows the browser's frame), frame 1 of it."""
    from slicer_core.vtkSlicerSequencesModuleLogic import vtkSlicerSequencesLogic
    from slicer_core.vtkSlicerSequencesModuleMRML import vtkMRMLSequenceBrowserNode

    browser = scene.AddNode(vtkMRMLSequenceBrowserNode())
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.SetSelectedItemNumber(1)
    logic = vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    logic.UpdateProxyNodesFromSequences(browser)
    logic.SetMRMLScene(None)
    return browser, browser.GetProxyNode(sequence)


def sequence_of(
    scene, arrays_ijk: list[np.ndarray], affine_ras: np.ndarray, name: str = "bold", values=TIMES, index=("time", "s")
):
    """Return a sequence of volumes that exists only in the scene."""
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    sequence.SetIndexName(index[0])
    sequence.SetIndexUnit(index[1])
    for array, value in zip(arrays_ijk, values, strict=False):
        volume = held(scene, array, affine_ras, name)
        sequence.SetDataNodeAtValue(volume, value)
        scene.RemoveNode(volume)
    return sequence


def save_sequence(scene, sequence, path: Path) -> Path:
    """Save a sequence as Slicer does, with its storage node."""
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
    storage.SetFileName(str(path))
    assert storage.WriteData(sequence)
    sequence.SetAndObserveStorageNodeID(storage.GetID())
    return path


def load_sequence(scene, path: Path):
    """Return a sequence of a file as Slicer loads it."""
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", path.name.split(".")[0])
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeSequenceStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(sequence)
    sequence.SetAndObserveStorageNodeID(storage.GetID())
    return sequence


def multi_volume(scene, arrays_ijk: list[np.ndarray], affine_ras: np.ndarray, name: str = "dce"):
    """Return a stand-in for the extension's vtkMRMLMultiVolumeNode: a scalar volume of several numbers per voxel."""
    from slab_exporter.mrml.runtime import slicer_classes

    base = slicer_classes().vtkMRMLScalarVolumeNode
    is_a = {"IsA": lambda self, kind: kind == "vtkMRMLMultiVolumeNode" or base.IsA(self, kind)}
    from slab_exporter.mrml.nodes import matrix_from_array
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    values = np.stack([array.T.reshape(-1) for array in arrays_ijk], axis=-1)
    image = vtkImageData()
    image.SetDimensions(*arrays_ijk[0].shape)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(values), deep=True))
    node = type("MultiVolume", (base,), is_a)()
    node.SetName(name)
    node.SetAndObserveImageData(image)
    node.SetIJKToRASMatrix(matrix_from_array(affine_ras))
    node.SetAttribute("MultiVolume.FrameLabels", ",".join(str(40.0 * n) for n in range(len(arrays_ijk))))
    node.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagName", "TriggerTime")
    node.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagUnits", "ms")
    return node
