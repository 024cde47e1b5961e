"""The self-test's cases on the table and on the boxes in the views; they run as part of SlabExporterTest."""

import slicer


class BoxTests:
    """The slabs before anything is written."""

    def test_boxes_are_shown_follow_the_settings_and_go(self):
        """Show, update, selection, double click, hide."""
        ui = self.panel.ui
        before = slicer.mrmlScene.GetNumberOfNodes()
        ui.previewCheckBox.click()
        self.assertEqual(len(self._rois()), 5)
        self.settings.thickness = 50
        self._wait()
        self.assertEqual(len(self._rois()), 3)
        ui.slabTable.selectRow(1)
        opacities = [roi.GetDisplayNode().GetFillOpacity() for roi in self._rois()]
        self.assertEqual(opacities.index(max(opacities)), 1)
        self.panel.preview.onRowDoubleClicked(0)
        red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
        if red is not None:  # there are no slice views without a main window
            self.assertAlmostEqual(red.GetSliceToRAS().GetElement(2, 3), self.panel.view.rows[0].centre[2], places=3)
        ui.previewCheckBox.click()
        self.assertEqual(self._rois(), [])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_boxes_are_for_looking_at_and_go_with_the_module(self):
        """No other module is offered them; they go when the module is left, and come back with it."""
        before = slicer.mrmlScene.GetNumberOfNodes()
        self.panel.ui.previewCheckBox.click()
        self.assertTrue(all(roi.GetHideFromEditors() and not roi.GetSaveWithScene() for roi in self._rois()))
        chooser = slicer.qMRMLNodeComboBox()
        chooser.nodeTypes = ["vtkMRMLMarkupsROINode"]
        chooser.setMRMLScene(slicer.mrmlScene)
        self.assertEqual(chooser.nodeCount(), 0)
        self.panel.exit()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.panel.enter()
        self.assertEqual(len(self._rois()), 5)
        self.assertTrue(self.panel.ui.previewCheckBox.checked)

    def test_boxes_that_are_kept_are_the_users_own(self):
        """They are listed, saved, and stay when the module is left or another preview is shown."""
        ui = self.panel.ui
        ui.previewCheckBox.click()
        ui.keepBoxesButton.click()
        self.assertEqual(self._rois(), [])
        self.assertFalse(ui.previewCheckBox.checked)
        self.panel.exit()
        self.panel.enter()
        names = [ui.roiSelector.nodeFromIndex(n).GetName() for n in range(ui.roiSelector.nodeCount())]
        self.assertEqual(names, [f"Torso slab 00{n}" for n in range(5)])
        kept = slicer.util.getNode("Torso slab 004")
        self.assertTrue(kept.GetSaveWithScene() and kept.GetDisplayNode().GetSaveWithScene())

    def test_boxes_come_back_when_a_transform_is_taken_away(self):
        """A parent transform hides them, since nothing can be cut; the wish to see them stays."""
        self.panel.ui.previewCheckBox.click()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
        self.volume.SetAndObserveTransformNodeID(transform.GetID())
        self._wait()
        self.assertEqual(self._rois(), [])
        self.volume.SetAndObserveTransformNodeID(None)
        self._wait()
        self.assertEqual(len(self._rois()), 5)

    def test_boxes_go_over_to_another_volume(self):
        """Switching volumes while a preview is shown."""
        self.panel.ui.previewCheckBox.click()
        self.settings.volume = None
        self._wait()
        self.assertEqual(self._rois(), [])
        self.settings.volume = self.volume
        self._wait()
        self.assertEqual(self._rois()[0].GetName(), "Torso slab 000")
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        self.settings.volume = other
        self._wait()
        self.assertEqual(self._rois()[0].GetName(), "Other slab 000")

    def test_an_roi_limits_the_slabs_as_it_is_dragged(self):
        """The table follows the user's ROI; preview boxes are not offered as one."""
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Mine")
        roi.SetSize(100, 100, 100)
        self.settings.roi = roi
        self._wait()
        rows = self.panel.ui.slabTable.rowCount
        roi.SetSize(100, 100, 200)
        self._wait()
        self.assertGreater(self.panel.ui.slabTable.rowCount, rows)
        self.panel.ui.previewCheckBox.click()
        selector = self.panel.ui.roiSelector
        self.assertEqual([selector.nodeFromIndex(n).GetName() for n in range(selector.nodeCount())], ["Mine"])
