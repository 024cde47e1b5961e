"""The self-test's cases on the section Folder; they run as part of SlabExporterTest."""

import os
import signal
import sys
import time

import qt
import slicer

from ...window.folder.section import REMEMBERED
from .driving import DrivesFolder

# Repainted at least once a second on a machine that is busy with other things too.
_LONGEST_GAP_SECONDS = 1.0


class FolderTests(DrivesFolder):
    """A folder of cases beside Slicer: table, progress, cancel, resume, report; and Slicer answers meanwhile."""

    def test_a_folder_is_looked_at_and_exported_while_slicer_answers(self):
        """Four good cases and a damaged one: the table comes first; each row says how it ended; the report is there."""
        ui, folder = self._folder()
        (self.folder / "in" / "volume-9.nii.gz").write_bytes(b"no volume")
        self.assertTrue(self._until(lambda: folder.board is not None and folder.board.is_whole))
        self.assertFalse(self.out.exists())
        self.assertEqual(ui.folderTable.rowCount, 5)
        self.assertEqual(self._cells(0)[:4], ["volume-0", "planned", "5", "segmentation-0.nii.gz"])
        self.assertIn("cannot be exported", self._cells(4)[1])
        self.assertIn("4 can be exported, in 20 slabs", ui.folderSumsLabel.text)
        self.assertIn("thickness 32", ui.folderOptionsLabel.text)
        self.assertTrue(ui.folderStartButton.enabled)
        self.assertFalse(ui.folderResumeButton.enabled)
        ui.folderTable.selectRow(4)
        self.assertIn("volume-9.nii.gz", ui.folderDetailLabel.text.replace("\u200b", ""))
        percents = []
        gap = self._longestGap(
            lambda: (ui.folderStartButton.click(), self._until(lambda: self._isOver(folder, percents)))
        )
        print(f"Longest gap between two ticks of a timer during the export of a folder: {gap:.2f} s")
        self.assertLess(gap, _LONGEST_GAP_SECONDS)
        self.assertGreater(len(set(percents)), 3)
        self.assertEqual([self._cells(n)[1] for n in range(4)], ["complete: 5 slabs, verified"] * 4)
        self.assertIn("failed: ", self._cells(4)[1])
        self.assertIn("4 cases, 20 slabs, 20 verified, 1 failed", ui.folderStatusLabel.text)
        self.assertFalse(ui.folderReportButton.isHidden())
        self.assertTrue((self.out / "report.html").is_file())
        self.assertTrue(ui.folderProgressBar.isHidden())
        self.assertFalse(ui.folderStartButton.enabled)
        self.assertTrue(ui.folderResumeButton.enabled)

    def test_a_folder_can_be_cancelled_and_gone_on_with(self):
        """What is complete stays; the scene is closed meanwhile, and the volume's settings are others."""
        ui, folder = self._folder(thickness=4)
        self._until(lambda: folder.board is not None and folder.board.is_whole)
        ui.folderStartButton.click()
        self.assertTrue(self._until(lambda: any(row.stage == "complete" for row in folder.board.rows)))
        began = time.monotonic()
        ui.folderCancelButton.click()
        self.assertEqual(ui.folderStatusLabel.text, "Cancelling …")
        self.assertLess(time.monotonic() - began, 0.5)
        self.assertTrue(self._until(lambda: not folder.isBusy))
        self.assertIn("Cancelled: ", ui.folderStatusLabel.text)
        complete = [row.case for row in folder.board.rows if row.stage == "complete"]
        self.assertLess(len(complete), 4)
        self.assertEqual(sorted(path.parent.name for path in self.out.glob("*/manifest.json")), sorted(complete))
        ui.folderResumeButton.click()
        slicer.mrmlScene.Clear()  # the export is no affair of the scene
        self.assertTrue(self._until(lambda: not folder.isBusy))
        self.assertIn("4 cases, 152 slabs, 152 verified", folder.board.ending)
        self.assertEqual({row.stage for row in folder.board.rows}, {"complete"})
        self.assertIn("complete already", {row.state for row in folder.board.rows})

    def test_closing_slicer_asks_while_a_folder_is_exported(self):
        """No: the window stays. The module's end stops the process, and nothing that is complete is lost."""
        ui, folder = self._folder(thickness=4)
        self._until(lambda: folder.board is not None and folder.board.is_whole)
        ui.folderStartButton.click()
        folder.confirm = lambda text: bool(self.asked.append(text))
        self.assertTrue(self._until(lambda: any(row.stage == "complete" for row in folder.board.rows)))
        self.assertTrue(folder.isBusy)
        window = slicer.util.mainWindow()
        if window is not None:
            self.assertFalse(window.close())
            self.assertTrue(window.visible)
            self.assertIn("A folder is being exported: ", self.asked[0])
            self.assertIn("of 4 cases done", self.asked[0])
        began = time.monotonic()
        folder.close()
        self.assertLess(time.monotonic() - began, 5)
        self.assertFalse(folder.isBusy)
        self.assertEqual(list(self.out.glob("**/.partial*")), [])
        self.assertTrue(list(self.out.glob("*/manifest.json")))
        folder.look()
        self.assertTrue(self._until(lambda: folder.board.is_whole))
        self.assertTrue(ui.folderResumeButton.enabled)
        self.assertIn("complete in the output folder", {row.state for row in folder.board.rows})

    def test_the_folder_is_copied_as_a_command_and_remembered(self):
        """In the application's settings, from Start on."""
        ui, folder = self._folder()
        ui.folderCopyButton.click()
        text = slicer.app.clipboard().text()
        self.assertTrue(text.startswith("slab-exporter export "))
        self.assertTrue(text.endswith(f"-o {self.out} --thickness 32"))
        self._until(lambda: folder.board is not None and folder.board.is_whole)
        ui.folderStartButton.click()
        self._until(lambda: not folder.isBusy)
        self.assertEqual(qt.QSettings().value(REMEMBERED["folderInputEdit"]), str(self.folder / "in"))
        self.assertEqual(qt.QSettings().value(REMEMBERED["folderOutputEdit"]), str(self.out))

    def test_a_process_that_dies_or_cannot_be_started_is_no_loss(self):
        """What happened is said; what is complete stays, and the rest is made by Resume."""
        ui, folder = self._folder(thickness=4)
        self._until(lambda: folder.board is not None and folder.board.is_whole)
        ui.folderStartButton.click()
        self.assertTrue(self._until(lambda: any(row.stage == "complete" for row in folder.board.rows)))
        os.kill(folder.processId, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        self.assertTrue(self._until(lambda: not folder.isBusy))
        self.assertIn("complete and stay", ui.folderStatusLabel.text.replace("is complete", "complete"))
        self.assertIn("interrupted", {row.state for row in folder.board.rows})
        self.assertTrue(ui.folderResumeButton.enabled)
        python, sys.executable = sys.executable, "/nowhere/PythonSlicer"
        try:
            ui.folderResumeButton.click()
            self.assertTrue(self._until(lambda: not folder.isBusy, 10))
        finally:
            sys.executable = python
        self.assertIn("The process could not be started", ui.folderStatusLabel.text)
        ui.folderResumeButton.click()
        self.assertTrue(self._until(lambda: not folder.isBusy))
        self.assertIn("4 cases, 152 slabs, 152 verified", ui.folderStatusLabel.text)
