"""The question whether Slicer may be closed while a folder is being exported."""

import qt
import slicer


class ClosingGuard(qt.QObject):
    """Holds the main window's close event until the user has answered; watches only while it is told to.

    ``mayClose`` is called at a close event, and returns whether Slicer may be closed.
    """

    def __init__(self):
        qt.QObject.__init__(self)
        self.mayClose = lambda: True

    def watch(self, mayClose):
        """Ask from now on."""
        self.mayClose = mayClose
        if slicer.util.mainWindow() is not None:
            slicer.util.mainWindow().installEventFilter(self)

    def rest(self):
        """Ask no more."""
        if slicer.util.mainWindow() is not None:
            slicer.util.mainWindow().removeEventFilter(self)

    def eventFilter(self, watched, event):
        """Keep the window open if the user says so."""
        if event.type() == qt.QEvent.Close and not self.mayClose():
            event.ignore()
            return True
        return False
