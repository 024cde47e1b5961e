"""The buttons that make an ROI for the volume: fitted to it, to its label maps, or to what the slice views show."""

import slicer
from slicer.i18n import tr as _

# Marks an ROI that was made here: the node reference names the volume it was made for.
MADE_FOR = "SlabExporter.MadeFor"


class RoiMaker:
    """Makes ROIs of the user's own, saved with the scene, and takes them away again.

    :param panel: the module's widget.
    """

    def __init__(self, panel):
        self._panel, self.ui = panel, panel.ui
        self.ui.fitVolumeButton.connect("clicked(bool)", self.onFitVolume)
        self.ui.fitLabelsButton.connect("clicked(bool)", self.onFitLabels)
        self.ui.fitVisibleButton.connect("clicked(bool)", self.onFitVisible)
        self.ui.removeRoiButton.connect("clicked(bool)", self.onRemove)

    def show(self, node):
        """Bring the buttons to what can be done.

        :param node: the parameter node.
        """
        ui, hasVolume = self.ui, node.volume is not None
        ui.fitVolumeButton.enabled = hasVolume
        ui.fitLabelsButton.enabled = hasVolume and bool(self._panel.input.labels())
        ui.fitVisibleButton.enabled = hasVolume and slicer.app.layoutManager() is not None
        ui.removeRoiButton.enabled = node.roi is not None

    def leave(self, node, volume):
        """Let go of an ROI that was made for another volume; it stays in the scene."""
        if node.roi is not None and node.roi.GetNodeReference(MADE_FOR) not in (None, volume):
            node.roi = None

    def onFitVolume(self, clicked=False):
        """Around the whole volume."""
        self._fit(lambda geometry: geometry.box)

    def onFitLabels(self, clicked=False):
        """Around what the ticked label maps hold."""
        from ...views.preview.limits import box_of_labels

        volume, labels = self._panel.parameterNode.volume, self._panel.input.labels()
        self._fit(lambda geometry: box_of_labels(volume, labels))

    def onFitVisible(self, clicked=False):
        """Around what is visible."""
        from ...views.preview.limits import visible_box

        self._fit(lambda geometry: visible_box(geometry, _sliceViews()))

    def onRemove(self, clicked=False):
        """Cut the whole volume again."""
        node = self._panel.parameterNode
        roi, node.roi = node.roi, None
        if roi is not None and roi.GetNodeReference(MADE_FOR) is not None:
            slicer.mrmlScene.RemoveNode(roi)

    def _fit(self, boxIn):
        """Lay an ROI around a box of the volume, in the order in which its file is cut."""
        from slab_exporter.core.errors import SlabExporterError
        from slab_exporter.mrml.roi import place_roi
        from slab_exporter.volumes.held.headers import geometry_to_cut

        from ...views.words import in_panel_words

        node = self._panel.parameterNode
        try:
            with slicer.util.WaitCursor():
                geometry = geometry_to_cut(node.volume)
                box = boxIn(geometry)
        except SlabExporterError as error:
            self._panel.preview.complain(in_panel_words(error.sentence))
            return
        roi = node.roi
        if roi is None or roi.GetNodeReference(MADE_FOR) is not node.volume:
            roi = self._new(node.volume)
        place_roi(roi, geometry, box)
        roi.GetDisplayNode().SetVisibility(True)
        node.roi = roi

    def _new(self, volume):
        name = slicer.mrmlScene.GenerateUniqueName(_("{volume} ROI").format(volume=volume.GetName()))
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
        roi.CreateDefaultDisplayNodes()
        roi.SetNodeReferenceID(MADE_FOR, volume.GetID())
        display = roi.GetDisplayNode()
        display.SetHandlesInteractive(True)
        display.SetPropertiesLabelVisibility(False)
        display.SetFillOpacity(0.1)
        return roi


def _sliceViews():
    """The slice views that are shown, as the view model wants them."""
    import numpy as np
    from slab_exporter.mrml.nodes import array_from_matrix

    from ...views.preview.limits import SliceView

    views = []
    for name in slicer.app.layoutManager().sliceViewNames():
        widget = slicer.app.layoutManager().sliceWidget(name)
        if not widget.isVisible():
            continue
        node = widget.mrmlSliceNode()
        width, height, _depth = node.GetFieldOfView()
        views.append(SliceView(np.array(array_from_matrix(node.GetSliceToRAS())), width, height))
    return views
