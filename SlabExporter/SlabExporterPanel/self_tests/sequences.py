"""The self-test's cases on sequences and their browsers; they run as part of SlabExporterTest."""

import slicer
import vtk


class SequenceTests:
    """Frames of sequences: the one that is shown, several together, and back into the scene."""

    def test_a_frame_of_a_sequence_has_its_number_in_the_name(self):
        """Frames do not replace one another, and it is said that the others are left out."""
        browser, proxy = self._perfusion()
        self.settings.volume = proxy
        self._wait()
        name = proxy.GetName()
        self.assertEqual(self.panel.view.case, f"{name}_frame-1")
        self.assertIn("frame 1 of the 3", self.panel.ui.notesLabel.text)
        self.panel.ui.exportButton.click()
        self.assertTrue((self.out / f"{name}_frame-1" / "manifest.json").is_file())
        browser.SetSelectedItemNumber(2)
        self._wait()
        self.assertEqual(self.panel.view.case, f"{name}_frame-2")

    def test_the_panel_exports_the_frames_that_are_chosen(self):
        """All, some, the one shown; browser, volume and boxes stay; the row is there for sequences alone."""
        ui, frames = self.panel.ui, type(self.settings.framesChoice)
        self.assertTrue(ui.framesFields.isHidden())
        browser, self.settings.volume = self._perfusion()
        proxy = self.settings.volume
        self._wait()
        self.assertFalse(ui.framesFields.isHidden())
        self.assertTrue(ui.framesEdit.isHidden())
        self.assertEqual(self.panel.view.case, "Perfusion_frame-1")
        ui.previewCheckBox.click()
        shown = [roi.GetName() for roi in self._rois()]
        ui.framesComboBox.setCurrentIndex(1)
        self._wait()
        self.assertEqual(self.settings.framesChoice, frames.every)
        self.assertEqual([roi.GetName() for roi in self._rois()], shown)
        self.assertIn("3 frames of 'Perfusion' are cut together", ui.notesLabel.text)
        before = slicer.mrmlScene.GetNumberOfNodes(), browser.GetSelectedItemNumber(), proxy.GetImageData().GetMTime()
        ui.exportButton.click()
        after = slicer.mrmlScene.GetNumberOfNodes(), browser.GetSelectedItemNumber(), proxy.GetImageData().GetMTime()
        self.assertEqual(after, before)
        self.assertIn("5 verified", ui.statusLabel.text)
        ui.loadSlabsButton.click()
        loaded = slicer.util.getNode("Perfusion_slab-004")
        self.assertEqual(self._browserOf(loaded).GetNumberOfItems(), 3)
        self.settings.framesChoice = frames.some
        self.settings.framesText = "0:9"
        self._wait()
        self.assertFalse(ui.framesEdit.isHidden())
        self.assertIn("frame 3 does not exist", ui.exportButton.toolTip)
        self.settings.volume = self.volume
        self._wait()
        self.assertTrue(ui.framesFields.isHidden())
        self.assertTrue(ui.exportButton.enabled)

    def test_all_frames_of_a_moved_sequence_are_hardened(self):
        """One click: a copy of the sequence lies where it was shown, each frame with its voxels; the original stays."""
        browser, self.settings.volume = self._perfusion()
        proxy = self.settings.volume
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, 10)
        transform.SetMatrixTransformToParent(matrix)
        proxy.SetAndObserveTransformNodeID(transform.GetID())
        self._wait()
        self.panel.ui.hardenButton.click()
        self.settings.framesChoice = type(self.settings.framesChoice).every
        self._wait()
        copy = self.settings.volume
        self.assertEqual(copy.GetName(), "Perfusion hardened")
        self.assertEqual([a - b for a, b in zip(copy.GetOrigin(), proxy.GetOrigin(), strict=True)], [10, 0, 0])
        self.panel.ui.exportButton.click()
        self.assertIn("5 verified", self.panel.ui.statusLabel.text)
        own = self._browserOf(copy)
        self.assertEqual((own.GetNumberOfItems(), own.GetSelectedItemNumber()), (3, 1))
        for number in range(3):
            own.SetSelectedItemNumber(number)
            slicer.app.processEvents()
            self.assertTrue((slicer.util.arrayFromVolume(copy) == self._frame(number)).all())
        self.assertIs(proxy.GetParentTransformNode(), transform)
        self.assertEqual(browser.GetSelectedItemNumber(), 1)

    def test_cancelling_leaves_the_browser_as_it_was(self):
        """Cancelled at the first slab: nothing is left behind, the same frame is shown."""
        browser, self.settings.volume = self._perfusion()
        self.settings.framesChoice = type(self.settings.framesChoice).every
        self._wait()
        showProgress = self.panel.export._showProgress

        def cancelAtOnce(watch):
            showProgress(watch)
            watch.cancel()

        self.panel.export._showProgress = cancelAtOnce
        try:
            self.panel.ui.exportButton.click()
        finally:
            self.panel.export._showProgress = showProgress
        self.assertIn("Cancelled", self.panel.ui.statusLabel.text)
        self.assertFalse((self.out / "Perfusion").exists())
        self.assertEqual(browser.GetSelectedItemNumber(), 1)
        shown = slicer.util.arrayFromVolume(self.settings.volume)
        self.assertTrue((shown == self._frame(1)).all())

    def test_the_choice_of_frames_is_saved_with_the_scene(self):
        """And is used again for the sequence."""
        _, self.settings.volume = self._perfusion()
        self.settings.framesChoice = type(self.settings.framesChoice).some
        self.settings.framesText = "0:2"
        path = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        settings = self.logic.getParameterNode()
        self.assertEqual((settings.framesChoice.value, settings.framesText), ("some", "0:2"))
        self.panel.enter()
        self.assertEqual(self.logic.settings().frames, "0:2")

    def test_the_console_exports_frames_and_loads_them_back_as_sequences(self):
        """4D slabs, one sequence each, one browser for all; the browser of the source shows what it showed."""
        browser, proxy = self._perfusion()
        before = browser.GetSelectedItemNumber(), slicer.util.arrayFromVolume(proxy).copy()
        manifest = self.logic.exportSlabs(proxy, self.out, frames="all", thickness=75)
        self.assertEqual(browser.GetSelectedItemNumber(), before[0])
        self.assertTrue((slicer.util.arrayFromVolume(proxy) == before[1]).all())
        self.assertEqual((manifest.case, len(manifest.slabs)), ("Perfusion", 2))
        self.assertTrue(all(slab.verified for slab in manifest.slabs))
        self.assertEqual((manifest.frames.step, manifest.frames.unit), (2.5, "s"))
        self.logic.loadManifest(self.out / "Perfusion", like=proxy)
        loaded = slicer.util.getNode("Perfusion_slab-001")
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")), 2)
        both = self._browserOf(loaded)
        self.assertIsNotNone(both.GetSequenceNode(slicer.util.getNode("Perfusion_slab-000")))
        sequence = both.GetSequenceNode(loaded)
        self.assertEqual([sequence.GetNthIndexValue(n) for n in range(3)], ["0.5", "3", "5.5"])
        for number in range(3):
            both.SetSelectedItemNumber(number)
            browser.SetSelectedItemNumber(number)
            slicer.app.processEvents()
            self._assertSameVoxels(loaded, proxy)
        self.assertEqual(loaded.GetDisplayNode().GetWindow(), proxy.GetDisplayNode().GetWindow())

    def test_stitched_frames_are_loaded_as_a_sequence(self):
        """From NIfTI slabs; the voxels of every frame are the source's."""
        _, proxy = self._perfusion()
        self.logic.exportSlabs(proxy, self.out, frames="0:2", thickness=75)
        whole = self.logic.stitch(self.out / "Perfusion", self.folder / "whole.nii.gz")
        browser = self._browserOf(whole)
        self.assertEqual(browser.GetNumberOfItems(), 2)
        for number in range(2):
            browser.SetSelectedItemNumber(number)
            slicer.app.processEvents()
            self.assertTrue((slicer.util.arrayFromVolume(whole) == self._frame(number)).all())

    def test_segmentations_of_a_sequence_come_back_as_a_label_sequence(self):
        """Each frame with the labels of its time, in the scene and in the files."""
        _, proxy = self._perfusion()
        organs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Organs")
        for number in range(3):
            segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
            labels = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.labels, "Labels")
            slicer.util.updateVolumeFromArray(labels, self._organs(number))
            slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(labels, segmentation)
            organs.SetDataNodeAtValue(segmentation, f"{0.5 + 2.5 * number:g}")
            for node in (segmentation, labels):
                slicer.mrmlScene.RemoveNode(node)
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Of organs")
        browser.SetAndObserveMasterSequenceNodeID(organs.GetID())
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        shown = browser.GetProxyNode(organs)
        manifest = self.logic.exportSlabs(proxy, self.out, shown, frames="all", thickness=75)
        self.assertEqual(manifest.label_sources["labels"].frames, 3)
        self.logic.loadManifest(self.out / "Perfusion")
        loaded = slicer.util.getNode("Perfusion_slab-000 labels")
        self.assertTrue(loaded.IsA("vtkMRMLLabelMapVolumeNode"))
        both = self._browserOf(loaded)
        for number in range(3):
            both.SetSelectedItemNumber(number)
            slicer.app.processEvents()
            slicer.util.updateVolumeFromArray(self.labels, self._organs(number))
            self._assertSameVoxels(loaded, self.labels)

    def _organs(self, number):
        """Label values (KJI) that go round with the number of the frame; every organ stays."""
        labels = slicer.util.arrayFromVolume(self.labels).copy()
        if not hasattr(self, "_organsBefore"):
            self._organsBefore = labels
        labels[self._organsBefore > 0] = (self._organsBefore[self._organsBefore > 0] + number - 1) % 7 + 1
        return labels

    def _browserOf(self, node):
        """The sequence browser whose frame a node shows."""
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        return next(browser for browser in browsers if browser.GetSequenceNode(node))

    def _frame(self, number):
        """Voxels (KJI) of a frame, as Slicer holds them."""
        return slicer.util.arrayFromVolume(self.volume) + 100 * number

    def _perfusion(self):
        """(browser, the node that shows its frame) of three frames that were never saved; frame 1 is shown."""
        scene = slicer.mrmlScene
        sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Perfusion")
        sequence.SetIndexName("time")
        sequence.SetIndexUnit("s")
        for number in range(3):
            frame = slicer.modules.volumes.logic().CloneVolume(scene, self.volume, "Frame")
            slicer.util.updateVolumeFromArray(frame, self._frame(number))
            sequence.SetDataNodeAtValue(frame, f"{0.5 + 2.5 * number:g}")
            scene.RemoveNode(frame)
        browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        browser.SetSelectedItemNumber(1)
        slicer.app.processEvents()
        return browser, browser.GetProxyNode(sequence)
