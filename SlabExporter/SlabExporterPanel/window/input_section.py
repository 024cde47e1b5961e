"""What is cut and where to: the widgets that Slicer's parameter nodes cannot bind, and what goes with a volume."""

import ctk
import qt
import slicer
from slicer.i18n import tr as _

LAST_FOLDER = "SlabExporter/LastOutputFolder"


class InputSection:
    """Binds label maps, folder, case name and presets, and follows the user from volume to volume.

    :param panel: the module's widget.
    """

    def __init__(self, panel):
        from ..views.presets import PRESETS

        self._panel, self.ui = panel, panel.ui
        self._volumeID = None
        self._shownTicked = []  # label maps that are shown as ticked: what differs is the user's act
        self.notes, self._notedFor = (), None
        self._arrivedID = None
        ui = self.ui
        ui.outputPathEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.outputPathEdit.connect("currentPathChanged(QString)", self.onOutputChanged)
        ui.labelSelector.connect("checkedNodesChanged()", self.onLabelsChanged)
        ui.caseNameEdit.connect("textEdited(QString)", self.onNameEdited)
        ui.hardenButton.connect("clicked(bool)", self.onHarden)
        ui.copyCommandButton.connect("clicked(bool)", self.onCopyCommand)
        ui.copyPythonButton.connect("clicked(bool)", self.onCopyPython)
        ui.presetComboBox.addItem(_("Presets"))
        for preset in PRESETS:
            ui.presetComboBox.addItem(preset.title)
            ui.presetComboBox.setItemData(ui.presetComboBox.count - 1, preset.tip, qt.Qt.ToolTipRole)
        ui.presetComboBox.connect("activated(int)", self.onPreset)

    def follow(self, parameterNode):
        """Show settings that have just been loaded or made."""
        if not parameterNode.outputFolder:
            parameterNode.outputFolder = qt.QSettings().value(LAST_FOLDER) or ""
        if parameterNode.caseName and not parameterNode.namedVolume:  # a scene of an earlier version
            parameterNode.namedVolume = parameterNode.volume
        self._volumeID = parameterNode.volume.GetID() if parameterNode.volume else None
        self.say(())
        self._showUnbound()

    def say(self, sentences):
        """Show sentences until something else is asked for."""
        self.notes, self._notedFor = tuple(sentences), None

    def forgetWhatIsOver(self, asked):
        """Let go of sentences on settings and nodes that are others now.

        :param asked: those of the moment.
        """
        if self._notedFor not in (None, asked):
            self.notes = ()
        self._notedFor = asked

    def offer(self, volume):
        """A volume was added to the scene: it is chosen where none is, once it is whole."""
        if self._panel.parameterNode is not None and self._panel.parameterNode.volume is None:
            self._arrivedID = self._arrivedID or volume.GetID()
            self._panel.onModified()

    def _chooseArrived(self, node):
        arrived, self._arrivedID = self._arrivedID, None
        if node.volume is None and arrived is not None:
            node.volume = slicer.mrmlScene.GetNodeByID(arrived)

    def rememberFolder(self):
        """Offer this folder when Slicer is started the next time."""
        qt.QSettings().setValue(LAST_FOLDER, self._panel.parameterNode.outputFolder)
        self.ui.outputPathEdit.addCurrentPathToHistory()

    def labels(self):
        """Return the label map and segmentation nodes that are ticked."""
        return tuple(node for node in self._panel.parameterNode.labels if node is not None)

    def refresh(self):
        """Notice that another volume is chosen, and let go of what belongs to the one before."""
        node = self._panel.parameterNode
        if self._volumeID is not None and slicer.mrmlScene.GetNodeByID(self._volumeID) is None:
            # Slicer's list of nodes takes the next one, which might be another patient's.
            self._volumeID = node.volume = None
        self._chooseArrived(node)
        volume = node.volume
        if volume is not None and volume.GetID() != self._volumeID:
            if self._volumeID is not None:
                self._leaveOldVolume(node, volume)
            self._volumeID = volume.GetID()
            self._showInViews(volume)
        self._showUnbound()

    def showFrames(self, frames):
        """Show which frames are cut, of a volume that shows one of several.

        :param frames: views.frames.FramesView, or None.
        """
        from ..choices import SOME_FRAMES

        ui = self.ui
        ui.framesLabel.visible = ui.framesFields.visible = frames is not None
        if frames is not None:
            ui.framesLabel.toolTip = ui.framesComboBox.toolTip = ui.framesEdit.toolTip = frames.tooltip
            ui.framesEdit.placeholderText = frames.example
            ui.framesEdit.visible = self._panel.parameterNode.framesChoice.value == SOME_FRAMES

    def _leaveOldVolume(self, node, volume):
        from ..views.following import fitting

        if node.namedVolume is not volume:
            node.caseName = ""
        node.cutAt = ""
        self._panel.roiMaker.leave(node, volume)
        labels = self.labels()
        kept, notes = fitting(labels, volume)
        self.say(notes)
        if len(kept) != len(labels):
            node.labels = list(kept)

    def _showInViews(self, volume):
        """Show the chosen volume in the slice views, unless they show it already."""
        nodes = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if (
            volume is None
            or volume.GetImageData() is None
            or any(n.GetBackgroundVolumeID() == volume.GetID() for n in nodes)
        ):
            return
        if slicer.app.layoutManager() is not None:
            slicer.util.setSliceViewerLayers(background=volume, fit=True)
            slicer.util.resetThreeDViews()

    def _showUnbound(self):
        node, labels = self._panel.parameterNode, self.labels()
        selector = self.ui.labelSelector
        wasBlocked = selector.blockSignals(True)
        for index in range(selector.nodeCount()):
            candidate = selector.nodeFromIndex(index)
            selector.setCheckState(candidate, qt.Qt.Checked if candidate in labels else qt.Qt.Unchecked)
        selector.blockSignals(wasBlocked)
        self._shownTicked = list(selector.checkedNodes())
        if self.ui.outputPathEdit.currentPath != node.outputFolder:
            self.ui.outputPathEdit.currentPath = node.outputFolder
        if self.ui.caseNameEdit.text != node.caseName:
            self.ui.caseNameEdit.text = node.caseName

    def onOutputChanged(self, path):
        """The user chose a folder."""
        if self._panel.parameterNode:
            self._panel.parameterNode.outputFolder = path

    def onLabelsChanged(self):
        """The user checked or unchecked a label map, or a scene was loaded, whose settings stay as they are."""
        if self._panel.parameterNode is None:
            return
        ticked, shown = list(self.ui.labelSelector.checkedNodes()), self._shownTicked
        unticked = [node for node in shown if node not in ticked]
        new = [node for node in ticked if node not in shown]
        if unticked or new:  # while a scene is being loaded its settings name nodes that are not there yet
            kept = [node for node in self.labels() if node not in (*unticked, *new)]
            self._panel.parameterNode.labels = kept + new
        self._showUnbound()

    def onNameEdited(self, text):
        """The user typed a name, which is for this volume."""
        node = self._panel.parameterNode
        if node:
            node.namedVolume = node.volume
            node.caseName = text

    def onPreset(self, index):
        """Take over the settings of a preset; the box goes back to its title."""
        from ..views.presets import PRESETS, apply

        self.ui.presetComboBox.currentIndex = 0
        if index > 0 and self._panel.parameterNode:
            apply(PRESETS[index - 1], self._panel.parameterNode)

    def onHarden(self, clicked=False):
        """Cut a copy of the volume to which its transform has been applied."""
        node = self._panel.parameterNode
        volume, labels = self._panel.logic.hardenedCopies(node.volume, self.labels())
        node.labels = list(labels)
        node.volume = volume

    def onCopyCommand(self, clicked=False):
        """Put the command line that does the same on the clipboard."""
        from ..views.commands import command_line

        self._copy(command_line, self._panel.logic.dicomDatabase)

    def onCopyPython(self, clicked=False):
        """Put the line for the Python console that does the same on the clipboard."""
        from ..views.commands import python_lines

        self._copy(python_lines)

    def _copy(self, write, *more):
        node = self._panel.parameterNode
        settings = self._panel.logic.settings()
        slicer.app.clipboard().setText(write(settings, node.volume, self.labels(), node.roi, *more))
