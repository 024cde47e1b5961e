"""The slabs in the panel's table and as boxes in the views."""

import slicer

from .slab_table import SlabTable


class PreviewSection:
    """Shows the slabs of a PanelView in the table, and as boxes where that is wanted.

    :param panel: the module's widget.

    Boxes that are wanted follow the settings, go where there is no plan any more, and come back with it.
    """

    def __init__(self, panel):
        self._panel, self.ui = panel, panel.ui
        self.table = SlabTable(self.ui.slabTable)
        self.wanted, self._complaint, self._complainedAt = False, "", ()
        self.ui.previewCheckBox.connect("toggled(bool)", self.onWanted)
        self.ui.keepBoxesButton.connect("clicked(bool)", self.onKeep)
        self.ui.slabTable.connect("itemSelectionChanged()", self.onRowSelected)
        self.ui.slabTable.connect("cellDoubleClicked(int,int)", self.onRowDoubleClicked)

    def show(self, view, volume, states):
        """Bring table and boxes to what the view says.

        :param view: a PanelView.
        :param volume: the volume node.
        :param states: slab number -> text instead of the row's own state.
        """
        from slab_exporter.mrml.slab_rois import preview_rois, show_preview

        ui = self.ui
        isWanted = self.wanted or bool(preview_rois(slicer.mrmlScene))
        ui.previewCheckBox.enabled, ui.previewCheckBox.toolTip = view.preview.enabled, view.preview.tooltip
        if isWanted and view.preview.enabled:
            with slicer.util.RenderBlocker():  # the views would be drawn again for each box
                show_preview(slicer, slicer.mrmlScene, view.plan, volume)
        else:
            self.remove()
        self.wanted = isWanted
        wasBlocked = ui.previewCheckBox.blockSignals(True)
        ui.previewCheckBox.checked = isWanted
        ui.previewCheckBox.blockSignals(wasBlocked)
        ui.keepBoxesButton.enabled = isWanted and view.preview.enabled
        ui.orderLabel.text, ui.orderLabel.visible = view.order, bool(view.order)
        isSlabs = view.plan is not None and view.plan.kind == "slab"
        self.table.show(view.rows, view.headers, states, isEditable=isSlabs)
        if view.rows != self._complainedAt:
            self._complaint = ""
        ui.tableLabel.text, ui.tableLabel.visible = self._complaint, bool(self._complaint)
        self.table.setExtentTip(view.extent_tip)

    def complain(self, sentence):
        """Say why something cannot be done, until the slabs are others."""
        self._complaint, self._complainedAt = sentence, self._panel.view.rows
        self._panel.onModified()

    def remove(self):
        """Take the boxes away; they are shown again when there is something to show."""
        from slab_exporter.mrml.slab_rois import preview_rois, remove_preview

        if preview_rois(slicer.mrmlScene):
            with slicer.util.RenderBlocker():
                remove_preview(slicer.mrmlScene)

    def onWanted(self, wanted):
        """Show the slabs as boxes, or take the boxes away."""
        self.wanted = wanted
        if not wanted:
            self.remove()
        self._panel.refresh()
        if wanted and slicer.app.layoutManager() is not None:
            slicer.util.resetThreeDViews()  # bring the boxes into view

    def onKeep(self, clicked=False):
        """Make the boxes ROIs of the user's own."""
        from slab_exporter.mrml.slab_rois import keep_preview

        volume = self._panel.parameterNode.volume
        with slicer.util.RenderBlocker():
            keep_preview(slicer, slicer.mrmlScene, f"{volume.GetName()} {self._panel.view.plan.kind}s")
        self.wanted = False
        self._panel.refresh()

    def onRowSelected(self):
        """Make the selected slab's box stand out."""
        from slab_exporter.mrml.slab_rois import highlight

        with slicer.util.RenderBlocker():
            highlight(slicer.mrmlScene, self.table.selected())

    def onRowDoubleClicked(self, row, column=0):
        """Bring the slice views to the middle of a slab, unless its slices are to be typed."""
        if self.table.canBeTyped(column):
            return
        centred = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        centre = self._panel.view.rows[row].centre
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *centre, centred)
