"""The self-test's cases on the Export button and what comes after; they run as part of SlabExporterTest."""

import qt
import slicer


class ExportTests:
    """Export, cancel, replace, and the next step."""

    def test_an_export_writes_verified_slabs_of_volume_and_labels(self):
        """The table says verified, files are there, the scene has as many nodes as before."""
        self.settings.labels = [self.labels]
        self.panel.initializeParameterNode()
        self.assertEqual(len(self.panel.ui.labelSelector.checkedNodes()), 1)
        before = slicer.mrmlScene.GetNumberOfNodes()
        self.panel.ui.exportButton.click()
        ui = self.panel.ui
        self.assertIn("5 slabs written to 'Torso', 5 verified", ui.statusLabel.text)
        self.assertEqual({ui.slabTable.item(row, 1).text() for row in range(5)}, {"verified"})
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.assertEqual(len(list((self.out / "Torso").glob("*/*.nii.gz"))), 10)
        self.assertTrue((self.out / "Torso" / "manifest.json").is_file())
        self.assertFalse(ui.openFolderButton.isHidden())
        self.assertTrue(ui.cancelButton.isHidden())
        self.assertFalse(ui.exportButton.enabled)  # the case is there now
        ui.replaceCheckBox.checked = True
        self.panel.refresh()
        self.assertTrue(ui.exportButton.enabled)

    def test_cancel_stops_and_leaves_nothing_half_written(self):
        """Cancel is pressed while the export runs; afterwards it can be repeated."""
        self.settings.thickness = 2
        self.panel.refresh()
        before = slicer.mrmlScene.GetNumberOfNodes()
        qt.QTimer.singleShot(200, self.panel.ui.cancelButton.click)
        self.panel.ui.exportButton.click()
        self.assertIn("Cancelled", self.panel.ui.statusLabel.text)
        self.assertFalse((self.out / "Torso").exists())
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.settings.thickness = 75
        self.panel.refresh()
        self.panel.ui.exportButton.click()
        self.assertIn("2 slabs written", self.panel.ui.statusLabel.text)

    def test_closing_the_scene_stops_a_running_export(self):
        """Nothing half written stays, and the panel is ready for the next scene."""
        self.settings.thickness = 2
        self.panel.refresh()
        qt.QTimer.singleShot(200, lambda: slicer.mrmlScene.Clear())
        self.panel.ui.exportButton.click()
        self.assertTrue(self.out.is_dir())
        outcome = self.panel.export.outcome
        self.assertTrue(outcome is None or "Cancelled" in outcome.text)  # where it is looked at, its volume is gone
        self.assertFalse((self.out / "Torso").exists())
        self.panel.enter()
        self.assertIn("Choose the volume", self.panel.ui.exportButton.toolTip)

    def test_replace_asks_once_with_names_and_switches_itself_off(self):
        """No answer, no export; cancelled, the earlier export is whole; done, Replace is off again."""
        ui = self.panel.ui
        self.assertTrue(ui.replaceCheckBox.isHidden())
        ui.exportButton.click()
        manifest = self.out / "Torso" / "manifest.json"
        first = manifest.read_bytes()
        self.assertFalse(ui.exportButton.enabled)
        ui.replaceCheckBox.click()
        self.assertTrue(ui.exportButton.enabled)
        self.panel.export.confirm = lambda text: bool(self.asked.append(text))  # the user says no
        ui.exportButton.click()
        self.assertIn("Lost are 5 slabs", self.asked[0])
        self.assertIn("images/Torso_slab-000.nii.gz", self.asked[0])
        self.assertEqual(manifest.read_bytes(), first)
        self.panel.export.confirm = lambda text: not self.asked.append(text)
        qt.QTimer.singleShot(0, ui.cancelButton.click)
        ui.exportButton.click()
        self.assertIn("an earlier export of the case stays as it was", ui.statusLabel.text)
        self.assertEqual(manifest.read_bytes(), first)
        self.assertEqual(len(list((self.out / "Torso" / "images").iterdir())), 5)
        self.assertIn("Torso", (self.out / "slabs.csv").read_text())
        self.assertFalse(ui.replaceCheckBox.checked)
        self.settings.thickness = 50
        self.panel.refresh()
        ui.replaceCheckBox.click()
        ui.exportButton.click()
        self.assertIn("3 slabs written", ui.statusLabel.text)
        self.assertEqual(len(self.asked), 3)
        self.assertFalse(ui.replaceCheckBox.checked)
        self.assertFalse(ui.exportButton.enabled)

    def test_nothing_of_one_volume_is_taken_over_to_the_next(self):
        """Typed name, Replace, labels of another grid, status and buttons of the last export: all go."""
        ui = self.panel.ui
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        other.SetOrigin(0, 0, 0)
        self.settings.labels = [self.labels]
        ui.caseNameEdit.setText("Patient 1")
        self.panel.input.onNameEdited("Patient 1")
        self.panel.refresh()
        self.assertEqual(self.panel.view.case, "Patient 1")
        ui.exportButton.click()
        ui.replaceCheckBox.click()
        self.assertFalse(ui.openFolderButton.isHidden())
        self.settings.volume = other
        self._wait()
        self.assertEqual(self.panel.view.case, "Other")
        self.assertEqual(ui.caseNameEdit.text, "")
        self.assertEqual(self.panel.export.replaceable, "")
        self.assertTrue(ui.replaceCheckBox.isHidden())
        self.assertEqual(self.settings.labels, [])
        self.assertIn("'Torso organs' was unticked", ui.notesLabel.text)
        self.assertEqual(ui.statusLabel.text, "")
        self.assertTrue(ui.openFolderButton.isHidden())
        self.assertTrue(ui.exportButton.enabled)
        self.settings.volume = self.volume
        self._wait()
        self.assertEqual(self.panel.view.case, "Torso")

    def test_the_next_step_is_offered(self):
        """Load slabs into a folder of their own with the volume's window; the report is there to be opened."""
        ui = self.panel.ui
        self.volume.GetDisplayNode().SetAutoWindowLevel(False)
        self.volume.GetDisplayNode().SetWindowLevel(321, 45)
        ui.exportButton.click()
        self.assertTrue(ui.reasonLabel.isHidden())
        self.assertFalse(ui.openReportButton.isHidden())
        self.assertTrue(self.panel.export.outcome.report.is_file())
        ui.loadSlabsButton.click()
        slab = slicer.util.getNode("Torso_slab-001")
        display = slab.GetDisplayNode()
        self.assertEqual((display.GetWindow(), display.GetLevel()), (321, 45))
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(slab))
        self.assertEqual(hierarchy.GetItemName(folder), "Torso slabs")
        self._assertSameVoxels(slab, self.volume)

    def test_the_last_folder_is_remembered_for_the_next_scene(self):
        """In the application's settings, from an export on."""
        self.panel.ui.exportButton.click()
        slicer.mrmlScene.Clear()
        self.logic.loadPhantom()
        self.panel.enter()
        self.assertEqual(self.logic.getParameterNode().outputFolder, str(self.out))
        self.assertEqual(self.panel.ui.outputPathEdit.currentPath, str(self.out))

    def test_presets_set_what_they_say(self):
        """And the box goes back to its title."""
        ui = self.panel.ui
        titles = [ui.presetComboBox.itemText(n) for n in range(ui.presetComboBox.count)]
        self.panel.input.onPreset(titles.index("Blocks of 128"))
        self._wait()
        self.assertEqual(self.panel.view.plan.options.block, (128, 128, 128))
        self.panel.input.onPreset(titles.index("96 mm"))
        self._wait()
        self.assertEqual(self.panel.view.plan.options.thickness_mm, 96)
        self.assertEqual(ui.presetComboBox.currentIndex, 0)
        self.assertEqual(ui.slabTable.rowCount, 5)

    def test_a_missing_package_is_offered_as_slicer_installs_it(self):
        """After an export whose warnings ask for one; nothing is installed unasked."""
        from slab_exporter.core.text import Package, Sentence

        ui = self.panel.ui
        text = Sentence("DICOM SEG needs the package highdicom: ", Package("highdicom", "'slab-exporter[x]'"), ".")
        self.panel.packageOffer.offer([text])
        self.assertFalse(ui.packageOffer.isHidden())
        self.assertIn("'highdicom'", ui.packageLabel.text)
        self.panel.packageOffer.offer(["nothing is missing"])
        self.assertTrue(ui.packageOffer.isHidden())

    def test_after_an_export_what_is_wrong_with_other_settings_is_said(self):
        """The reason stands below the grey button again; warnings of the export go; cancelled is not said for ever."""
        from slab_exporter.core.text import Package, Sentence

        ui = self.panel.ui
        ui.exportButton.click()
        self.assertTrue(ui.reasonLabel.isHidden())
        ui.overlapSpinBox.value = 40
        self.panel.refresh()
        self.assertIn("must be smaller than the thickness", ui.reasonLabel.text)
        self.assertFalse(ui.reasonLabel.isHidden())
        self.assertIn("5 slabs written", ui.statusLabel.text)
        ui.overlapSpinBox.value = 0
        self.panel.refresh()
        self.assertTrue(ui.reasonLabel.isHidden())
        self.settings.thickness = 2
        self.settings.outputFolder = str(self.folder / "cancelled")
        self.panel.refresh()
        qt.QTimer.singleShot(0, ui.cancelButton.click)
        ui.exportButton.click()
        self.assertIn("Cancelled", ui.statusLabel.text)
        self.panel.packageOffer.offer([Sentence("It needs ", Package("highdicom", "'slab-exporter[x]'"), ".")])
        self.settings.thickness = 50
        self.panel.refresh()
        self.assertTrue(ui.statusLabel.isHidden())
        self.assertTrue(ui.packageOffer.isHidden())

    def test_the_first_volume_that_is_loaded_is_chosen_and_no_label_map(self):
        """The panel is open already; after a volume was removed no other one is taken, until one is loaded."""
        ui = self.panel.ui
        slicer.mrmlScene.RemoveNode(self.volume)
        self._wait()
        self.assertIsNone(ui.volumeSelector.currentNode())
        self.panel.initializeParameterNode()  # the module is opened: a label map is no volume
        self.assertIsNone(ui.volumeSelector.currentNode())
        volume, _labels = self.logic.loadPhantom()
        self._wait()
        self.assertEqual(ui.volumeSelector.currentNodeID, volume.GetID())
        self.assertIn("stored LAS", ui.summaryLabel.text)
        self.logic.loadPhantom()
        self._wait()
        self.assertEqual(ui.volumeSelector.currentNodeID, volume.GetID())
