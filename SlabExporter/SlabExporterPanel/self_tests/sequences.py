"""The self-test's cases on sequences and their browsers; they run as part of SlabExporterTest."""

import slicer


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
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        self.assertEqual(len(browsers), 2)
        both = next(one for one in browsers if one.GetSequenceNode(loaded))
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
        browser = next(
            one for one in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode") if one.GetSequenceNode(whole)
        )
        self.assertEqual(browser.GetNumberOfItems(), 2)
        for number in range(2):
            browser.SetSelectedItemNumber(number)
            slicer.app.processEvents()
            self.assertTrue((slicer.util.arrayFromVolume(whole) == self._frame(number)).all())

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
