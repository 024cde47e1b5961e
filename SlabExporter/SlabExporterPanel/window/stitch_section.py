"""The panel's Stitch section: binds its widgets to the settings and to what the view model decides."""

import ctk
import slicer
from slicer.i18n import tr as _

from .surroundings import Surroundings

# Path widgets, which Slicer's parameter nodes cannot bind to text, and their settings.
PATHS = {
    "stitchManifestPathEdit": "stitchManifest",
    "stitchPredictionsPathEdit": "stitchPredictions",
    "stitchOutputPathEdit": "stitchOutput",
}
OTHER_SECTIONS = ("exportSection", "slabsSection", "optionsSection", "filesSection")


class StitchSection:
    """Shows a StitchView and stitches.

    :param ui: the panel's widgets by name.
    :param logic: of the module.
    """

    def __init__(self, ui, logic):
        from slab_exporter.files.encodings.table import WRITABLE

        self.ui, self.logic = ui, logic
        self._node = self._watch = None
        self._parts, self._loadedIDs, self._ending = (), (), None
        self._tips = {name: getattr(ui, name).toolTip for name in ("stitchArgmaxCheckBox", "stitchTrustNamesCheckBox")}
        files, folders = ctk.ctkPathLineEdit.Files, ctk.ctkPathLineEdit.Dirs
        ui.stitchManifestPathEdit.filters = files
        ui.stitchManifestPathEdit.nameFilters = [_("Manifest of an export (*.json)")]
        ui.stitchPredictionsPathEdit.filters = folders
        ui.stitchOutputPathEdit.filters = files | ctk.ctkPathLineEdit.Writable
        # CTK takes the first part of an extension only: "*.nii.gz" would refuse .nii.gz.
        endings = " ".join(f"*.{extension.rsplit('.', 1)[-1]}" for extension in WRITABLE)
        ui.stitchOutputPathEdit.nameFilters = [_("Volumes ({endings})").format(endings=endings)]
        for name in PATHS:
            widget = getattr(ui, name)
            widget.connect("currentPathChanged(QString)", self.onPathChanged)
            widget.connect("validInputChanged(bool)", self.onPathChanged)  # the only signal where it fits no filter
        ui.stitchPartComboBox.connect("activated(int)", self.onPart)
        ui.stitchShow3DCheckBox.connect("toggled(bool)", self.onShow3D)
        ui.stitchSection.connect("contentsCollapsed(bool)", self.onCollapsed)
        ui.stitchButton.connect("clicked(bool)", self.onStitch)
        ui.stitchCancelButton.connect("clicked(bool)", self.cancel)
        self._setBusy(False)

    @property
    def isBusy(self):
        """Return whether stitching is going on."""
        return self._watch is not None

    def follow(self, parameterNode):
        """Show these settings; None to let go of them."""
        self._node = None
        for name, setting in PATHS.items() if parameterNode else ():
            getattr(self.ui, name).currentPath = getattr(parameterNode, setting)
        self._node = parameterNode

    def onPathChanged(self, changed=None):
        """The user chose or typed a path."""
        for name, setting in PATHS.items() if self._node else ():
            text = getattr(self.ui, name).currentPath
            if text != getattr(self._node, setting):
                setattr(self._node, setting, text)

    def onCollapsed(self, collapsed):
        """Look at the files only when the section is open."""
        self.refresh()

    def refresh(self):
        """Decide what can be done, and show it."""
        from ..views.stitching.stitch_view import stitch_view

        if self._node is None or self.isBusy or self.ui.stitchSection.collapsed:
            return
        settings = self.logic.stitchSettings()
        view = stitch_view(settings)
        if self._ending is not None and self._ending.settings != settings:
            self._ending = None
        self.ui.stitchSummaryLabel.text = view.summary if self._ending is None else self._ending.summary(view)
        self.ui.stitchSummaryLabel.visible = bool(self.ui.stitchSummaryLabel.text)
        self.ui.stitchStatusLabel.text = "" if self._ending is None else self._ending.text
        self.ui.stitchStatusLabel.visible = self._ending is not None
        self._showParts(view.parts)
        for name, action in {
            "stitchButton": view.stitch,
            "stitchPartComboBox": view.part,
            "stitchGridComboBox": view.grid,
        }.items():
            widget = getattr(self.ui, name)
            widget.enabled, widget.toolTip = action.enabled, action.tooltip
        for name in ("stitchArgmaxCheckBox", "stitchTrustNamesCheckBox"):
            widget, own = getattr(self.ui, name), self._tips[name]
            widget.enabled = view.of_predictions.enabled
            widget.toolTip = own if view.of_predictions.enabled else view.of_predictions.tooltip

    def _showParts(self, parts):
        box = self.ui.stitchPartComboBox
        if parts != self._parts:
            self._parts = parts
            box.clear()
            for part in parts:
                box.addItem(part.title)
        words = [part.word for part in parts]
        box.currentIndex = words.index(self._node.stitchPart) if self._node.stitchPart in words else 0

    def onPart(self, index):
        """The user chose what of the export is stitched."""
        if self._node:
            self._node.stitchPart = self._parts[index].word

    def onShow3D(self, shown):
        """Show what was loaded last in 3D views, or take it away there."""
        nodes = [slicer.mrmlScene.GetNodeByID(one) for one in self._loadedIDs]
        with slicer.util.tryWithErrorDisplay(_("The surfaces could not be made."), waitCursor=True):
            self.logic.showIn3D([node for node in nodes if node is not None], shown)

    def onStitch(self, clicked=False):
        """Stitch as the settings say, with progress, until done, failed or cancelled; load the result."""
        from slab_exporter.core.errors import Cancelled, SlabExporterError

        from ..views.stitching.stitch_view import StitchEnding, StitchWatch
        from ..views.watch import failed_text

        self.refresh()
        if not self.ui.stitchButton.enabled or self.isBusy:
            return
        node, isWhole = self._node, False  # the module may be left meanwhile
        self._watch, self._around = StitchWatch(self._showProgress), Surroundings()
        self._setBusy(True)
        try:
            text = self._stitch(self.logic.stitchSettings(), node.stitchShow3D)
            node.stitchReplace, isWhole = False, True  # what is replaced is decided each time
        except Cancelled as stopped:
            text = str(stopped)
        except (SlabExporterError, MemoryError) as error:
            text = failed_text(error)
            if not slicer.app.testingEnabled():
                slicer.util.errorDisplay(text, windowTitle="SlabExporter")
        finally:
            self._watch = None
            self._setBusy(False)
        self._ending = StitchEnding(self.logic.stitchSettings(), text, isWhole)
        self.refresh()

    def _stitch(self, settings, show3D):
        """Stitch and load; return the lines about it."""
        from ..views.stitching.stitch_view import origin_of, run_stitch
        from ..views.stitching.stitched import stitched_text

        result = run_stitch(settings, self._watch)
        loaded = self.logic.loadStitched(result, origin_of(settings), show3D)
        self._loadedIDs = tuple(node.GetID() for node in loaded.nodes)
        return stitched_text(result, loaded.text)

    def cancel(self, clicked=False):
        """Stop at the next slab; nothing is left behind."""
        if self._watch:
            self._watch.cancel()
            self.ui.stitchStatusLabel.text = self._watch.text

    def _showProgress(self, watch):
        self.ui.stitchProgressBar.value = watch.percent
        self.ui.stitchStatusLabel.text = watch.text
        if not self._around.live():
            self.cancel()

    def _setBusy(self, busy):
        ui = self.ui
        for name in OTHER_SECTIONS:
            getattr(ui, name).enabled = not busy
        ui.stitchInputs.enabled = ui.stitchButton.enabled = not busy
        ui.stitchProgressBar.value = 0
        ui.stitchProgressBar.visible = ui.stitchCancelButton.visible = ui.stitchCancelButton.enabled = busy
        ui.stitchStatusLabel.visible = busy
        if busy:
            slicer.app.processEvents()
