"""The panel's settings in the scene."""

from typing import Annotated

from slicer import vtkMRMLDisplayableNode, vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from .choices import Axis, Blend, Compression, Format, Remainder, Unit


@parameterNodeWrapper
class SlabExporterParameterNode:
    """The panel's settings, saved with the scene. What they mean: view.PanelSettings."""

    volume: vtkMRMLScalarVolumeNode
    labels: list[vtkMRMLDisplayableNode]
    roi: vtkMRMLMarkupsROINode
    axis: Axis = Axis.axial
    thickness: Annotated[float, WithinRange(0.01, 100000)] = 64
    unit: Unit = Unit.slices
    block: str = ""
    overlap: Annotated[int, WithinRange(0, 100000)] = 0
    remainder: Remainder = Remainder.keep
    fill: str = "auto"
    outputFolder: str = ""
    caseName: str = ""
    fileFormat: Format = Format.nii_gz
    compression: Compression = Compression.fast
    replace: bool = False
    stitchManifest: str = ""
    stitchPredictions: str = ""
    stitchBlend: Blend = Blend.automatic
    stitchTrustNames: bool = False
    stitchOutput: str = ""
    stitchReplace: bool = False
