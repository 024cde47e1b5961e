"""The self-test's cases on volumes that Slicer loads from its DICOM database; they run as part of SlabExporterTest."""

from contextlib import contextmanager

import slicer

from .dicom_series import FIRST_EXPOSURE, PATIENT, SHAPE_KJI, write_series


class DicomTests:
    """Series are imported into a database of their own, so that the user's stays as it is."""

    def test_a_volume_of_the_dicom_database_keeps_patient_place_and_images(self):
        """From the panel as DICOM, with the note above its fields; from the console as NIfTI, naming the series."""
        frame = write_series(self.folder / "ct")
        with self._database(self.folder / "ct") as nodes:
            ui = self._choose(nodes[0])
            self.assertIn(f"from the {SHAPE_KJI[0]} images in Slicer's DICOM database", ui.dicomSourceLabel.text)
            ui.copyCommandButton.click()
            self.assertIn(str(self.folder / "ct"), slicer.app.clipboard().text())
            ui.exportButton.click()
            self.assertIn("3 slabs written", ui.statusLabel.text)
            written = self._images(self.panel.export.outcome.folder)
            self.assertEqual([int(one.Exposure) for one in written], [FIRST_EXPOSURE + n for n in range(10)])
            self.assertEqual({(str(one.PatientName), one.PatientID) for one in written}, {PATIENT})
            self.assertEqual({one.FrameOfReferenceUID for one in written}, {frame})
            self.assertEqual({len(one.SourceImageSequence) for one in written}, {1})
            manifest = self.logic.exportSlabs(nodes[0], self.out, thickness=4, name="nifti")
            self.assertTrue(manifest.source.series_instance_uid)
            self.assertEqual((self.out / "nifti" / manifest.source.path).resolve(), (self.folder / "ct").resolve())

    def test_a_changed_or_moved_volume_of_the_database_does_not_pass_for_the_scanners(self):
        """Patient and study stay; images, and where it was moved the frame of reference, do not."""
        frame = write_series(self.folder / "ct")
        with self._database(self.folder / "ct") as nodes:
            array = slicer.util.arrayFromVolume(nodes[0])
            array[3, 4, 5] += 1
            slicer.util.arrayFromVolumeModified(nodes[0])
            manifest = self.logic.exportSlabs(nodes[0], self.out, thickness=4, name="changed", format="dicom")
            first = self._images(self.out / "changed")[0]
            self.assertEqual((first.PatientID, first.FrameOfReferenceUID), (PATIENT[1], frame))
            self.assertNotIn("SourceImageSequence", first)
            self.assertIn("was changed in Slicer since it was loaded from DICOM", manifest.warnings[0])
            array[3, 4, 5] -= 1
            nodes[0].SetOrigin(0, 0, 0)
            self.logic.exportSlabs(nodes[0], self.out, thickness=4, name="moved", format="dicom")
            first = self._images(self.out / "moved")[0]
            self.assertEqual(first.PatientID, PATIENT[1])
            self.assertNotEqual(first.FrameOfReferenceUID, frame)

    def test_uneven_gaps_of_the_database_are_refused(self):
        """Under the transform that Slicer adds, and taken out of it."""
        from slab_exporter.core.errors import InputError

        write_series(self.folder / "uneven", gap=6.0)
        with self._database(self.folder / "uneven") as nodes:
            ui = self._choose(nodes[0])
            self.assertFalse(ui.exportButton.enabled)
            self.assertIn("without it the volume lies elsewhere than the patient", ui.exportButton.toolTip)
            manifest = self.logic.exportSlabs(nodes[0], self.out, thickness=4, name="regular", resample=True)
            self.assertAlmostEqual(float(manifest.source.geometry.spacing[2]), 2.5, 3)
            self.assertEqual(manifest.source.resampled["method"], "linear")
            nodes[0].SetAndObserveTransformNodeID(None)
            try:
                self.logic.exportSlabs(nodes[0], self.out, thickness=4, format="dicom")
            except InputError as error:
                self.assertIn("mm away from where its DICOM images lie", str(error))
            else:
                self.fail("not refused")

    def test_rounded_positions_of_the_database_are_a_regular_volume(self):
        """Slicer puts a transform of hundredths of a millimetre on them, which is ignored."""
        write_series(self.folder / "rounded", gap=2.505)
        with self._database(self.folder / "rounded") as nodes:
            self.assertIsNotNone(nodes[0].GetParentTransformNode())
            ui = self._choose(nodes[0])
            ui.exportButton.click()
            self.assertIn("3 slabs written", ui.statusLabel.text)
            first = self._images(self.panel.export.outcome.folder)[0]
            self.assertEqual(len(first.SourceImageSequence), 1)

    def test_a_tilted_gantry_of_the_database_keeps_its_shear_or_is_refused(self):
        """Slicer holds it as a sheared volume, which NRRD alone can hold."""
        write_series(self.folder / "tilted", shift=1.0)
        with self._database(self.folder / "tilted") as nodes:
            ui = self._choose(nodes[0])
            self.assertFalse(ui.exportButton.enabled)
            self.assertIn("sheared", ui.exportButton.toolTip)
            manifest = self.logic.exportSlabs(nodes[0], self.out, thickness=4, name="tilted", format="nrrd")
            last = manifest.slabs[-1].geometry.ras((0, 0, 1)).tolist()  # of the tenth image: LPS -20.5 20.25 -377.5
            for found, true in zip(last, (20.5, -20.25, -377.5), strict=True):
                self.assertAlmostEqual(found, true, 3)
            self.assertTrue(any("tilted" in text for text in manifest.warnings))

    def test_images_that_are_gone_are_told_and_the_patient_can_be_typed(self):
        """In the note above the fields, and in the export's notes."""
        write_series(self.folder / "ct")
        with self._database(self.folder / "ct") as nodes:
            for path in (self.folder / "ct").iterdir():
                path.unlink()
            ui = self._choose(nodes[0])
            self.assertIn("10 of its 10 images are not where", ui.dicomSourceLabel.text)
            self.settings.dicomPatientName, self.settings.dicomModality = "Doe^Jane", "CT"
            self.panel.refresh()
            ui.exportButton.click()
            first = self._images(self.panel.export.outcome.folder)[0]
            self.assertEqual((str(first.PatientName), first.Modality), ("Doe^Jane", "CT"))
            self.assertIn("Nothing is known of the patient", ui.notesLabel.text)

    @contextmanager
    def _database(self, folder):
        """Yield the volumes that Slicer's DICOM module loads from a folder, which it imports as it lies there."""
        try:
            from DICOMLib import DICOMUtils
        except ImportError:
            self.skipTest("this application has no DICOM module")
        if not hasattr(slicer, "dicomDatabase"):
            self.skipTest("this application has no DICOM database")
        with DICOMUtils.TemporaryDICOMDatabase(str(self.folder / "database")) as database:
            DICOMUtils.importDicom(str(folder), database)
            found = [node for patient in database.patients() for node in DICOMUtils.loadPatientByUID(patient)]
            yield [slicer.mrmlScene.GetNodeByID(node) for node in found]

    def _choose(self, volume):
        """Choose a volume and the format DICOM in the panel."""
        self.settings.volume = volume
        self.settings.thickness = 4
        self.settings.fileFormat = type(self.settings.fileFormat).dicom
        self._wait()
        self.panel.refresh()
        return self.panel.ui

    def _images(self, folder):
        import pydicom

        return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
