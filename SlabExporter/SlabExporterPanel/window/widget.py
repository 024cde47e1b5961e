"""The panel: binds the .ui file to the settings and to what the view model decides."""

import sys

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ..logic import SlabExporterLogic
from .export_section import ExportSection
from .folder.section import FolderSection
from .input_section import InputSection
from .options_files import OptionsFiles
from .package_offer import PackageOffer
from .packing_offer import PackingOffer
from .preview.boundaries import Boundaries
from .preview.finding import Finding
from .preview.roi_maker import RoiMaker
from .preview_section import PreviewSection
from .stitch_section import StitchSection
from .theme import paintLabels
from .volumes import firstVolume, isVolume

SECTIONS = ("exportInputs", "previewCheckBox", "slabsSection", "optionsSection", "filesSection", "stitchSection")


class SlabExporterWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Follows settings and nodes, and lets the sections show a PanelView."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.view = None
        self.parameterNode = self._guiTag = None
        self._followed = []

    def setup(self):
        """Load the .ui file and connect it."""
        from ..views.dicom_note import DicomNote

        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/SlabExporter.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = SlabExporterLogic()
        # Dragging an ROI or typing changes things many times a second: look at them once.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(50)
        self._timer.connect("timeout()", self.refresh)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        for event in (slicer.mrmlScene.EndCloseEvent, slicer.mrmlScene.EndImportEvent):
            self.addObserver(slicer.mrmlScene, event, self.onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeAddedEvent, self.onNodeAdded)
        slicer.app.connect("paletteChanged(QPalette)", self.onModified)
        self.input = InputSection(self)
        self.optionsFiles = OptionsFiles(self)
        self.preview = PreviewSection(self)
        self.boundaries = Boundaries(self)
        self.finding = Finding(self)
        self.roiMaker = RoiMaker(self)
        self.export = ExportSection(self)
        self.stitch = StitchSection(self.ui, self.logic)
        self.folder = FolderSection(self)
        self.packingOffer = PackingOffer(self.ui)
        self.packageOffer = PackageOffer(self.ui)
        self.dicomNote = DicomNote()
        self.initializeParameterNode()

    def cleanup(self):
        """Stop before Slicer closes or the module is reloaded."""
        self.onCancel()
        slicer.app.disconnect("paletteChanged(QPalette)", self.onModified)
        self.folder.close()
        self.setParameterNode(None)
        self.removeObservers()

    def onReload(self):
        """Developer mode: reload the library and the panel too, not only the module's file."""
        for name in [n for n in sys.modules if n.split(".")[0] in ("slab_exporter", "SlabExporterPanel")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self):
        """The user opens the module: boxes that were shown when it was left are shown again."""
        self.initializeParameterNode()

    def exit(self):
        """The user leaves the module: follow nothing any more, and leave no box that was not kept."""
        self.setParameterNode(None)
        self.preview.remove()
        self.boundaries.remove()
        self.finding.forget()

    def onSceneStartClose(self, caller=None, event=None):
        """Settings and nodes are about to go."""
        self.onCancel()
        self.preview.wanted = False
        self.ui.dragBoundariesCheckBox.checked = False
        self.boundaries.remove()
        self.finding.forget()
        self.setParameterNode(None)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node):
        """The first volume that is loaded while the panel is looked at is the one to cut."""
        if isVolume(node):
            self.input.offer(node)

    def onSceneChanged(self, caller=None, event=None):
        """Start afresh, with the settings of a scene that was loaded, if the module is being looked at."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Use the scene's settings; where no volume is chosen yet, take the first."""
        node = self.logic.getParameterNode()
        if not node.volume:
            node.volume = firstVolume()
        self.setParameterNode(node)

    def setParameterNode(self, parameterNode):
        """Show these settings and follow them; None to let go of them."""
        if self.parameterNode:
            self.parameterNode.disconnectGui(self._guiTag)
        self.parameterNode = parameterNode
        self._timer.stop()
        self._follow([])
        self.stitch.follow(parameterNode)
        if parameterNode:
            self._showUnit()
            self._guiTag = parameterNode.connectGui(self.ui)
            self.input.follow(parameterNode)
            self.boundaries.follow()
            self.refresh()

    def _follow(self, nodes):
        """Refresh when one of these nodes is edited, renamed or moved; forget all others."""
        for node, tag in self._followed:
            node.RemoveObserver(tag)
        events = (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLTransformableNode.TransformModifiedEvent)
        present = [node for node in nodes if node is not None]
        self._followed = [(n, n.AddObserver(event, self.onModified)) for n in present for event in events]

    def onModified(self, caller=None, event=None):
        """Something that the panel depends on has changed: it is looked at soon, also while changes go on."""
        if not self._timer.active:
            self._timer.start()

    @property
    def isBusy(self):
        """Return whether an export or a stitch is going on."""
        return self.export.isBusy or self.stitch.isBusy

    def refresh(self):
        """Decide what to show, and show it."""
        from ..views.panel_view import panel_view

        node = self.parameterNode
        if not node or self.isBusy:
            return
        if slicer.mrmlScene.IsBatchProcessing():  # half of a scene is there
            self._timer.start()
            return
        self.stitch.refresh()
        self.folder.refresh()
        self.input.refresh()
        self.boundaries.refresh(self.view)
        labels = self.input.labels()
        self._follow([node.parameterNode, node.volume, node.roi, *labels])
        before = self.view
        settings = self.logic.settings(self.export.replaceable)
        self.view = panel_view(settings, node.volume, labels, node.roi, self.finding.found)
        asked = self.asked()
        self.input.forgetWhatIsOver(asked)
        self.export.forgetWhatIsOver(before, self.view, node.volume, asked)
        self._show(asked)

    def asked(self):
        """What an export would be asked to do, to be compared: settings and nodes."""
        node, bounds = self.parameterNode, [0.0] * 6
        if node.roi is not None:
            node.roi.GetRASBounds(bounds)
        nodes = (node.volume, node.roi, *self.input.labels())
        return (self.logic.settings(), tuple(one and one.GetID() for one in nodes), tuple(bounds))

    def _show(self, asked):
        """Bring the widgets to what the view says."""
        ui, view = self.ui, self.view
        paintLabels(ui)
        blocks = bool(self.parameterNode.block.strip())
        self._showUnit()
        ui.overlapSpinBox.suffix = _(" voxels") if blocks else _(" slices")
        ui.caseNameEdit.placeholderText = view.case
        self._showDicom(self.parameterNode.fileFormat.value == "dicom")
        ui.summaryLabel.text = view.summary
        ui.summaryLabel.visible = bool(view.summary)
        ui.hardenButton.visible = view.can_harden
        self.input.showFrames(view.frames)
        ui.copyCommandButton.enabled = ui.copyPythonButton.enabled = view.plan is not None
        self.export.show(view, asked)
        self.preview.show(view, self.parameterNode.volume, self.export.states)
        self.boundaries.show(view)
        self.finding.show(view)
        self.roiMaker.show(self.parameterNode)

    def _showUnit(self):
        """Show as many decimals as the thickness may have; before it is shown, or it would be rounded."""
        self.ui.thicknessSpinBox.decimals = 0 if self.parameterNode.unit.value == "slices" else 2

    def _showDicom(self, wanted):
        """Show the fields for DICOM, and where what is left empty in them comes from."""
        self.ui.dicomFields.visible = wanted
        note = self.dicomNote.follow(self.parameterNode.volume, self.logic.dicomDatabase) if wanted else ""
        self.ui.dicomSourceLabel.text = note
        self.ui.dicomSourceLabel.visible = bool(note)

    def setSectionsEnabled(self, enabled):
        """Switch off what must not be changed while an export runs; its own buttons are its affair."""
        for name in SECTIONS:
            getattr(self.ui, name).enabled = enabled
        self.boundaries.lock(not enabled)

    def onCancel(self, clicked=False):
        """Stop what is running at its next slab; nothing half written stays."""
        self.stitch.cancel()
        self.export.cancel()
