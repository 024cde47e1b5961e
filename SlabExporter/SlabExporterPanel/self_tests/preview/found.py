"""The self-test's cases on what is found in the voxels before an export; they run as part of SlabExporterTest."""

import time

import slicer


class FoundTests:
    """Pieces that are left out, and the box around labels or body."""

    def test_blocks_without_labels_are_grey_and_left_out(self):
        """In table and views, as the export then leaves them out; nothing is looked for again without need."""
        ui = self.panel.ui
        ui.slabsSection.collapsed = False  # what is folded away counts as hidden
        self.settings.labels = [self.labels]
        self.settings.block = "32,32,32"
        self.settings.keep = type(self.settings.keep).labelled
        self.panel.refresh()
        self.assertFalse(ui.findRow.isHidden())
        self.assertTrue(ui.findButton.isHidden())
        ui.previewCheckBox.click()
        self._pause()
        self.assertTrue(ui.findRow.isHidden())
        states = [ui.slabTable.item(row, 1).text() for row in range(ui.slabTable.rowCount)]
        left = [number for number, state in enumerate(states) if state.startswith("left out")]
        self.assertEqual((len(states), set(states) - {"planned"}), (100, {"left out: no labels"}))
        grey = [n for n, roi in enumerate(self._rois()) if len(set(roi.GetDisplayNode().GetColor())) == 1]
        self.assertEqual(grey, left)
        self.assertTrue(0 < len(left) < 100)
        started = time.monotonic()
        self.panel.refresh()  # boxes that stay where they are are not drawn again
        self.assertLess(time.monotonic() - started, 2)
        found = self.panel.finding.found
        self.settings.block = "80,80,64"
        self.settings.minPercent = 0.5
        self._pause()
        self.assertIs(self.panel.finding.found, found)
        self.settings.block, self.settings.minPercent = "32,32,32", 0
        self._wait()
        ui.exportButton.click()
        manifest = self.logic.loadManifest(self.out / "Torso", labels=False)
        self.assertEqual([piece.index for piece in manifest.plan.left_out.pieces], left)
        self.panel.exit()
        self.assertEqual(self._rois(), [])
        self.assertIsNone(self.panel.finding.found)

    def test_a_block_in_another_order_lies_where_it_is_cut(self):
        """Boxes of the grid that is cut, after axes and voxel size were changed, in the patient."""
        import numpy as np
        from slab_exporter.mrml.roi import box_inside_roi

        self.settings.orient, self.settings.spacing, self.settings.block = "PIR", "2", "60,60,60"
        self.panel.ui.previewCheckBox.click()
        self._wait()
        plan = self.panel.view.plan
        self.assertEqual(plan.geometry.orientation, "PIR")
        for roi, slab in zip(self._rois(), plan.slabs, strict=True):
            self.assertEqual(box_inside_roi(roi, plan.geometry), slab.box)
            middle = (np.array(slab.box.start) + slab.box.stop - 1) / 2
            np.testing.assert_allclose(roi.GetCenterWorld(), plan.geometry.ras(middle), atol=1e-3)

    def test_the_box_around_labels_is_shown_before_it_is_cut(self):
        """With its margin, found anew when the label map is another one, and said where there is none."""
        ui = self.panel.ui
        self.settings.labels = [self.labels]
        self.settings.cropTo = type(self.settings.cropTo).labels
        self.panel.refresh()
        self.assertIn("until it is found", ui.notesLabel.text)
        self._pause()
        self.assertNotIn("until it is found", ui.notesLabel.text)
        tight = self.panel.view.plan.limits
        self.assertEqual(tight, self._labelledBox())
        self.settings.margin = 6
        self._wait()
        self.assertEqual(self.panel.view.plan.limits.start[0], tight.start[0] - 3)
        ui.previewCheckBox.click()
        self.assertEqual(len(self._rois()), len(self.panel.view.plan.slabs))
        slicer.util.arrayFromVolume(self.labels)[:] = 0
        slicer.util.arrayFromVolumeModified(self.labels)
        self._pause()
        self.assertIn("is labelled, and 'Crop to' labels would leave nothing to cut", ui.exportButton.toolTip)
        self.assertEqual(self._rois(), [])

    def test_a_large_volume_is_looked_at_on_demand(self):
        """Not while the user types: a button, with the time that it takes."""
        from ...views.preview import found

        ui, quick = self.panel.ui, found.QUICK
        ui.slabsSection.collapsed = False
        found.QUICK = 0
        try:
            self.settings.keep = type(self.settings.keep).body
            self._pause()
            self.assertIsNone(self.panel.finding.found)
            self.assertFalse(ui.findButton.isHidden())
            self.assertIn("finding out takes some 1 s", ui.findLabel.text)
            self.assertIn("'Find now', in the section 'Slabs', looks for them.", ui.notesLabel.text)
            ui.findButton.click()
            self.assertTrue(ui.findRow.isHidden())
            self.assertIsNotNone(self.panel.finding.found.wanted)
        finally:
            found.QUICK = quick

    def _pause(self):
        """Let the panel look for what it looks for after a pause, however slow the machine is."""
        self._wait()
        for _ in range(100):
            if not self.panel.finding.isWaiting:
                break
            self._wait()
        self._wait()
