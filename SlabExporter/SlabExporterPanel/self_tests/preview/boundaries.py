"""The self-test's cases on boundaries of slabs; they run as part of SlabExporterTest."""

import slicer


class BoundaryTests:
    """Slabs that are not equally thick: typed into the table, dragged in the views, exported."""

    def _slices(self):
        table = self.panel.ui.slabTable
        return [table.item(row, 2).text() for row in range(table.rowCount)]

    def test_slices_typed_into_the_table_are_cut(self):
        """The neighbours give way; a bad value is a sentence, and the table shows what was there; then export."""
        ui = self.panel.ui
        ui.slabsSection.collapsed = False
        self.assertEqual(self._slices()[:2], ["0 … 31", "32 … 63"])
        ui.slabTable.item(1, 2).setText("40 … 69")
        self._wait()
        self.assertEqual(self._slices(), ["0 … 39", "40 … 69", "70 … 95", "96 … 127", "128 … 149"])
        self.assertEqual(self.settings.cutAt, "40, 70, 96, 128")
        self.assertFalse(ui.thicknessSpinBox.enabled)
        ui.slabTable.item(0, 2).setText("20")
        self._wait()
        self.assertEqual(self._slices()[:2], ["0 … 19", "20 … 69"])
        ui.slabTable.item(2, 2).setText("70 … 400")
        self._wait()
        self.assertEqual(self._slices()[2], "70 … 95")
        self.assertIn("The slices that are cut along k are 0 to 149", ui.tableLabel.text)
        self.assertFalse(ui.tableLabel.isHidden())
        ui.previewCheckBox.click()
        self.assertEqual(len(self._rois()), 5)
        self.assertAlmostEqual(self._rois()[0].GetSize()[2], 20 * 3, places=4)
        ui.exportButton.click()
        manifest = self.logic.loadManifest(self.out / "Torso", labels=False)
        self.assertEqual(manifest.plan.cut_at, (20, 70, 96, 128))
        self.assertTrue(all(slab.verified for slab in manifest.slabs))
        self.assertEqual(ui.slabTable.item(1, 1).text(), "verified")
        self._assertSameVoxels(slicer.util.getNode("Torso_slab-001"), self.volume)
        ui.equalSlabsButton.click()
        self._wait()
        self.assertEqual(self._slices()[:2], ["0 … 31", "32 … 63"])
        self.assertTrue(ui.thicknessSpinBox.enabled)
        self.assertTrue(ui.tableLabel.isHidden())

    def test_boundaries_are_dragged_and_snap_to_slices(self):
        """A point for each; along the axis the slabs follow, across it it goes back; gone with the module."""
        self.panel.ui.dragBoundariesCheckBox.checked = True
        self._wait()
        points = self._points()
        self.assertEqual(points.GetNumberOfControlPoints(), 4)
        self.assertEqual(points.GetNthControlPointLabel(0), "k = 32")
        r, a, s = points.GetNthControlPointPositionWorld(1)
        points.SetNthControlPointPositionWorld(1, r + 40, a, s + 5 * 3 + 0.9)
        self._wait()
        self.assertEqual(self._slices()[1:3], ["32 … 68", "69 … 95"])
        self.assertAlmostEqual(points.GetNthControlPointPositionWorld(1)[0], r, places=3)
        self.assertAlmostEqual(points.GetNthControlPointPositionWorld(1)[2], s + 5 * 3, places=3)
        self.assertEqual(points.GetNthControlPointLabel(1), "k = 69")
        r, a, s = points.GetNthControlPointPositionWorld(3)
        points.InvokeEvent(points.PointStartInteractionEvent)
        points.SetNthControlPointPositionWorld(3, r, a, s - 1000)
        self._wait()
        self.assertEqual(self._slices()[3], "96 … 96")  # as far as its neighbour
        self.assertAlmostEqual(points.GetNthControlPointPositionWorld(3)[2], s - 1000, places=3)  # it is held
        points.InvokeEvent(points.PointEndInteractionEvent)
        self._wait()
        self.assertGreater(points.GetNthControlPointPositionWorld(3)[2], s - 100)
        self.assertTrue(points.GetHideFromEditors() and not points.GetSaveWithScene())

    def test_points_at_boundaries_go_with_slabs_and_module(self):
        """As many as there are boundaries; none of blocks; none is left behind."""
        ui, before = self.panel.ui, slicer.mrmlScene.GetNumberOfNodes()
        ui.dragBoundariesCheckBox.checked = True
        self._wait()
        self.settings.thickness = 50
        self._wait()
        self.assertEqual(self._points().GetNumberOfControlPoints(), 2)
        self.settings.block = "64,64,64"
        self._wait()
        self.assertIsNone(self._points())
        self.settings.block = ""
        self._wait()
        self.assertIsNotNone(self._points())
        self.panel.exit()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.panel.enter()
        self._wait()
        self.assertIsNotNone(self._points())
        ui.dragBoundariesCheckBox.checked = False
        self._wait()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_boundaries_are_of_one_volume_and_one_axis(self):
        """They are saved with the scene, and do not go over to another volume or direction."""
        self.settings.cutAt = "50"
        path = str(self.folder / "scene.mrml")
        slicer.util.saveScene(path)
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        self.settings = self.logic.getParameterNode()
        self.assertEqual(self.settings.cutAt, "50")
        self.panel.enter()
        self._wait()
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.settings.volume, "Other")
        self.settings.volume = other
        self._wait()
        self.assertEqual(self.settings.cutAt, "")
        self.settings.cutAt = "50"
        self._wait()
        self.panel.ui.axisComboBox.setCurrentIndex(1)
        self._wait()
        self.assertEqual(self.settings.cutAt, "")

    def _points(self):
        from ...window.preview.boundaries import ATTRIBUTE

        nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        return next((node for node in nodes if node.GetAttribute(ATTRIBUTE)), None)
