"""The self-test's cases on volumes of unusual kinds in the scene; they run as part of SlabExporterTest."""

import slicer
import vtk


class SceneTests:
    """Volumes under transforms, sheared and removed ones, scenes that are loaded."""

    def test_a_hardened_copy_is_cut_instead_of_a_moved_volume(self):
        """One click: copies of volume and labels lie where they were shown, the originals stay."""
        ui = self.panel.ui
        self.settings.labels = [self.labels]
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, 10)
        matrix.SetElement(2, 3, -5)
        transform.SetMatrixTransformToParent(matrix)
        for node in (self.volume, self.labels):
            node.SetAndObserveTransformNodeID(transform.GetID())
        self._wait()
        self.assertFalse(ui.exportButton.enabled)
        self.assertFalse(ui.hardenButton.isHidden())
        before = self.volume.GetOrigin()
        ui.hardenButton.click()
        self._wait()
        copy = self.settings.volume
        self.assertEqual(copy.GetName(), "Torso hardened")
        self.assertEqual([a - b for a, b in zip(copy.GetOrigin(), before, strict=True)], [10, 0, -5])
        self.assertEqual([node.GetName() for node in self.settings.labels], ["Torso organs hardened"])
        self.assertIs(self.volume.GetParentTransformNode(), transform)
        self.assertTrue(ui.hardenButton.isHidden())
        self.assertTrue(ui.exportButton.enabled)
        ui.exportButton.click()
        self.assertIn("5 verified", ui.statusLabel.text)

    def test_a_sheared_volume_is_refused_before(self):
        """As tilted gantries are shown where they are opened as plain files."""
        matrix = vtk.vtkMatrix4x4()
        self.volume.GetIJKToRASMatrix(matrix)
        matrix.SetElement(1, 2, 0.3 * matrix.GetElement(2, 2))
        self.volume.SetIJKToRASMatrix(matrix)
        self._wait()
        self.assertFalse(self.panel.ui.exportButton.enabled)
        self.assertIn("sheared", self.panel.ui.reasonLabel.text)

    def test_a_removed_volume_is_not_followed_by_the_next_one(self):
        """Nothing is chosen in its place, so that Export is not armed for another patient."""
        slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        self.panel.ui.previewCheckBox.click()
        slicer.mrmlScene.RemoveNode(self.volume)
        self._wait()
        self.assertIsNone(self.settings.volume)
        self.assertFalse(self.panel.ui.exportButton.enabled)
        self.assertEqual(self._rois(), [])

    def test_slice_views_follow_the_chosen_volume(self):
        """The volume that is chosen in the panel is shown; a scene that is loaded shows what it showed."""
        if slicer.app.layoutManager() is None:
            return  # there are no slice views without a main window
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        self.settings.volume = other
        self._wait()
        self.assertEqual(self._shown(), {other.GetID()})
        slicer.util.setSliceViewerLayers(background=self.volume)
        path = str(self.folder / "scene.mrml")
        slicer.util.saveNode(other, str(self.folder / "other.nrrd"))
        slicer.util.saveScene(path)
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        self._wait()
        self.assertEqual(self.logic.getParameterNode().volume.GetName(), "Other")
        self.assertEqual(self._shown(), {slicer.util.getNode("Torso").GetID()})

    def _shown(self):
        return {n.GetBackgroundVolumeID() for n in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}

    def test_the_console_writes_dicom_with_the_texts_that_are_given(self):
        """And a deidentified case whose name says nothing."""
        import pydicom

        texts = {"modality": "MR", "patientName": "Doe^Jane", "patientId": "17", "studyDescription": "Follow-up"}
        manifest = self.logic.exportSlabs(self.volume, self.out, thickness=75, format="dicom", name="a", **texts)
        image = next((self.out / "a" / manifest.slabs[0].image).glob("*.dcm"))
        header = pydicom.dcmread(image, stop_before_pixels=True)
        self.assertEqual((header.Modality, str(header.PatientName), header.PatientID), ("MR", "Doe^Jane", "17"))
        self.assertEqual(header.StudyDescription, "Follow-up")
        nameless = self.logic.exportSlabs(self.volume, self.folder / "nameless", thickness=75, deidentify=True)
        self.assertEqual(nameless.case, "case-0001")
        self.assertNotIn("Torso", (self.folder / "nameless" / "case-0001" / "manifest.json").read_text())
