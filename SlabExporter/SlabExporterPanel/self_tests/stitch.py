"""The self-test's cases on the Stitch section; they run as part of SlabExporterTest."""

import qt
import slicer


class StitchTests:
    """Back from slabs to one volume, in the panel and from the console."""

    def test_an_export_is_stitched_back_to_equal_voxels(self):
        """Export, then the Stitch section on its manifest; the result is loaded and equals the volume."""
        import numpy as np
        from slab_exporter.mrml.nodes import voxels_kji

        ui = self.panel.ui
        self.settings.labels = [self.labels]
        self.panel.initializeParameterNode()
        ui.exportButton.click()
        self.assertTrue(ui.stitchSection.collapsed)
        ui.stitchSection.collapsed = False
        self.assertIn("Choose the manifest.json", ui.stitchButton.toolTip)
        ui.stitchManifestPathEdit.currentPath = str(self.out / "Torso" / "manifest.json")
        self._wait()
        self.assertEqual(ui.stitchSummaryLabel.text, "Choose the file to write to.")
        ui.stitchOutputPathEdit.currentPath = str(self.folder / "back.nii.gz")
        self._wait()
        self.assertTrue(ui.stitchButton.enabled)
        ui.stitchButton.click()
        self.assertIn("5 slabs stitched into back.nii.gz (int16); loaded as a volume.", ui.stitchStatusLabel.text)
        self.assertTrue(ui.stitchCancelButton.isHidden())
        self.assertTrue(ui.exportSection.enabled)
        back = slicer.util.getNode("back")
        self.assertTrue(np.array_equal(voxels_kji(back), voxels_kji(self.volume)))
        self._assertSameVoxels(back, self.volume)
        self.assertIn("tick 'Replace'", ui.stitchButton.toolTip)
        self.assertTrue(ui.stitchSummaryLabel.isHidden())
        # The label maps are named like the slabs, as predictions are.
        ui.stitchPredictionsPathEdit.currentPath = str(self.out / "Torso" / "labels")
        ui.stitchOutputPathEdit.currentPath = str(self.folder / "organs.nii.gz")
        self._wait()
        ui.stitchButton.click()
        self.assertIn("loaded as a segmentation of", ui.stitchStatusLabel.text)
        organs = slicer.util.getNode("organs")
        self.assertTrue(organs.IsA("vtkMRMLSegmentationNode"))
        self.assertTrue(np.array_equal(self._onGridOf(self.labels, organs), voxels_kji(self.labels)))
        ui.stitchManifestPathEdit.currentPath = ""
        self._wait()
        self.assertTrue(ui.stitchStatusLabel.isHidden())
        self.assertIn("Choose the manifest.json", ui.stitchSummaryLabel.text)
        self.assertEqual(self.settings.stitchManifest, "")
        ui.stitchSection.collapsed = True

    def test_stitching_can_be_cancelled_and_is_there_for_the_console(self):
        """Cancel leaves no file and no node; logic.stitch returns the loaded node."""
        manifest = self.logic.exportSlabs(self.volume, self.out, self.labels, thickness=2)
        ui, back = self.panel.ui, self.folder / "back.nrrd"
        ui.stitchSection.collapsed = False
        self.settings.stitchManifest = str(self.out / "Torso" / "manifest.json")
        self.settings.stitchOutput = str(back)
        self.panel.initializeParameterNode()
        before = slicer.mrmlScene.GetNumberOfNodes()
        qt.QTimer.singleShot(0, ui.stitchCancelButton.click)
        ui.stitchButton.click()
        self.assertEqual(ui.stitchStatusLabel.text, "Cancelled. Nothing was written.")
        self.assertFalse(back.exists())
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.assertTrue(ui.stitchButton.enabled)
        node = self.logic.stitch(self.out / "Torso", back)
        self.assertEqual((node.GetName(), node.GetClassName()), ("back", "vtkMRMLScalarVolumeNode"))
        self._assertSameVoxels(node, self.volume)
        organs = self.logic.stitch(self.out / "Torso", self.folder / "organs.nii", labelSet="labels", asLabelMap=True)
        self.assertTrue(organs.IsA("vtkMRMLLabelMapVolumeNode"))
        self.assertEqual(len(manifest.slabs), 75)
        ui.stitchSection.collapsed = True
