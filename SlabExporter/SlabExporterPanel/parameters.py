"""The panel's settings in the scene."""

from typing import Annotated

from slicer import vtkMRMLDisplayableNode, vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from .choices import Axis, Blend, Compression, CropTo, Format, Frames, Grid, Keep, Remainder, Unit


@parameterNodeWrapper
class SlabExporterParameterNode:
    """The panel's settings, saved with the scene. What they mean: settings.PanelSettings.

    ``caseName`` is used for ``namedVolume``, the volume that was chosen when it was typed, and for no other.
    That an earlier export may be replaced is not saved: it is asked for each time.
    """

    volume: vtkMRMLScalarVolumeNode
    labels: list[vtkMRMLDisplayableNode]
    roi: vtkMRMLMarkupsROINode
    framesChoice: Frames = Frames.shown
    framesText: str = ""
    axis: Axis = Axis.axial
    thickness: Annotated[float, WithinRange(0.01, 100000)] = 64
    unit: Unit = Unit.slices
    block: str = ""
    cutAt: str = ""
    overlap: Annotated[int, WithinRange(0, 100000)] = 0
    remainder: Remainder = Remainder.keep
    fill: str = "auto"
    onePiece: bool = False
    keep: Keep = Keep.all
    minPercent: Annotated[float, WithinRange(0, 100)] = 0
    cropTo: CropTo = CropTo.nothing
    margin: Annotated[float, WithinRange(0, 10000)] = 0
    orient: str = ""
    spacing: str = ""
    outputFolder: str = ""
    caseName: str = ""
    namedVolume: vtkMRMLScalarVolumeNode
    fileFormat: Format = Format.nii_gz
    compression: Compression = Compression.fast
    dicomModality: str = ""
    dicomPatientName: str = ""
    dicomPatientId: str = ""
    dicomStudy: str = ""
    nnunetId: Annotated[int, WithinRange(0, 999)] = 0
    nnunetName: str = ""
    stitchManifest: str = ""
    stitchPredictions: str = ""
    stitchPart: str = ""
    stitchBlend: Blend = Blend.automatic
    stitchGrid: Grid = Grid.cut
    stitchFill: str = "auto"
    stitchArgmax: bool = False
    stitchTrustNames: bool = False
    stitchOutput: str = ""
    stitchShow3D: bool = False
    stitchReplace: bool = False
