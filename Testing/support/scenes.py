"""A scene like a Slicer user's, and nodes loaded into it the way Slicer loads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.mrml.nodes import matrix_from_array, node_geometry
from slab_exporter.mrml.runtime import slicer_classes


def user_scene():
    """An empty scene with its subject hierarchy."""
    classes = slicer_classes()
    scene = classes.vtkMRMLScene()
    classes.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    return scene


def load(scene, path: Path, node_class: str = "vtkMRMLScalarVolumeNode"):
    """A file as Slicer loads it: K of left-handed volumes reversed, storage node kept."""
    node = scene.AddNewNodeByClass(node_class, path.name.split(".")[0])
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    node.SetAndObserveStorageNodeID(storage.GetID())
    return node


def held(
    scene, array_ijk: np.ndarray, affine_ras: np.ndarray, name: str = "held", kind: str = "vtkMRMLScalarVolumeNode"
):
    """A volume that exists only in the scene."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(*array_ijk.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array_ijk.T).reshape(-1), deep=True))
    node = scene.AddNewNodeByClass(kind, name)
    node.SetAndObserveImageData(image)
    node.SetIJKToRASMatrix(matrix_from_array(affine_ras))
    return node


def put_under_transform(scene, node, linear: bool = True):
    """Give a node a parent transform."""
    classes = slicer_classes()
    if linear:
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
        matrix = np.eye(4)
        matrix[0, 3] = 10
        transform.SetMatrixTransformToParent(matrix_from_array(matrix))
    else:
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonTransforms import vtkThinPlateSplineTransform

        points, moved = vtkPoints(), vtkPoints()
        for n in range(4):
            points.InsertNextPoint(n, n * n, 1)
            moved.InsertNextPoint(n + 1, n * n, n)
        spline = vtkThinPlateSplineTransform()
        spline.SetBasisToR()
        spline.SetSourceLandmarks(points)
        spline.SetTargetLandmarks(moved)
        transform = scene.AddNode(classes.vtkMRMLTransformNode())
        transform.SetName("Warp")
        transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def add_roi(scene, geometry: VolumeGeometry, box):
    """A user's ROI around some voxels."""
    from slab_exporter.mrml.roi import place_roi

    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Liver box")
    place_roi(roi, geometry, box)
    return roi


def segmentation(scene, geometry: VolumeGeometry, masks_kji: dict[str, np.ndarray], shared: bool = False):
    """A segmentation node with one segment a mask, each in a layer of its own, or all in one."""
    classes = slicer_classes()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    for name, mask in masks_kji.items():
        node.AddSegmentFromBinaryLabelmapRepresentation(_oriented(geometry, mask.astype(np.uint8)), name)
    if shared:
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert classes is not None
    return node


def _oriented(geometry: VolumeGeometry, voxels_kji: np.ndarray):
    from vtkmodules.util.numpy_support import numpy_to_vtk

    image = slicer_classes().vtkOrientedImageData()
    image.SetDimensions(*geometry.shape_ijk)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(voxels_kji).reshape(-1), deep=True))
    image.SetImageToWorldMatrix(matrix_from_array(geometry.affine_ras))
    return image


def node_count(scene) -> int:
    """Nodes in a scene."""
    return scene.GetNumberOfNodes()


__all__ = [
    "add_roi",
    "held",
    "load",
    "node_count",
    "node_geometry",
    "put_under_transform",
    "segmentation",
    "user_scene",
]
