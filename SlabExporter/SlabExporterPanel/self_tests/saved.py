"""The self-test's cases on settings that are kept: in scenes, also former ones, and in files of options."""

from enum import Enum

import slicer

# What the parameter node held before volumes had names of their own: text as Slicer stored it.
FORMER = {
    "axis": "coronal",
    "thickness": "12.5",
    "unit": "mm",
    "overlap": "3",
    "remainder": "balance",
    "fill": "-1024",
    "outputFolder": "/data/slabs",
    "caseName": "Patient 1",
    "replace": "True",
    "fileFormat": "nii_gz",
    "compression": "small",
    "stitchManifest": "/data/slabs/Patient 1/manifest.json",
    "stitchPredictions": "/data/predicted",
    "stitchBlend": "vote",
    "stitchTrustNames": "True",
    "stitchOutput": "/data/whole.nii.gz",
    "stitchReplace": "False",
}


class SavedTests:
    """Scenes and files with the panel's settings."""

    def test_every_setting_is_saved_with_the_scene(self):
        """Save, clear, load, as .mrml and .mrb, with the panel open: the same settings; the boxes are not saved."""
        expected = self._setAll()
        self.panel.initializeParameterNode()
        self.panel.ui.previewCheckBox.click()
        for ending in ("mrml", "mrb"):
            path = str(self.folder / f"scene.{ending}")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            slicer.util.loadScene(path)
            self._wait()
            settings = self.logic.getParameterNode()
            self.assertEqual({name: getattr(settings, name) for name in expected}, expected, ending)
            self.assertEqual((settings.volume.GetName(), settings.namedVolume.GetName()), ("Torso", "Torso"))
            self.assertEqual([node.GetName() for node in settings.labels], ["Torso organs"])
            self.assertEqual(settings.roi.GetName(), "Box")
            self.assertEqual(self._rois(), [])

    def test_a_scene_of_the_former_version_is_loaded(self):
        """Its settings are taken; the case name is of its volume; what it says of Replace is not taken over."""
        node = self.settings.parameterNode
        former = {**FORMER, "outputFolder": str(self.out)}
        for name in node.GetParameterNamesAsCommaSeparatedList().split(","):
            if name not in former:
                node.UnsetParameter(name)
        for name, text in former.items():
            node.SetParameter(name, text)
        self._saveAndLoad()
        settings = self.logic.getParameterNode()
        words = (settings.axis.value, settings.unit.value, settings.remainder.value, settings.compression.value)
        self.assertEqual(words, ("coronal", "mm", "balance", "small"))
        self.assertEqual((settings.thickness, settings.overlap, settings.fill), (12.5, 3, "-1024"))
        self.assertEqual((settings.stitchBlend.value, settings.stitchTrustNames), ("vote", True))
        self.assertEqual((settings.stitchGrid.value, settings.keep.value, settings.block), ("cut", "all", ""))
        self.assertEqual(self.panel.view.case, "Patient 1")
        self.assertEqual(self.panel.export.replaceable, "")
        self.assertEqual(self.panel.ui.thicknessSpinBox.value, 12.5)

    def test_a_scene_with_a_choice_that_is_not_known_is_loaded(self):
        """As a later version might save it: that choice is as it is without asking, the others are taken."""
        node = self.settings.parameterNode
        self.settings = None  # as the user's scene is opened in a Slicer that follows no other
        self.panel.setParameterNode(None)
        node.SetParameter("remainder", "mirror")
        node.SetParameter("thickness", "1e9")
        node.SetParameter("overlap", "many")
        node.SetParameter("axis", "coronal")
        self._saveAndLoad()
        settings = self.logic.getParameterNode()
        self.assertEqual((settings.remainder.value, settings.axis.value), ("keep", "coronal"))
        self.assertEqual((settings.thickness, settings.overlap), (64, 0))
        self.assertIn("slabs of up to 64 slices", self.panel.ui.summaryLabel.text)

    def _saveAndLoad(self):
        path = str(self.folder / "scene.mrml")
        slicer.util.saveScene(path)
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        self.panel.enter()

    def _setAll(self):
        """Set every setting to something else than it is without asking; return those that are no nodes."""
        expected = {}
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
        nodes = {"volume": self.volume, "namedVolume": self.volume, "labels": [self.labels], "roi": roi}
        for name, value in nodes.items():
            setattr(self.settings, name, value)
        for name in set(type(self.settings).allParameters) - set(nodes):
            held = getattr(self.settings, name)
            if isinstance(held, Enum):
                value = list(type(held))[-1]
            elif isinstance(held, bool):
                value = not held
            elif isinstance(held, str):
                value = f"{name} \u00e4 & 'b'"
            else:
                value = type(held)(12.25)
            setattr(self.settings, name, value)
            expected[name] = value
        self.assertGreater(len(expected), 30)
        return expected

    def test_settings_go_to_a_file_of_options_and_come_back(self):
        """Through the panel's two buttons' work; what the panel cannot show is said, what is senseless refused."""
        import json

        ui, path = self.panel.ui, self.folder / "options.json"
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
        self.settings.roi = roi
        self.settings.unit = type(self.settings.unit).mm
        self.settings.thickness = 96.25
        self.settings.overlap = 3
        self.settings.remainder = type(self.settings.remainder).pad
        self._wait()
        self.panel.optionsFiles.save(path)
        self.assertIn("does not name the ROI 'Box'", ui.notesLabel.text)
        slicer.util.saveNode(roi, str(self.folder / "box.mrk.json"))
        self.panel.optionsFiles.save(path)
        self.assertEqual(ui.notesLabel.text, "Options saved to options.json.")
        slicer.mrmlScene.RemoveNode(roi)
        self.settings.unit = type(self.settings.unit).slices
        self.settings.thickness = 5
        self.settings.overlap = 0
        self._wait()
        self.panel.optionsFiles.load(path)
        self.assertEqual(ui.notesLabel.text.splitlines()[0], "Options taken from options.json.")
        self.assertEqual((self.settings.thickness, self.settings.unit.value, self.settings.overlap), (96.25, "mm", 3))
        self.assertEqual(ui.thicknessSpinBox.value, 96.25)
        self.assertEqual(self.settings.roi.GetName(), "box")
        self.settings.overlap = 2
        self._wait()
        self.assertNotIn("Options taken", ui.notesLabel.text)  # they are others now
        document = json.loads(path.read_text())
        document["options"]["seed"] = 7
        path.write_text(json.dumps(document))
        self.panel.optionsFiles.load(path)
        self.assertIn("no control for it: seed 7", ui.notesLabel.text)
        path.write_text(json.dumps({**document, "options": {"thickness": 0}}))
        self.panel.optionsFiles.load(path)
        self.assertIn("at least one slice", ui.notesLabel.text)
        self.assertEqual(self.settings.thickness, 96.25)
