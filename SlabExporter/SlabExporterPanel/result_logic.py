"""What was stitched, brought into the scene: labels as a segmentation, images as volumes, beside what was cut."""

import slicer

from .loading import loadFile, readNode
from .scene_logic import showLike

PROBABILITIES = "vtkMRMLColorTableNodeFileViridis.txt"


class ResultLogic:
    """Part of ``SlabExporterLogic``."""

    def loadStitched(self, result, origin, show3D=False, asLabelMap=False):
        """Load what ``stitch`` wrote, every voxel as it is in the file.

        :param result: StitchResult.
        :param origin: views.stitching.stitched.Origin, which knows names and the volume.
        :param show3D: of labels: show surfaces in 3D views too.
        :param asLabelMap: load labels as a label map volume instead of a segmentation.
        :return: views.stitching.stitched.Loaded.
        """
        from .views.stitching.belonging import volume_of
        from .views.stitching.stitched import Loaded, is_layered, is_loadable, is_sequence

        if is_sequence(result):
            return self.loadStitchedFrames(result, origin)
        if not is_loadable(result):
            return Loaded((), f"{result.channels} numbers per voxel: not loaded")
        volume = volume_of(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"), origin.manifest, origin.folder)
        if result.is_labels:
            loaded = _loadLabels(result, origin, volume, asLabelMap)
        elif is_layered(result) and origin.predictions is not None:
            loaded = _loadLayers(result, origin, volume)
        elif result.channels > 1:
            loaded = _loadChannels(result, origin, volume)
        else:
            loaded = _loadImage(result, origin, volume)
        for node in loaded.nodes:
            _putBeside(volume, node)
        if show3D:
            self.showIn3D(loaded.nodes)
        return loaded

    def loadStitchedFrames(self, result, origin):
        """Load what ``stitch`` made of frames as a sequence; arguments and result as of ``loadStitched``."""
        from slab_exporter.core.text import counted

        from .views.stitching.belonging import volume_of
        from .views.stitching.stitched import Loaded

        volume = volume_of(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"), origin.manifest, origin.folder)
        node = self.loadSequence(result.path, index=origin.manifest.frames.index, isLabel=result.is_labels)
        if volume is not None and not result.is_labels:
            showLike(node, volume)
        _putBeside(volume, node)
        return Loaded((node,), f"loaded as a sequence of {counted(result.channels, 'frame')}")

    def showIn3D(self, nodes, shown=True):
        """Show the surfaces of segmentations in 3D views, or take them away.

        :param nodes: of which those that are segmentations are looked at.
        """
        for node in nodes:
            if node.IsA("vtkMRMLSegmentationNode") and shown:
                node.CreateClosedSurfaceRepresentation()
                node.GetDisplayNode().SetVisibility3D(True)
            elif node.IsA("vtkMRMLSegmentationNode"):
                node.RemoveClosedSurfaceRepresentation()


def _loadLabels(result, origin, volume, asLabelMap):
    import numpy as np
    from slab_exporter.core.text import counted

    from .views.stitching.stitched import MOST_SEGMENTS, Loaded

    labels = _loadFile(result, show=False, labelmap=True)
    values = [int(value) for value in np.unique(slicer.util.arrayFromVolume(labels)) if value]
    _makeSmall(labels, max(values, default=0))
    if asLabelMap or len(values) > MOST_SEGMENTS:
        return Loaded((labels,), f"loaded as a label map of {counted(len(values), 'label')}")
    segmentation = _newSegmentation(labels, volume)
    _addSegments(segmentation, labels, origin.labels(values))
    return Loaded((segmentation,), f"loaded as a segmentation of {counted(len(values), 'segment')}")


def _makeSmall(labels, highest):
    """Hold labels that were saved as fractions as whole numbers."""
    import numpy as np

    held = slicer.util.arrayFromVolume(labels)
    if held.dtype.kind == "f":
        slicer.util.updateVolumeFromArray(labels, held.astype(np.min_scalar_type(highest)))


def _loadLayers(result, origin, volume):
    """Load masks that may overlap: one layer for each number per voxel."""
    import numpy as np
    from slab_exporter.core.text import counted

    from .views.stitching.stitched import Loaded

    segmentation = None
    for number in range(result.channels):
        layer = _readNode(result, number, "vtkMRMLLabelMapVolumeNode")
        values = [int(value) for value in np.unique(slicer.util.arrayFromVolume(layer)) if value]
        _makeSmall(layer, max(values, default=0))
        if segmentation is None:
            segmentation = _newSegmentation(layer, volume)
        _addSegments(segmentation, layer, origin.masks(number, result.channels, values))
    segments = counted(segmentation.GetSegmentation().GetNumberOfSegments(), "segment")
    return Loaded((segmentation,), f"loaded as a segmentation of {segments} in {counted(result.channels, 'layer')}")


def _loadChannels(result, origin, volume):
    """Load a volume for each number per voxel, all shown with one window."""
    from .views.stitching.stitched import Loaded

    nodes = []
    for number, name in enumerate(origin.channels(result.channels)):
        node = _readNode(result, number, "vtkMRMLScalarVolumeNode")
        node.SetName(f"{node.GetName()} {name}")
        nodes.append(node)
    _showImage(nodes, origin, volume)
    return Loaded(tuple(nodes), f"{result.channels} numbers per voxel: loaded as a volume for each")


def _loadImage(result, origin, volume):
    from .views.stitching.stitched import Loaded

    node = _loadFile(result, show=origin.predictions is None, labelmap=False)
    _showImage([node], origin, volume)
    return Loaded((node,), "loaded as a volume")


def _loadFile(result, show, labelmap):
    from slab_exporter.core.naming import volume_stem

    return loadFile(result.path, volume_stem(result.path), result.dtype, show=show, labelmap=labelmap)


def _readNode(result, number, kind):
    """Return a node of one of the numbers per voxel of a file."""
    from slab_exporter.core.naming import volume_stem

    return readNode(result.path, volume_stem(result.path), kind, number)


def _newSegmentation(labels, volume):
    """Return an empty segmentation on the grid of the labels, which is the volume's where they are of one grid."""
    from slab_exporter.mrml.nodes import node_geometry

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", labels.GetName())
    segmentation.CreateDefaultDisplayNodes()
    isSame = volume is not None and node_geometry(volume).difference(node_geometry(labels)).is_same_grid()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume if isSame else labels)
    return segmentation


def _addSegments(segmentation, labels, members):
    """Add the labels of a label map node as one layer, with their names and colours; the label map is removed."""
    from slab_exporter.mrml.nodes import remove_node

    held = segmentation.GetSegmentation()
    before = held.GetNumberOfSegments()
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(labels, segmentation)
    known = {member.value: member for member in members}
    for number in range(before, held.GetNumberOfSegments()):
        segment = held.GetNthSegment(number)
        member = known[int(segment.GetLabelValue())]
        segment.SetName(member.name)
        if member.rgb is not None:
            segment.SetColor(*(part / 255 for part in member.rgb))
    remove_node(slicer.mrmlScene, labels)


def _showImage(nodes, origin, volume):
    """Show images like the volume that was cut, and probabilities in colour over it."""
    ranges = [node.GetImageData().GetScalarRange() for node in nodes]
    lowest, highest = min(low for low, _ in ranges), max(high for _, high in ranges)
    isProbability = origin.predictions is not None and lowest >= 0 and highest <= 1
    for node in nodes:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if origin.predictions is None and volume is not None:
            showLike(node, volume)
        elif isProbability or len(nodes) > 1:
            display.SetAutoWindowLevel(False)
            display.SetWindowLevelMinMax(0 if isProbability else lowest, 1 if isProbability else highest)
        if isProbability:
            display.SetAndObserveColorNodeID(PROBABILITIES)
    if origin.predictions is not None and slicer.app.layoutManager() is not None:
        slicer.util.setSliceViewerLayers(foreground=nodes[-1], foregroundOpacity=0.5 if volume else 1)


def _putBeside(volume, node):
    """Put a node into the folder, or under the study, in which the volume is."""
    from slab_exporter.mrml.slab_rois import put_into

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = 0 if volume is None else hierarchy.GetItemByDataNode(volume)
    if item != hierarchy.GetInvalidItemID():
        put_into(hierarchy, hierarchy.GetItemParent(item), node)
