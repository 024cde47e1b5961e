"""Cut boxes out of a volume node with CropVolume's logic, and check it against the plan.

CropVolume reports success in cases where it did something else: it pads silently, it returns the
whole volume for an empty box and a single voxel for one that lies outside. So the plan is checked
against what the logic announces before, and against what it made afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.errors import VerificationError
from ..core.geometry import Box, VolumeGeometry
from .nodes import node_geometry, temporary_nodes
from .roi import place_roi
from .runtime import SlicerRuntime


@contextmanager
def cropped_node(runtime: SlicerRuntime, source: Any, geometry: VolumeGeometry, box: Box, fill: float) -> Iterator[Any]:
    """Yield the voxels of ``box`` as a volume node that lives within the context.

    Args:
        runtime: whose scene holds ``source``.
        source: scalar volume node without a parent transform.
        geometry: of ``source``.
        box: what to cut, in IJK of ``source``; may reach outside.
        fill: value of voxels outside ``source``.

    Raises:
        VerificationError: CropVolume would cut, or has cut, another box than the plan's.
    """
    with temporary_nodes(runtime.scene) as nodes:
        roi = runtime.scene.AddNode(runtime.classes.vtkMRMLMarkupsROINode())
        nodes.append(roi)
        place_roi(roi, geometry, box)
        _preflight(runtime, roi, source, box)
        output = runtime.scene.AddNode(runtime.classes.vtkMRMLScalarVolumeNode())
        nodes.append(output)
        parameters = runtime.scene.AddNode(runtime.classes.vtkMRMLCropVolumeParametersNode())
        nodes.append(parameters)
        parameters.SetVoxelBased(True)
        parameters.SetFillValue(fill)
        parameters.SetInputVolumeNodeID(source.GetID())
        parameters.SetROINodeID(roi.GetID())
        parameters.SetOutputVolumeNodeID(output.GetID())
        code = runtime.crop_logic.Apply(parameters)
        if code != 0:
            raise VerificationError(
                f"Slicer's CropVolume failed with code {code} for the box {box.start} to {box.stop}."
            )
        _postcheck(output, geometry.cropped(box))
        yield output


def _preflight(runtime: SlicerRuntime, roi: Any, source: Any, box: Box) -> None:
    announced = [0] * 6
    if not runtime.crop_logic.GetVoxelBasedCropOutputExtent(roi, source, announced, False):
        raise VerificationError("Slicer's CropVolume cannot work out what to cut for this volume.")
    if tuple(announced) != box.extent:
        raise VerificationError(
            f"Slicer's CropVolume would cut the extent {tuple(announced)} where the plan says {box.extent}."
        )


def _postcheck(output: Any, planned: VolumeGeometry) -> None:
    cut = node_geometry(output)
    if cut.shape_ijk != planned.shape_ijk:
        raise VerificationError(
            f"Slicer's CropVolume cut {cut.shape_ijk} voxels where the plan says {planned.shape_ijk}."
        )
    difference = planned.difference(cut)
    if not difference.is_within(planned.position_tolerance("float64")):
        raise VerificationError(f"Slicer's CropVolume placed the slab {difference} away from where the plan says.")
