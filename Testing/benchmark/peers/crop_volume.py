"""Slicer's CropVolume and its volume storage node: one ROI per slab, voxel based.

What a script in Slicer's Python console does, with Slicer's defaults for reading and writing,
here on the libraries of the `slicer-core` wheel. Slicer turns the slice order of this LAS volume
round at load, therefore slab 0 is at the head. Coordinates are RAS millimetres.
"""

from __future__ import annotations

from pathlib import Path

import slicer
from slabs import run_peer, slab_file, slab_ranges
from vtkmodules.vtkCommonMath import vtkMatrix4x4


def load_volume(scene, file: Path):
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(file))
    volume_node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    if not storage.ReadData(volume_node):
        raise OSError(f"Slicer cannot read {file}")
    return volume_node


def save_volume(volume_node, file: Path) -> None:
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(file))
    if not storage.WriteData(volume_node):
        raise OSError(f"Slicer cannot write {file}")


def add_slab_roi(scene, volume_node, start: int, stop: int):
    """Add the ROI whose faces are the outer voxel edges of slices start..stop (half open)."""
    width, height, _ = volume_node.GetImageData().GetDimensions()
    ijk_to_ras = vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(ijk_to_ras)
    centre_ijk = ((width - 1) / 2, (height - 1) / 2, (start + stop - 1) / 2, 1)
    centre_ras = ijk_to_ras.MultiplyPoint(centre_ijk)
    object_to_node = vtkMatrix4x4()
    volume_node.GetIJKToRASDirectionMatrix(object_to_node)
    for axis in range(3):
        object_to_node.SetElement(axis, 3, centre_ras[axis])
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetAndObserveObjectToNodeMatrix(object_to_node)
    dx, dy, dz = volume_node.GetSpacing()
    roi.SetSize(width * dx, height * dy, (stop - start) * dz)
    return roi


def crop(scene, logic, volume_node, roi):
    """Return a new volume node holding the voxels inside the ROI."""
    slab_node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters = scene.AddNewNodeByClass("vtkMRMLCropVolumeParametersNode")
    parameters.SetInputVolumeNodeID(volume_node.GetID())
    parameters.SetROINodeID(roi.GetID())
    parameters.SetOutputVolumeNodeID(slab_node.GetID())
    parameters.SetVoxelBased(True)
    if logic.Apply(parameters) != 0:
        raise RuntimeError("CropVolume failed")
    return slab_node


def export_volume(volume: Path, case_folder: Path) -> None:
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerCropVolumeLogic()
    logic.SetMRMLScene(scene)
    volume_node = load_volume(scene, volume)
    slices = volume_node.GetImageData().GetDimensions()[2]
    for index, (start, stop) in enumerate(slab_ranges(slices)):
        roi = add_slab_roi(scene, volume_node, start, stop)
        slab_node = crop(scene, logic, volume_node, roi)
        save_volume(slab_node, slab_file(case_folder, index))
        scene.RemoveNode(slab_node)
    scene.Clear(True)


if __name__ == "__main__":
    run_peer(export_volume)
