"""The self-test: makes its own volumes, drives the panel as a user would, and checks the files.

In Slicer: Self Tests, or "Reload and Test" in developer mode; or
``Slicer --testing --python-code "import slicer.testing; slicer.testing.runUnitTest([], 'SlabExporter')"``.
It runs with and without a main window and needs no download.
"""

import shutil
import tempfile
import unittest
from pathlib import Path

import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from .alive import AliveTests
from .back import BackTests
from .console import ConsoleTests
from .dicom import DicomTests
from .export import ExportTests
from .folder.cases import FolderTests
from .looks import LooksTests
from .preview.boundaries import BoundaryTests
from .preview.boxes import BoxTests
from .preview.found import FoundTests
from .preview.limits import LimitTests
from .saved import SavedTests
from .scene import SceneTests
from .sequences import SequenceTests
from .stitch import StitchTests


class SlabExporterTest(
    AliveTests,
    BackTests,
    BoundaryTests,
    BoxTests,
    DicomTests,
    ConsoleTests,
    ExportTests,
    FoundTests,
    FolderTests,
    LimitTests,
    LooksTests,
    SavedTests,
    SceneTests,
    SequenceTests,
    StitchTests,
    ScriptedLoadableModuleTest,
):
    """Panel and console logic in a running Slicer."""

    def setUp(self):
        """An empty scene, a phantom loaded from a left-handed file, a panel, an empty folder."""
        from ..logic import SlabExporterLogic

        slicer.mrmlScene.Clear()
        self.folder = Path(tempfile.mkdtemp(prefix="SlabExporterTest"))
        self.out = self.folder / "out"
        self.logic = SlabExporterLogic()
        self.volume, self.labels = self.logic.loadPhantom()
        self.panel = self._panel()
        self.panel.ui.slabsSection.collapsed = True
        self.settings = self.logic.getParameterNode()
        self.settings.volume = self.volume
        self.settings.thickness = 32
        self.settings.outputFolder = str(self.out)
        self.asked = []
        self.panel.export.confirm = lambda text: not self.asked.append(text)
        self.panel.refresh()

    def tearDown(self):
        """Leave nothing behind."""
        slicer.mrmlScene.Clear()
        qt.QSettings().remove("SlabExporter/LastOutputFolder")
        shutil.rmtree(self.folder, ignore_errors=True)

    def runTest(self):
        """All tests, each on a fresh scene; called by Slicer's test button."""
        for name in [n for n in dir(self) if n.startswith("test_")]:
            self.delayDisplay(name[5:].replace("_", " "))
            self.setUp()
            try:
                getattr(self, name)()
            except unittest.SkipTest as reason:
                self.delayDisplay(f"skipped: {reason}")
            finally:
                self.tearDown()
        self.delayDisplay("Test passed")

    def _panel(self):
        """The module's panel; without a main window there is none to select, so one is made."""
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("SlabExporter")
            return slicer.modules.SlabExporterWidget
        if not hasattr(slicer.modules, "SlabExporterWidget"):
            SlabExporterTest.window = slicer.modules.slabexporter.createNewWidgetRepresentation()
        panel = slicer.modules.SlabExporterWidget
        panel.enter()
        return panel

    def test_the_panel_lists_the_slabs_of_the_volume(self):
        """Summary, table and buttons follow the settings."""
        ui = self.panel.ui
        self.assertEqual(ui.slabTable.rowCount, 5)
        self.assertIn("5 slabs of up to 32 slices", ui.summaryLabel.text)
        self.assertIn("stored LAS", ui.summaryLabel.text)
        self.assertIn("k reversed", ui.orderLabel.text)
        self.assertTrue(ui.notesLabel.isHidden())
        self.assertTrue(ui.exportButton.enabled)
        ui.thicknessSpinBox.value = 50
        self.panel.refresh()
        self.assertEqual(ui.slabTable.rowCount, 3)
        ui.unitComboBox.setCurrentIndex(1)
        self.panel.refresh()
        self.assertEqual(self.settings.unit.value, "mm")
        self.assertIn("up to 17 slices", ui.summaryLabel.text)

    def test_faster_packing_is_offered_until_answered(self):
        """Only where the package is missing; nothing is installed unasked."""
        from slab_exporter.files.gzip_codec import has_isal

        from ..window.packing_offer import ANSWERED, PackingOffer

        settings = qt.QSettings()
        self.panel.ui.filesSection.collapsed = False
        before = settings.value(ANSWERED)
        settings.remove(ANSWERED)
        try:
            offer = PackingOffer(self.panel.ui)
            self.assertEqual(self.panel.ui.packingOffer.isHidden(), has_isal())
            offer.onRefuse()
            self.assertTrue(self.panel.ui.packingOffer.isHidden())
            PackingOffer(self.panel.ui)
            self.assertTrue(self.panel.ui.packingOffer.isHidden())
        finally:
            self.panel.ui.filesSection.collapsed = True
            settings.remove(ANSWERED)
            if before is not None:
                settings.setValue(ANSWERED, before)

    def test_buttons_that_cannot_be_pressed_say_why(self):
        """No folder, a transform, a senseless overlap."""
        ui = self.panel.ui
        self.settings.outputFolder = ""
        self.panel.refresh()
        self.assertFalse(ui.exportButton.enabled)
        self.assertIn("Choose the folder", ui.exportButton.toolTip)
        self.assertIn(ui.reasonLabel.text, ui.exportButton.toolTip)
        self.assertNotIn("Choose the folder", ui.summaryLabel.text)
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
        self.volume.SetAndObserveTransformNodeID(transform.GetID())
        self._wait()
        self.assertIn("Harden transform", ui.exportButton.toolTip)
        self.assertFalse(ui.previewCheckBox.enabled)
        self.volume.SetAndObserveTransformNodeID(None)
        ui.overlapSpinBox.value = 32
        self.panel.refresh()
        self.assertIn("smaller than the thickness", ui.exportButton.toolTip)

    def test_the_console_logic_exports_a_segmentation_and_loads_slabs_back(self):
        """exportSlabs, createSlabROIs and loadManifest; slabs lie where they came from."""
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
        slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(self.labels, segmentation)
        self.assertEqual(len(self.logic.createSlabROIs(self.volume, thickness=50)), 3)
        manifest = self.logic.exportSlabs(self.volume, self.out, segmentation, thickness=50, overwrite=True)
        self.assertTrue(all(slab.verified for slab in manifest.slabs))
        self.assertEqual([value for value, _ in manifest.label_sources["labels"].segments], list(range(1, 8)))
        loaded = self.logic.loadManifest(self.out / "Torso")
        self.assertEqual(len(loaded.slabs), 3)
        self._assertSameVoxels(slicer.util.getNode("Torso_slab-001"), self.volume)
        self._assertSameVoxels(slicer.util.getNode("Torso_slab-001 labels"), self.labels)

    def test_scene_close_and_node_removal_are_survived(self):
        """Preview shown, volume removed; then the scene is closed under the panel."""
        self.panel.ui.previewCheckBox.click()
        slicer.mrmlScene.RemoveNode(self.volume)
        self._wait()
        self.assertEqual(self._rois(), [])
        self.assertIn("Choose the volume", self.panel.ui.exportButton.toolTip)
        slicer.mrmlScene.Clear()
        self._wait()
        self.panel.enter()
        self.assertFalse(self.panel.ui.exportButton.enabled)

    def test_the_module_can_be_reloaded(self):
        """As in developer mode."""
        if slicer.util.mainWindow() is None:
            return  # Slicer reloads the panel of the module that the main window shows
        self.panel.onReload()
        self.panel = slicer.modules.SlabExporterWidget
        self.panel.refresh()
        self.assertEqual(self.panel.ui.slabTable.rowCount, 5)

    def _rois(self):
        from slab_exporter.mrml.slab_rois import preview_rois

        return preview_rois(slicer.mrmlScene)

    def _wait(self):
        """Let the panel's timer do its work."""
        loop = qt.QEventLoop()
        qt.QTimer.singleShot(150, loop.quit)
        loop.exec_()

    def _assertSameVoxels(self, slab, whole):
        """Corner voxels of a slab hold what the whole volume holds at the same place in the patient."""
        import numpy as np
        from slab_exporter.mrml.nodes import node_geometry, voxels_kji

        part, source = node_geometry(slab), node_geometry(whole)
        middle = [(n - 1) // 2 for n in part.shape_ijk]
        for ijk in [(0, 0, 0), tuple(n - 1 for n in part.shape_ijk), tuple(middle)]:
            there = np.round(source.ijk(part.ras(ijk))).astype(int)
            self.assertLess(float(np.linalg.norm(source.ras(there) - part.ras(ijk))), 1e-3)
            self.assertEqual(voxels_kji(slab)[ijk[::-1]], voxels_kji(whole)[tuple(there[::-1])])
