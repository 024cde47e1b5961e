"""The panel's section Folder: a folder of cases looked at and exported by a process beside Slicer."""

import qt
import slicer
from slicer.i18n import tr as _

from .case_table import CaseTable
from .closing import ClosingGuard
from .runner import FolderRunner

# The last folders, in the application's settings, by the widget that shows them.
REMEMBERED = {
    "folderInputEdit": "SlabExporter/FolderInput",
    "folderLabelsEdit": "SlabExporter/FolderLabels",
    "folderOutputEdit": "SlabExporter/FolderOutput",
}
_LOOK_AFTER_MS, _REPAINT_MS = 600, 100


class FolderSection:
    """Shows a FolderView and a FolderBoard, and runs what they are about.

    :param panel: the module's widget.

    ``confirm`` asks the user a question; the self-test answers it.
    """

    def __init__(self, panel):
        self._panel = panel
        self.section = slicer.util.loadUI(panel.resourcePath("UI/FolderSection.ui"))
        root = panel.ui.stitchSection.parentWidget().layout()
        root.insertWidget(root.indexOf(panel.ui.stitchSection), self.section)
        self.ui = ui = slicer.util.childWidgetVariables(self.section)
        self._settings = self._view = self.board = self._runner = None
        self._isExporting, self._isStopping = False, False
        self.confirm = slicer.util.confirmOkCancelDisplay
        self._table, self._guard = CaseTable(ui.folderTable), ClosingGuard()
        self._lookTimer = self._timer(_LOOK_AFTER_MS, self.look)
        self._paintTimer = self._timer(_REPAINT_MS, self._paint)
        for name, key in REMEMBERED.items():
            getattr(ui, name).text = qt.QSettings().value(key) or ""
            getattr(ui, name).connect("textChanged(QString)", self.onTyped)
        self._connect()
        self.refresh()

    def _connect(self):
        ui = self.ui
        self.section.connect("contentsCollapsed(bool)", self.onTyped)
        ui.folderInputButton.connect("clicked(bool)", lambda clicked: self._choose(ui.folderInputEdit))
        ui.folderLabelsButton.connect("clicked(bool)", lambda clicked: self._choose(ui.folderLabelsEdit))
        ui.folderOutputButton.connect("clicked(bool)", lambda clicked: self._choose(ui.folderOutputEdit))
        ui.folderListButton.connect("clicked(bool)", self.onChooseList)
        ui.folderTable.connect("itemSelectionChanged()", self._paint)
        ui.folderLookButton.connect("clicked(bool)", self.look)
        ui.folderStartButton.connect("clicked(bool)", self.onStart)
        ui.folderResumeButton.connect("clicked(bool)", self.onResume)
        ui.folderCancelButton.connect("clicked(bool)", self.cancel)
        ui.folderCopyButton.connect("clicked(bool)", self.onCopy)
        ui.folderReportButton.connect("clicked(bool)", lambda clicked: self._open(self.board.report))
        ui.folderOpenButton.connect("clicked(bool)", lambda clicked: self._open(self.board.task.out))

    @staticmethod
    def _timer(milliseconds, call):
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.connect("timeout()", call)
        return timer

    @property
    def isBusy(self):
        """Return whether a folder is being exported."""
        return self._isExporting

    @property
    def processId(self):
        """Return the number of the process that works for the section; None if none does."""
        return self._runner.processId if self._runner is not None else None

    def refresh(self):
        """Decide what to show, with the panel's settings of the moment; look at the folder if that is needed."""
        from ...folder.view import folder_view

        if self._panel.parameterNode is not None:
            self._settings = self._panel.logic.settings()
        if self._settings is None or self.section.collapsed:
            return
        self._view = folder_view(self._texts(), self._settings, self.board, self.isBusy)
        if self._view.looks:
            self._lookTimer.start()
        self._paint()

    def onTyped(self, changed=None):
        """The user typed or chose something, or opened the section."""
        self.refresh()

    def look(self, clicked=False):
        """Look at the folder in a process; nothing is written."""
        from ...folder.board import FolderBoard

        if self.isBusy or self._view is None or self._view.task is None:
            return
        self._lookTimer.stop()
        if self._runner is not None:
            self._runner.drop()
        self.board = FolderBoard(self._view.task)
        self._run(self.board.task)

    def onStart(self, clicked=False):
        """Export the cases of the table."""
        self._export(resume=False)

    def onResume(self, clicked=False):
        """Go on with the export that the output folder holds."""
        self._export(resume=True)

    def _export(self, resume):
        self.refresh()
        action = self._view.resume if resume else self._view.start
        if not action.enabled or self._runner is not None:
            return
        for name, key in REMEMBERED.items():
            qt.QSettings().setValue(key, getattr(self.ui, name).text)
        self._isExporting, self.board.ending = True, ""
        self._guard.watch(self._mayClose)
        self._run(self.board.task.export(resume))

    def _run(self, task):
        self._isStopping = False
        self._runner = FolderRunner(task, self._onEvents, self._onEnd)
        self.refresh()

    def cancel(self, clicked=False):
        """Stop; cases that are complete stay, and the export can be resumed."""
        if self._runner is not None:
            self._isStopping = True
            self._runner.stop()
            self._paint()

    def close(self):
        """Stop without a question: the module is reloaded, or Slicer is closed. Nothing that is complete is lost."""
        self._lookTimer.stop()
        self._paintTimer.stop()
        self._guard.rest()
        if self._runner is not None:
            self._runner.end()
            self._runner = None
        self._isExporting = False

    def _mayClose(self):
        return self.confirm(
            _("A folder is being exported: {how}\nClose Slicer? Complete cases stay; 'Resume' goes on later.").format(
                how=self.board.going
            )
        )

    def _onEvents(self, events):
        for event in events:
            self.board.take(event)
        if self.board.is_whole and not self._isExporting:  # nothing more is to be heard
            self._runner.drop()
            self._onEnd("")
        if not self._paintTimer.active:
            self._paintTimer.start()

    def _onEnd(self, sentence):
        wasExporting, self._runner, self._isExporting = self._isExporting, None, False
        self._guard.rest()
        if not self.board.ending and (wasExporting or not self.board.is_whole):
            self.board.stop(self._isStopping, sentence)
        self.refresh()

    def _paint(self):
        """Bring the widgets to what is known."""
        ui, view, board = self.ui, self._view, self.board
        if view is None:
            return
        self._table.show(board)
        number = self._table.selected()
        details = board.rows[number].details if number is not None and number < len(board.rows) else ""
        self._say(ui.folderDetailLabel, details)
        self._say(ui.folderOptionsLabel, view.options)
        self._say(ui.folderSumsLabel, board.sums if board else "")
        self._say(ui.folderNotesLabel, "\n".join(board.notes) if board else "")
        self._say(ui.folderStatusLabel, self._status(view, board))
        self._showButtons(view, board)

    def _status(self, view, board):
        if not self.isBusy:
            return view.status
        return _("Cancelling …") if self._isStopping else board.going

    @staticmethod
    def _say(label, text):
        from ...folder.view import breakable

        if label.text != breakable(text):
            label.text = breakable(text)
        label.visible = bool(text)

    def _showButtons(self, view, board):
        ui, isBusy = self.ui, self.isBusy
        for button, action in ((ui.folderStartButton, view.start), (ui.folderResumeButton, view.resume)):
            button.enabled, button.toolTip = action.enabled and self._runner is None, action.tooltip
        ui.folderInputs.enabled = not isBusy
        ui.folderLookButton.enabled = not isBusy and view.task is not None
        ui.folderCancelButton.visible = self._runner is not None
        ui.folderCancelButton.enabled = not self._isStopping
        ui.folderProgressBar.visible = isBusy
        ui.folderProgressBar.value = board.percent if board else 0
        ui.folderReportButton.visible = ui.folderOpenButton.visible = bool(board and board.report) and not isBusy

    def _texts(self):
        from ...folder.task import FolderTexts

        return FolderTexts(*(getattr(self.ui, name).text for name in REMEMBERED))

    def _choose(self, edit):
        folder = qt.QFileDialog.getExistingDirectory(self.section, _("Choose a folder"), edit.text)
        if folder:
            edit.text = folder

    def onChooseList(self, clicked=False):
        """Choose a list of cases."""
        filters = _("Lists of cases (*.csv *.txt)")
        path = qt.QFileDialog.getOpenFileName(self.section, _("Choose a list"), self.ui.folderInputEdit.text, filters)
        if path:
            self.ui.folderInputEdit.text = path

    def onCopy(self, clicked=False):
        """Put the command line that does the same on the clipboard."""
        from ...folder.task import folder_command

        if self._settings is not None:
            slicer.app.clipboard().setText(folder_command(self._texts(), self._settings))

    @staticmethod
    def _open(path):
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))
