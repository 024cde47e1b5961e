"""The self-test's cases on the ROI that limits the slabs; they run as part of SlabExporterTest."""

import time

import slicer


class LimitTests:
    """An ROI made from the panel, dragged, and taken away."""

    def test_an_roi_is_made_dragged_and_taken_away(self):
        """Fitted to volume and labels; the slabs follow; it is the user's until it is removed."""
        ui = self.panel.ui
        before = slicer.mrmlScene.GetNumberOfNodes()
        self.assertFalse(ui.removeRoiButton.enabled)
        ui.fitVolumeButton.click()
        self._wait()
        roi = self.settings.roi
        self.assertEqual(roi.GetName(), "Torso ROI")
        self.assertTrue(roi.GetSaveWithScene() and not roi.GetHideFromEditors() and not roi.GetLocked())
        self.assertTrue(roi.GetDisplayNode().GetHandlesInteractive())
        self.assertEqual(self.panel.view.plan.limits, self.panel.view.plan.geometry.box)
        r, a, s = roi.GetNthControlPointPositionWorld(0)
        roi.SetNthControlPointPositionWorld(0, r, a, s + 100)  # 100 mm of it beyond the volume
        self._wait()
        self.assertEqual(ui.slabTable.rowCount, 4)
        self.assertEqual(ui.slabTable.item(0, 2).text(), "34 … 65")
        self.assertFalse(ui.fitLabelsButton.enabled)
        self.settings.labels = [self.labels]
        self._wait()
        ui.fitLabelsButton.click()
        self._wait()
        self.assertIs(self.settings.roi, roi)  # the same one, laid anew
        limits = self.panel.view.plan.limits
        self.assertEqual(limits, self._labelledBox())
        ui.removeRoiButton.click()
        self._wait()
        self.assertIsNone(self.settings.roi)
        self.assertEqual(ui.slabTable.rowCount, 5)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_an_roi_of_the_users_own_is_not_moved_nor_removed(self):
        """Another one is made beside it; Remove lets go of it alone."""
        mine = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Mine")
        mine.SetSize(100, 100, 100)
        self.settings.roi = mine
        self._wait()
        self.panel.ui.removeRoiButton.click()
        self._wait()
        self.assertIsNone(self.settings.roi)
        self.assertIsNotNone(mine.GetScene())
        self.settings.roi = mine
        self.panel.ui.fitVolumeButton.click()
        self.assertEqual(list(mine.GetSize()), [100, 100, 100])
        self.assertEqual(self.settings.roi.GetName(), "Torso ROI")

    def test_an_roi_removed_elsewhere_or_of_another_volume_is_let_go(self):
        """Deleted in the Data module; and when another volume is chosen it stays in the scene."""
        self.panel.ui.fitVolumeButton.click()
        slicer.mrmlScene.RemoveNode(self.settings.roi)
        self._wait()
        self.assertIsNone(self.settings.roi)
        self.assertEqual(self.panel.ui.slabTable.rowCount, 5)
        self.panel.ui.fitVolumeButton.click()
        roi = self.settings.roi
        self.settings.volume = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        self._wait()
        self.assertIsNone(self.settings.roi)
        self.assertIsNotNone(roi.GetScene())

    def test_the_slabs_follow_while_an_roi_is_dragged(self):
        """Not only when the hand rests: the table changes between moves that come without a pause."""
        self.panel.ui.fitVolumeButton.click()
        self._wait()
        roi, seen = self.settings.roi, set()
        r, a, s = roi.GetNthControlPointPositionWorld(0)
        for move in range(60):
            roi.SetNthControlPointPositionWorld(0, r, a, s + 5 * move)
            until = time.monotonic() + 0.01
            while time.monotonic() < until:
                slicer.app.processEvents()
            seen.add(self.panel.ui.slabTable.item(0, 2).text())
        self.assertGreater(len(seen), 4)

    def test_an_roi_of_an_oblique_volume_lies_along_its_axes(self):
        """Its box is the volume's, wherever the axes point."""
        import numpy as np
        from slab_exporter.mrml.nodes import array_from_matrix, matrix_from_array, node_geometry

        matrix = slicer.vtkMRMLSliceNode().GetSliceToRAS()
        self.volume.GetIJKToRASMatrix(matrix)
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
        self.volume.SetIJKToRASMatrix(matrix_from_array(turn @ array_from_matrix(matrix)))
        self.panel.ui.fitVolumeButton.click()
        self._wait()
        self.assertEqual(self.panel.view.plan.limits, self.panel.view.plan.geometry.box)
        directions = array_from_matrix(self.settings.roi.GetObjectToWorldMatrix())[:3, :3]
        alike = np.abs(directions.T @ node_geometry(self.volume).directions)
        np.testing.assert_allclose(alike, np.eye(3), atol=1e-6)

    def test_an_roi_is_fitted_to_what_is_visible(self):
        """Zoomed in, the slice views show a part; there are none without a main window."""
        if slicer.app.layoutManager() is None:
            self.assertFalse(self.panel.ui.fitVisibleButton.enabled)
            return
        slicer.app.layoutManager().setLayout(3)
        slicer.util.setSliceViewerLayers(background=self.volume, fit=True)
        for name in ("Red", "Green", "Yellow"):
            node = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
            width, height, depth = node.GetFieldOfView()
            node.SetFieldOfView(width * 60 / height, 60, depth)
        self.panel.ui.fitVisibleButton.click()
        self._wait()
        limits, spacing = self.panel.view.plan.limits, self.panel.view.plan.geometry.spacing
        self.assertAlmostEqual(limits.shape[2] * spacing[2], 60, delta=2 * spacing[2])
        self.assertLess(limits.shape[1], 120)

    def _labelledBox(self):
        import numpy as np
        from slab_exporter.core.pieces.bounding import bounding_box
        from slab_exporter.mrml.nodes import voxels_kji

        return bounding_box(np.asarray(voxels_kji(self.labels)[::-1]) != 0)  # the file's order: k reversed
