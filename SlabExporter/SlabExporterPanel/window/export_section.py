"""The panel's Export button: runs an export, shows how it goes and how it ended, and offers what comes next."""

from contextlib import suppress
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from .surroundings import Surroundings


class ExportSection:
    """Exports as the settings say, and keeps what came of it.

    :param panel: the module's widget.

    ``replaceable`` is the folder of the case for which *Replace* is ticked, as text; empty for none.
    ``states`` are texts for the table, by slab number; ``outcome`` what came of the last export, or None.
    ``confirm`` asks the user a question; the self-test answers it.
    """

    def __init__(self, panel):
        self._panel, self.ui = panel, panel.ui
        self._watch = self._around = None
        self.replaceable, self.states, self.outcome = "", {}, None
        self._replaceTip = self.ui.replaceCheckBox.toolTip
        self.confirm = slicer.util.confirmOkCancelDisplay
        ui = self.ui
        ui.exportButton.connect("clicked(bool)", self.onExport)
        ui.cancelButton.connect("clicked(bool)", panel.onCancel)
        ui.replaceCheckBox.connect("toggled(bool)", self.onReplace)
        ui.loadSlabsButton.connect("clicked(bool)", self.onLoadSlabs)
        ui.openReportButton.connect("clicked(bool)", self.onOpenReport)
        ui.openFolderButton.connect("clicked(bool)", self.onOpenFolder)
        self._setBusy(False)

    @property
    def isBusy(self):
        """Return whether an export is going on."""
        return self._watch is not None

    def cancel(self):
        """Stop at the next slab; nothing of this run stays."""
        if self._watch:
            self._watch.cancel()
            self.ui.statusLabel.text = self._watch.text

    def forgetWhatIsOver(self, before, view, volume, asked):
        """Let go of what belongs to another volume, folder or plan than those of the moment.

        :param before: the PanelView until now, or None.
        :param view: the new one.
        :param volume: the volume node, or None.
        :param asked: settings and nodes of the moment.
        """
        if before is not None and view.rows != before.rows:
            self.states = {}
        if self.outcome is not None and self.outcome.is_over(view, volume, asked):
            self.outcome, self.states = None, {}
            self._panel.packageOffer.offer(())
        if str(view.folder) != self.replaceable:
            self.replaceable = ""

    def show(self, view, asked):
        """Bring the widgets to what the view says, and to what came of the last export.

        :param view: a PanelView.
        :param asked: settings and nodes of the moment.
        """
        ui, outcome = self.ui, self.outcome
        notes = dict.fromkeys((*self._panel.input.notes, *view.notes, *(outcome.warnings(asked) if outcome else ())))
        ui.notesLabel.text = "\n".join(notes)
        ui.notesLabel.visible = bool(notes)
        ui.exportButton.enabled, ui.exportButton.toolTip = view.export.enabled, view.export.tooltip
        isWhole = outcome is not None and outcome.is_whole
        ui.reasonLabel.text = outcome.reason(view, asked) if outcome else view.export.reason
        ui.reasonLabel.visible = bool(ui.reasonLabel.text)
        wasBlocked = ui.replaceCheckBox.blockSignals(True)
        ui.replaceCheckBox.checked = bool(self.replaceable)
        ui.replaceCheckBox.blockSignals(wasBlocked)
        ui.replaceCheckBox.visible = view.may_replace
        # a long text in a tick box would make the whole panel wider
        lost = _("Lost would be {what}.").format(what=view.earlier)
        ui.replaceCheckBox.toolTip = f"{self._replaceTip} {lost}"
        ui.statusLabel.text = outcome.line(asked) if outcome else ""
        ui.statusLabel.visible = bool(ui.statusLabel.text)
        ui.loadSlabsButton.visible = isWhole and outcome.can_be_loaded
        ui.openReportButton.visible = isWhole and outcome.report.is_file()
        ui.openFolderButton.visible = isWhole

    def onReplace(self, ticked):
        """The earlier export of this case, and of no other, may be replaced."""
        folder = self._panel.view.folder if self._panel.view else None
        self.replaceable = str(folder) if ticked and folder is not None else ""
        self._panel.refresh()

    def onExport(self, clicked=False):
        """Export as the settings say, with progress, until done, failed or cancelled."""
        from ..views.replacing import question

        panel = self._panel
        panel.refresh()
        if panel.parameterNode is None or not panel.view.export.enabled or self.isBusy:
            return
        folder = panel.view.folder
        if self.replaceable and panel.view.may_replace and not self.confirm(question(folder)):
            return
        self.states, self.outcome = {}, None
        self.outcome = self._run(folder, panel.parameterNode)
        self.replaceable = ""
        panel.refresh()

    def _run(self, folder, node):
        """Export, and return what came of it."""
        from slab_exporter.core.errors import Cancelled, SlabExporterError

        from ..views.outcome import Outcome
        from ..views.watch import ExportWatch, failed_text, finished_notes, finished_text

        volumeID, notes, isWhole, asked = node.volume.GetID(), (), False, self._panel.asked()
        labels = self._panel.input.labels()
        self._watch, self._around = ExportWatch(self._showProgress), Surroundings((node.volume, node.roi, *labels))
        self._setBusy(True)
        self._panel.input.rememberFolder()
        try:
            manifest = self._export(folder, node, labels)
            notes = tuple(dict.fromkeys((*finished_notes(manifest), *self._watch.told)))
            text, isWhole = finished_text(manifest), True
            self._panel.packageOffer.offer(manifest.warnings)
        except Cancelled as stopped:
            self.states, text = {}, str(stopped)
        except (SlabExporterError, MemoryError) as error:
            self.states, text = {}, failed_text(error)
            self._panel.packageOffer.offer([getattr(error, "sentence", "")])
            if not slicer.app.testingEnabled():
                slicer.util.errorDisplay(text, windowTitle="SlabExporter")
        finally:
            self._watch = None
            self._setBusy(False)
        return Outcome(folder, volumeID, text, notes, isWhole, asked)

    def _export(self, folder, node, labels):
        from slab_exporter.export.from_scene import export_nodes

        from ..settings import data_set_of, request_of

        settings = self._panel.logic.settings()
        return export_nodes(
            node.volume,
            folder.parent,
            request_of(settings),
            labels,
            node.roi,
            folder.name,
            replace=self.replaceable == str(folder),
            progress=self._watch,
            data_set=data_set_of(settings),
            database=self._panel.logic.dicomDatabase,
        )

    def _showProgress(self, watch):
        self.states = dict(watch.states)
        view = self._panel.view
        self._panel.preview.table.show(view.rows, view.headers, self.states)
        self._showLoading(watch)

    def _setBusy(self, busy):
        ui = self.ui
        self._panel.setSectionsEnabled(not busy)
        for name in ("exportButton", "replaceCheckBox", "loadSlabsButton", "openReportButton", "openFolderButton"):
            getattr(ui, name).enabled = not busy
        ui.progressBar.value = 0
        ui.progressBar.visible = ui.cancelButton.visible = ui.cancelButton.enabled = busy
        ui.statusLabel.visible = busy
        if busy:
            ui.reasonLabel.visible = False
            for name in ("loadSlabsButton", "openReportButton", "openFolderButton"):
                getattr(ui, name).visible = False

    def onLoadSlabs(self, clicked=False):
        """Load the slabs of the last export into a folder of their own, with the volume's window."""
        from slab_exporter.core.errors import Cancelled

        from ..views.watch import LoadWatch

        volume = self._panel.parameterNode.volume
        self._watch, self._around = LoadWatch(self._showLoading), Surroundings([volume])
        self._setBusy(True)
        try:
            with slicer.util.tryWithErrorDisplay(_("The slabs could not be loaded.")), suppress(Cancelled):
                self._panel.logic.loadManifest(self.outcome.folder, like=volume, progress=self._watch)
        finally:
            self._watch = None
            self._setBusy(False)
        self._panel.refresh()

    def _showLoading(self, watch):
        self.ui.progressBar.value = watch.percent
        self.ui.statusLabel.text = watch.text
        if not self._around.live():
            self.cancel()

    def onOpenReport(self, clicked=False):
        """Open the data set's report in the browser."""
        self._open(self.outcome.report)

    def onOpenFolder(self, clicked=False):
        """Open the case's folder in the system's file browser."""
        self._open(self.outcome.folder)

    def _open(self, path):
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(Path(path))))
