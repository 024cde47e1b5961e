"""Looks for labels or body in the voxels, so that table and boxes show what is cut: soon where that is quick."""

import qt
import slicer


class Finding:
    """Keeps what was found the last time.

    :param panel: the module's widget.

    While the user types, nothing is looked for: only after a pause, and in a large volume only on demand.
    """

    def __init__(self, panel):
        self._panel, self.ui = panel, panel.ui
        self.found = self._search = None
        self._pause = qt.QTimer()
        self._pause.setSingleShot(True)
        self._pause.setInterval(400)
        self._pause.connect("timeout()", self.look)
        self.ui.findButton.connect("clicked(bool)", self.look)

    @property
    def isWaiting(self):
        """Whether something will be looked for after a pause."""
        return self._pause.active

    def show(self, view):
        """Offer to look, or look soon, for what the view does not know yet."""
        ui, search = self.ui, view.search
        isNew = search is not None and (self._search is None or search.key != self._search.key)
        self._search = search
        ui.findRow.visible = search is not None
        if search is None:
            self._pause.stop()
            return
        ui.findLabel.text = search.sentence
        ui.findButton.visible = not search.is_quick
        if search.is_quick and (isNew or not self._pause.active):
            self._pause.start()

    def forget(self):
        """Let go of what was found, whose voxels take memory."""
        self._pause.stop()
        self.found = self._search = None

    def look(self, clicked=False):
        """Look for it now; the window waits."""
        from ...settings import request_of
        from ...views.preview.found import find

        panel, search = self._panel, self._search
        if search is None or not panel.parameterNode or panel.isBusy:
            return
        settings, volume = panel.logic.settings(), panel.parameterNode.volume
        with slicer.util.WaitCursor():
            self.found = find(search, request_of(settings), volume, panel.input.labels())
        panel.refresh()
