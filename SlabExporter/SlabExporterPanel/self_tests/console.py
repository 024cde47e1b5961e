"""The self-test's case on what the documentation shows for the Python console; it runs as part of SlabExporterTest."""

import re
import shutil
from pathlib import Path

import slicer

DOCUMENT = Path(__file__).parents[3] / "docs" / "slicer.md"
# Jobs that are described, and the lines before them.
BLOCKS = 11


class ConsoleTests:
    """The ten commonest jobs, as they are printed."""

    def test_the_jobs_of_the_documentation_run_as_printed(self):
        """In a folder of the test's own, with nodes of the names that the page uses; from a checkout."""
        if not DOCUMENT.is_file():
            self.skipTest("An installed extension has no documentation beside it.")
        self._nameNodes()
        names = {"slicer": slicer, "__name__": "console"}
        for block in self._blocks():
            exec(compile(block.replace('"/data/', f'"{self.folder}/'), str(DOCUMENT), "exec"), names)
            labels = self.folder / "slabs" / "CT" / "labels"
            if labels.is_dir() and not (self.folder / "predicted").exists():
                shutil.copytree(labels, self.folder / "predicted")
        cases = {path.parent.relative_to(self.folder).as_posix() for path in self.folder.rglob("manifest.json")}
        folders = {"slabs", "coronal", "blocks", "crops", "equal", "dicom", "all", "inside"}
        self.assertEqual(cases, {f"{folder}/CT" for folder in folders})
        self.assertTrue((self.folder / "blocks" / "Dataset007_Liver" / "dataset.json").is_file())
        self.assertEqual(len(names["manifest"].slabs), 3)
        self.assertEqual(len(names["boxes"]), 2)
        self.assertEqual(slicer.util.getNode("CT_slab-000").GetDisplayNode().GetWindow(), 1234)
        segments = names["organs"].GetSegmentation()
        self.assertEqual([segments.GetNthSegment(n).GetName() for n in range(3)], self._segmentNames()[:3])
        self.assertTrue(segments.ContainsRepresentation("Closed surface"))

    def _blocks(self):
        section = DOCUMENT.read_text(encoding="utf-8").partition("## In the Python console")[2]
        blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[:BLOCKS]
        self.assertIn("show3D=True", blocks[-1])
        return blocks

    def _nameNodes(self):
        """Give the scene what the page presumes: CT, Segmentation, and an ROI over two slabs."""
        self.volume.SetName("CT")
        self.volume.GetDisplayNode().SetAutoWindowLevel(False)
        self.volume.GetDisplayNode().SetWindow(1234)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(self.labels, segmentation)
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
        roi.SetCenter(0, 0, 0)
        roi.SetSize(200, 150, 150)

    def _segmentNames(self):
        segments = slicer.util.getNode("Segmentation").GetSegmentation()
        return [segments.GetNthSegment(n).GetName() for n in range(segments.GetNumberOfSegments())]
