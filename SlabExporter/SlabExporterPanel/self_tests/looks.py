"""The self-test's cases on what the panel looks like; they run as part of SlabExporterTest."""

import qt
import slicer


class LooksTests:
    """Themes and widths."""

    def test_colours_follow_the_theme_while_the_panel_is_open(self):
        """On a dark theme and back: the states in the table, and the lines that have a colour."""
        from ..colours import GOOD, QUIET
        from ..window.theme import isDark

        ui, before = self.panel.ui, slicer.app.palette()
        self.panel.ui.exportButton.click()
        wasDark = isDark(ui.slabTable)
        try:
            for ground, text in (("#232323", "#f0f0f0"), ("#ffffff", "#000000")):
                self._setPalette(ground, text)
                self._wait()
                isOnDark = ground == "#232323"
                self.assertEqual(isDark(ui.slabTable), isOnDark)
                state = ui.slabTable.item(0, 1)
                self.assertEqual(state.text(), "verified")
                self.assertEqual(state.foreground().color().name(), GOOD.on(isOnDark))
                self.assertIn(QUIET.on(isOnDark), ui.reasonLabel.styleSheet)
        finally:
            slicer.app.setPalette(before)
        self._wait()
        self.assertEqual(isDark(ui.slabTable), wasDark)

    def test_what_is_said_makes_the_panel_no_wider(self):
        """Long names of label maps, folders and notes are wrapped, or shown as a tooltip."""
        width = self.panel.parent.minimumSizeHint.width()
        self.labels.SetName("Organs at risk as the second reader drew them, corrected after the tumour board")
        second = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.labels, f"{self.labels.GetName()} 2")
        self.settings.labels = [self.labels, second]
        self._wait()
        self.panel.ui.exportButton.click()
        self._wait()
        self.assertFalse(self.panel.ui.replaceCheckBox.isHidden())
        self.assertIn("5 slabs with label maps 'Organs", self.panel.ui.replaceCheckBox.toolTip)
        self.assertLessEqual(self.panel.parent.minimumSizeHint.width(), width)
        self.panel.input.say(["The first.", "The second of four lines.", "The third.", "The fourth, a long one " * 4])
        self.panel.refresh()
        self._wait()
        self.assertIn("The third.", self.panel.ui.notesLabel.text)
        self.assertLessEqual(self.panel.parent.minimumSizeHint.width(), width)

    def _setPalette(self, ground, text):
        palette = qt.QPalette(slicer.app.palette())
        for role in (qt.QPalette.Window, qt.QPalette.Base, qt.QPalette.Button, qt.QPalette.AlternateBase):
            palette.setColor(role, qt.QColor(ground))
        for role in (qt.QPalette.WindowText, qt.QPalette.Text, qt.QPalette.ButtonText):
            palette.setColor(role, qt.QColor(text))
        slicer.app.setPalette(palette)
