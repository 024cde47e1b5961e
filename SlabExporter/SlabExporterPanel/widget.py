"""The panel: binds the .ui file to the settings and to what the view model decides."""

import sys
from pathlib import Path

import ctk
import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from .logic import SlabExporterLogic
from .packing_offer import PackingOffer
from .slab_table import SlabTable
from .stitch_section import StitchSection

SECTIONS = ("inputSection", "slabsSection", "outputSection", "stitchSection")


class SlabExporterWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Follows settings and nodes, shows a PanelView, and passes clicks on."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.view = None
        self._parameterNode = self._guiTag = self._watch = None
        self._states, self._notes = {}, ()
        self._exported = None
        self._followed = []

    def setup(self):
        """Load the .ui file and connect it."""
        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/SlabExporter.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = SlabExporterLogic()
        self.table = SlabTable(self.ui.slabTable)
        # Dragging an ROI or typing changes things many times a second: look at them once.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(50)
        self._timer.connect("timeout()", self.refresh)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self._connectWidgets()
        self.stitch = StitchSection(self.ui, self.logic)
        self.packingOffer = PackingOffer(self.ui)
        self.initializeParameterNode()

    def _connectWidgets(self):
        ui = self.ui
        ui.outputPathEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.outputPathEdit.connect("currentPathChanged(QString)", self.onOutputChanged)
        ui.labelSelector.connect("checkedNodesChanged()", self.onLabelsChanged)
        ui.showPreviewCheckBox.connect("toggled(bool)", self.onShowPreview)
        ui.slabTable.connect("itemSelectionChanged()", self.onRowSelected)
        ui.slabTable.connect("cellDoubleClicked(int,int)", self.onRowDoubleClicked)
        for name in ("preview", "removePreview", "export", "cancel", "openFolder"):
            getattr(ui, f"{name}Button").connect("clicked(bool)", getattr(self, f"on{name[0].upper()}{name[1:]}"))
        self._setBusy(False)

    def cleanup(self):
        """Stop before Slicer closes or the module is reloaded."""
        self.onCancel()
        self.setParameterNode(None)
        self.removeObservers()

    def onReload(self):
        """Developer mode: reload the library and the panel too, not only the module's file."""
        for name in [n for n in sys.modules if n.split(".")[0] in ("slab_exporter", "SlabExporterPanel")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self):
        """The user opens the module."""
        self.initializeParameterNode()

    def exit(self):
        """The user leaves the module: follow nothing any more; boxes that are shown stay."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller=None, event=None):
        """Settings and nodes are about to go."""
        self.onCancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller=None, event=None):
        """Start afresh if the module is being looked at."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Use the scene's settings; where no volume is chosen yet, take the first."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.volume:
            self._parameterNode.volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    def setParameterNode(self, parameterNode):
        """Show these settings and follow them; None to let go of them."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
        self._parameterNode = parameterNode
        self._timer.stop()
        self._follow([])
        self.stitch.follow(parameterNode)
        if parameterNode:
            self._guiTag = parameterNode.connectGui(self.ui)
            self._showUnbound()
            self.refresh()

    def _showUnbound(self):
        """Bring the two widgets that Slicer's parameter nodes cannot bind to the settings."""
        node = self._parameterNode
        labels = self._labels()
        selector = self.ui.labelSelector
        wasBlocked = selector.blockSignals(True)
        for index in range(selector.nodeCount()):
            candidate = selector.nodeFromIndex(index)
            selector.setCheckState(candidate, qt.Qt.Checked if candidate in labels else qt.Qt.Unchecked)
        selector.blockSignals(wasBlocked)
        self.ui.outputPathEdit.currentPath = node.outputFolder

    def _labels(self):
        return tuple(node for node in self._parameterNode.labels if node is not None)

    def _follow(self, nodes):
        """Refresh when one of these nodes is edited, renamed or moved; forget all others."""
        for node, tag in self._followed:
            node.RemoveObserver(tag)
        events = (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLTransformableNode.TransformModifiedEvent)
        present = [node for node in nodes if node is not None]
        self._followed = [(n, n.AddObserver(event, self.onModified)) for n in present for event in events]

    def onModified(self, caller=None, event=None):
        """Something that the panel depends on has changed."""
        self._timer.start()

    def onOutputChanged(self, path):
        """The user chose a folder."""
        if self._parameterNode:
            self._parameterNode.outputFolder = path

    def onLabelsChanged(self):
        """The user checked or unchecked a label map."""
        if self._parameterNode:
            self._parameterNode.labels = list(self.ui.labelSelector.checkedNodes())

    def refresh(self):
        """Decide what to show, and show it."""
        from slab_exporter.mrml.slab_rois import preview_rois, remove_preview, show_preview

        from .view import panel_view

        node = self._parameterNode
        if not node or self._watch or self.stitch.isBusy:
            return
        self.stitch.refresh()
        self._follow([node.parameterNode, node.volume, node.roi, *self._labels()])
        before = self.view.rows if self.view else None
        self.view = panel_view(self.logic.settings(), node.volume, self._labels(), node.roi)
        if self.view.rows != before:
            self._states, self._notes = {}, ()
        # Boxes that are shown follow the settings, and go where there is no plan any more.
        shown = preview_rois(slicer.mrmlScene)
        if shown and self.view.preview.enabled:
            show_preview(slicer, slicer.mrmlScene, self.view.plan, node.volume)
        elif shown:
            remove_preview(slicer, slicer.mrmlScene)
        self._show()

    def _show(self):
        """Bring the widgets to what the view says."""
        from slab_exporter.mrml.slab_rois import preview_rois

        ui, view = self.ui, self.view
        rois = preview_rois(slicer.mrmlScene)
        ui.roiSelector.sortFilterProxyModel().hiddenNodeIDs = [roi.GetID() for roi in rois]
        ui.thicknessSpinBox.decimals = 0 if self._parameterNode.unit.value == "slices" else 2
        ui.caseNameEdit.placeholderText = view.case
        ui.summaryLabel.text = view.summary
        notes = dict.fromkeys((*view.notes, *self._notes))
        ui.notesLabel.text = "\n".join(notes)
        ui.notesLabel.visible = bool(notes)
        for button, action in ((ui.previewButton, view.preview), (ui.exportButton, view.export)):
            button.enabled, button.toolTip = action.enabled, action.tooltip
        ui.previewButton.text = _("Update boxes") if rois else _("Show slabs as boxes")
        ui.showPreviewCheckBox.enabled = ui.removePreviewButton.enabled = bool(rois)
        ui.reasonLabel.text = "" if view.export.enabled else view.export.tooltip
        ui.reasonLabel.visible = not view.export.enabled
        self.table.show(view.rows, view.headers, self._states)

    def onPreview(self, clicked=False):
        """Show the slabs as boxes."""
        from slab_exporter.mrml.slab_rois import preview_rois, show_preview

        self.refresh()
        if self.view.preview.enabled:
            isFirst = not preview_rois(slicer.mrmlScene)
            show_preview(slicer, slicer.mrmlScene, self.view.plan, self._parameterNode.volume)
            if isFirst and slicer.app.layoutManager() is not None:
                slicer.util.resetThreeDViews()  # bring the boxes into view
            self.ui.showPreviewCheckBox.checked = True
            self._show()

    def onShowPreview(self, visible):
        """Show or hide the boxes."""
        from slab_exporter.mrml.slab_rois import set_preview_visible

        set_preview_visible(slicer.mrmlScene, visible)

    def onRemovePreview(self, clicked=False):
        """Take the boxes away."""
        from slab_exporter.mrml.slab_rois import remove_preview

        remove_preview(slicer, slicer.mrmlScene)
        self._show()

    def onRowSelected(self):
        """Make the selected slab's box stand out."""
        from slab_exporter.mrml.slab_rois import highlight

        highlight(slicer.mrmlScene, self.table.selected())

    def onRowDoubleClicked(self, row, column=0):
        """Bring the slice views to the middle of a slab."""
        centred = slicer.vtkMRMLSliceNode.CenteredJumpSlice
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *self.view.rows[row].centre, centred)

    def onExport(self, clicked=False):
        """Export as the settings say, with progress, until done, failed or cancelled."""
        from slab_exporter.core.errors import Cancelled, SlabExporterError

        from .watch import ExportWatch, failed_text, finished_notes, finished_text

        self.refresh()
        if not self.view.export.enabled:
            return
        self._states, self._notes = {}, ()
        self._watch = ExportWatch(self._showProgress)
        self._setBusy(True)
        try:
            manifest = self._export(self._watch)
            text, self._notes = finished_text(manifest), finished_notes(manifest)
        except Cancelled as stopped:
            self._states, text = {}, str(stopped)
        except (SlabExporterError, MemoryError) as error:
            self._states, text = {}, failed_text(error)
            if not slicer.app.testingEnabled():
                slicer.util.errorDisplay(text, windowTitle="SlabExporter")
        finally:
            self._watch = None
            self._setBusy(False)
        self.ui.statusLabel.text = text
        self.refresh()

    def _export(self, watch):
        from slab_exporter.export.from_scene import export_nodes

        from .view import request_of

        settings, node = self.logic.settings(), self._parameterNode
        out = Path(settings.output.strip()).expanduser()
        self._exported = out / self.view.case
        request, labels = request_of(settings), self._labels()
        return export_nodes(
            node.volume, out, request, labels, node.roi, settings.name, replace=settings.replace, progress=watch
        )

    def _showProgress(self, watch):
        self._states = dict(watch.states)
        self.ui.progressBar.value = watch.percent
        self.ui.statusLabel.text = watch.text
        self.table.show(self.view.rows, self.view.headers, self._states)
        slicer.app.processEvents()

    def _setBusy(self, busy):
        for name in SECTIONS:
            getattr(self.ui, name).enabled = not busy
        for button in (self.ui.previewButton, self.ui.removePreviewButton, self.ui.exportButton):
            button.enabled = not busy
        self.ui.progressBar.value = 0
        self.ui.progressBar.visible = self.ui.cancelButton.visible = self.ui.cancelButton.enabled = busy
        self.ui.openFolderButton.visible = not busy and self._exported is not None and self._exported.is_dir()

    def onCancel(self, clicked=False):
        """Stop what is running at its next slab; nothing half written stays."""
        self.stitch.cancel()
        if self._watch:
            self._watch.cancel()
            self.ui.statusLabel.text = self._watch.text

    def onOpenFolder(self, clicked=False):
        """Open the case's folder in the system's file browser."""
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._exported)))
