"""How the self-test drives the section Folder, and waits for it."""

import itertools
import shutil
import time

import qt
import slicer

from ...window.folder.section import REMEMBERED

_TICK_MS = 100


class DrivesFolder:
    """Steps that the cases on the section Folder have in common."""

    def _folder(self, thickness=32):
        """Write four cases with label maps, and open the section on them."""
        folder, ui = self.panel.folder, self.panel.folder.ui
        inputs = self.folder / "in"
        inputs.mkdir()
        for node, name in ((self.volume, "volume"), (self.labels, "segmentation")):
            slicer.util.saveNode(node, str(inputs / f"{name}-0.nii.gz"))
            for number in range(1, 4):
                shutil.copy(inputs / f"{name}-0.nii.gz", inputs / f"{name}-{number}.nii.gz")
        self.settings.thickness = thickness
        self.panel.refresh()
        self.addCleanup(self._leaveFolder)
        folder.section.collapsed = False
        ui.folderInputEdit.text, ui.folderOutputEdit.text = str(inputs), str(self.out)
        return ui, folder

    def _leaveFolder(self):
        folder = self.panel.folder
        folder.close()
        folder.section.collapsed, folder.board, folder.confirm = True, None, slicer.util.confirmOkCancelDisplay
        for name, key in REMEMBERED.items():
            getattr(folder.ui, name).text = ""
            qt.QSettings().remove(key)

    def _cells(self, row):
        table = self.panel.folder.ui.folderTable
        return [table.item(row, column).text() for column in range(table.columnCount)]

    @staticmethod
    def _isOver(folder, percents):
        percents.append(folder.ui.folderProgressBar.value)
        return not folder.isBusy

    @staticmethod
    def _until(isSo, seconds=120):
        """Let Slicer work until something is so; return whether it came to that."""
        end, loop = time.monotonic() + seconds, qt.QEventLoop()
        while not isSo() and time.monotonic() < end:
            qt.QTimer.singleShot(20, loop.quit)
            loop.exec_()
        return isSo()

    @staticmethod
    def _longestGap(work):
        """Return the longest time, in seconds, between two ticks of a timer while something is done."""
        ticks = [time.monotonic()]
        timer = qt.QTimer()
        timer.setInterval(_TICK_MS)
        timer.connect("timeout()", lambda: ticks.append(time.monotonic()))
        timer.start()
        work()
        timer.stop()
        ticks.append(time.monotonic())
        return max(after - before for before, after in itertools.pairwise(ticks))
