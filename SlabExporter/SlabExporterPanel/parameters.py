"""The panel's settings in the scene."""

from enum import Enum
from typing import Annotated, get_args, get_origin, get_type_hints

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


def forgetUnreadable(node):
    """Let go of settings that this version cannot read: a scene of a later one may hold choices that it does not know.

    :param node: the scene's vtkMRMLScriptedModuleNode, before it is wrapped.
    """
    for name, hint in get_type_hints(SlabExporterParameterNode, include_extras=True).items():
        if node.HasParameter(name) and not _isReadable(hint, node.GetParameter(name)):
            node.UnsetParameter(name)


def _isReadable(hint, text):
    kind, *ranges = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return text in kind.__members__
    if kind not in (int, float):
        return True
    try:
        value = kind(text)
    except ValueError:
        return False
    return all(one.minimum <= value <= one.maximum for one in ranges)
