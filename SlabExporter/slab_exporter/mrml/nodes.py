"""Volume nodes and arrays. Arrays are KJI (k slowest), as VTK stores voxels and Slicer gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError
from ..core.geometry import FloatArray, VolumeGeometry
from ..core.text import Option
from ..dicom.reading.stacking import ROUNDING_MM
from .runtime import SlicerRuntime


@contextmanager
def temporary_nodes(scene: Any) -> Iterator[list[Any]]:
    """Yield a list for nodes that are removed at the end, with the display and storage nodes they gained."""
    nodes: list[Any] = []
    try:
        yield nodes
    finally:
        for node in reversed(nodes):
            remove_node(scene, node)


def remove_node(scene: Any, node: Any) -> None:
    """Remove a node and its display and storage nodes: Slicer leaves those behind, with their memory."""
    helpers = []
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        helpers += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    for one in (node, *helpers):
        if one is not None and scene.IsNodePresent(one):
            scene.RemoveNode(one)


def add_volume_node(
    runtime: SlicerRuntime, voxels_kji: npt.NDArray, geometry: VolumeGeometry, name: str = "source"
) -> Any:
    """Return a scalar volume node in the runtime's scene that shows the array without copying it.

    The caller keeps the array alive and unchanged for as long as the node lives.
    """
    node = runtime.classes.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    fill_node(node, voxels_kji, geometry, copy=False)
    return runtime.scene.AddNode(node)


def fill_node(node: Any, voxels_kji: npt.NDArray, geometry: VolumeGeometry, copy: bool) -> None:
    """Give a volume node voxels and place.

    Args:
        node: scalar volume node.
        voxels_kji: its voxels.
        geometry: where they lie.
        copy: False: the caller keeps the array alive and unchanged for as long as the node lives.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(*geometry.shape_ijk)
    voxels = np.ascontiguousarray(voxels_kji)
    scalars = numpy_to_vtk(voxels.reshape(-1), deep=copy)
    if not copy and np.may_share_memory(voxels, voxels_kji):
        # VTK remembers attributes of wrappers that are gone, and so would hold on to the voxels
        # after the node, until some other wrapper goes.
        del scalars._numpy_reference
    image.GetPointData().SetScalars(scalars)
    node.SetAndObserveImageData(image)
    node.SetIJKToRASMatrix(matrix_from_array(geometry.affine_ras))


def as_slicer_loads(voxels_kji: npt.NDArray, geometry: VolumeGeometry) -> tuple[npt.NDArray, VolumeGeometry]:
    """Return voxels and place in the order in which Slicer loads files: k of a left-handed one is reversed."""
    return (voxels_kji, geometry) if geometry.is_right_handed else (voxels_kji[::-1], geometry.k_reversed())


def voxels_kji(node: Any) -> npt.NDArray:
    """Return the voxels of a scalar volume node: a view, valid as long as the node keeps its image.

    Raises:
        InputError: the node has no voxels, or more than one number per voxel.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        raise InputError(f"The volume '{node.GetName()}' holds no voxels.")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"The volume '{node.GetName()}' holds {scalars.GetNumberOfComponents()} numbers per voxel "
            "(colours or vectors). Convert it to a scalar volume first, "
            "in Slicer with the module Vector to Scalar Volume."
        )
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def node_geometry(node: Any) -> VolumeGeometry:
    """Return the geometry of a volume node in its own coordinates (a parent transform is not applied)."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return VolumeGeometry(node.GetImageData().GetDimensions(), array_from_matrix(matrix))


def require_no_transform(node: Any) -> None:
    """Refuse a node under a transform: where it is shown is not where its voxels are.

    Raises:
        InputError: with how to apply the transform in Slicer.
    """
    transform = node.GetParentTransformNode()
    if transform is None or (lies_under_grid(node) and _moves_nothing(transform)):
        return
    if node.GetAttribute("DICOM.instanceUIDs") and not transform.IsTransformToWorldLinear():
        raise InputError(
            f"'{node.GetName()}' lies under the non-linear transform '{transform.GetName()}'. Slicer adds one to DICOM "
            "images of a tilted gantry or with uneven gaps; without it the volume lies elsewhere than the patient. "
            "From the Python console or the command line, ", Option.on("resample"), " cuts a regular volume made of "
            "them; hardening the transform resamples the volume in Slicer.",
        )  # fmt: skip
    kind = "linear" if transform.IsTransformToWorldLinear() else "non-linear"
    effect = "" if kind == "linear" else " This resamples the volume; its voxels are then new ones."
    raise InputError(
        f"'{node.GetName()}' lies under the {kind} transform '{transform.GetName()}', which its file does not contain. "
        "Apply it first: in the Data module, right-click the transform shown beside the volume and choose "
        f"'Harden transform', or take the volume out of it.{effect}"
    )


def shown_corners(node: Any) -> FloatArray | None:
    """Return where three corners of each plane of a volume node are shown, with the transform that it lies under.

    Returns:
        (planes, 3, 3) RAS mm of the first voxel, the last of the first row and the last of the first column of each
        plane; None for a node without voxels.
    """
    if node.GetImageData() is None:
        return None
    from vtkmodules.vtkCommonTransforms import vtkGeneralTransform

    geometry = node_geometry(node)
    columns, rows, planes = geometry.shape_ijk
    corners = [(0, 0), (columns - 1, 0), (0, rows - 1)]
    places = geometry.ras([[(i, j, k) for i, j in corners] for k in range(planes)])
    parent, transform = node.GetParentTransformNode(), vtkGeneralTransform()
    if parent is not None:
        parent.GetTransformToWorld(transform)
        places = np.array([transform.TransformPoint(place) for place in places.reshape(-1, 3).tolist()])
    return places.reshape(planes, 3, 3)


def lies_under_grid(node: Any) -> bool:
    """Return whether a node lies under a grid of displacements alone, as Slicer puts it on uneven DICOM images."""
    transform = node.GetParentTransformNode()
    is_grid = transform is not None and bool(transform.IsA("vtkMRMLGridTransformNode"))
    return is_grid and transform.GetParentTransformNode() is None


def _moves_nothing(transform: Any) -> bool:
    """Return whether a transform is a grid of displacements as small as rounding.

    Slicer adds one to every DICOM series whose images lie more than 0.001 mm off a regular grid, as positions with
    two decimals do.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    grid = transform.GetTransformToParentAs("vtkOrientedGridTransform", False, True)
    displacements = None if grid is None else grid.GetDisplacementGrid()
    if displacements is None:
        return False
    vectors = vtk_to_numpy(displacements.GetPointData().GetScalars()) * grid.GetDisplacementScale()
    return float(np.max(np.linalg.norm(vectors, axis=1))) <= ROUNDING_MM


def matrix_from_array(array: FloatArray) -> Any:
    """Return a vtkMatrix4x4 with these elements."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).reshape(-1).tolist())
    return matrix


def array_from_matrix(matrix: Any) -> FloatArray:
    """Return the elements of a vtkMatrix4x4 as a 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
