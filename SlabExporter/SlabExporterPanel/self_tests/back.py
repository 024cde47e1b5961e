"""The self-test's cases on what is stitched and loaded back; they run as part of SlabExporterTest."""

import json

import slicer
import vtk


class BackTests:
    """Labels as segmentations with names, voxel for voxel; probabilities as volumes."""

    def test_stitched_labels_become_a_segmentation_voxel_for_voxel(self):
        """Also of an oblique volume and of a left-handed one; names come from the predictions' dataset.json."""
        import numpy as np
        from slab_exporter.mrml.nodes import voxels_kji

        for orientation in ("left-handed", "oblique"):
            volume, labels = self._exported(orientation)
            predictions = self.out / volume.GetName() / "labels"
            names = {"background": 0, "lungs": 1, "liver": 2}
            (predictions / "dataset.json").write_text(json.dumps({"labels": names}))
            stitched = self.folder / f"{volume.GetName()} predicted.nii.gz"
            segmentation = self.logic.stitch(self.out / volume.GetName(), stitched, predictions)
            self.assertTrue(segmentation.IsA("vtkMRMLSegmentationNode"))
            self.assertTrue(np.array_equal(self._onGridOf(labels, segmentation), voxels_kji(labels)))
            held = segmentation.GetSegmentation()
            segments = [held.GetNthSegment(n) for n in range(held.GetNumberOfSegments())]
            values = [int(value) for value in np.unique(voxels_kji(labels)) if value]
            self.assertEqual([segment.GetLabelValue() for segment in segments], values)
            expected = {1: "lungs", 2: "liver"}
            self.assertEqual([s.GetName() for s in segments], [expected.get(v, f"Label {v}") for v in values])
            reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
            self.assertIs(reference, volume)
            self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode")), 1)

    def test_a_segmentation_is_put_beside_its_volume_and_shown_in_3d_on_request(self):
        """Into the folder of the volume, from the panel; without asking in slice views alone."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient 1")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(self.volume), folder)
        self.logic.exportSlabs(self.volume, self.out, self.labels, thickness=75)
        ui = self.panel.ui
        ui.stitchSection.collapsed = False
        self.settings.stitchManifest = str(self.out / "Torso")
        self.settings.stitchOutput = str(self.folder / "organs.nii.gz")
        self.panel.initializeParameterNode()
        self.assertFalse(ui.stitchGridComboBox.enabled)
        self.assertFalse(ui.stitchArgmaxCheckBox.enabled)
        self.assertIn("choose their folder", ui.stitchArgmaxCheckBox.toolTip)
        ui.stitchPartComboBox.currentIndex = 1
        self.panel.stitch.onPart(1)
        self._wait()
        self.assertEqual(self.settings.stitchPart, "labels:labels")
        ui.stitchButton.click()
        segmentation = slicer.util.getNode("organs")
        item = hierarchy.GetItemByDataNode(segmentation)
        self.assertEqual(hierarchy.GetItemName(hierarchy.GetItemParent(item)), "Patient 1")
        surface = "Closed surface"
        self.assertTrue(segmentation.GetDisplayNode().GetVisibility())
        self.assertFalse(segmentation.GetSegmentation().ContainsRepresentation(surface))
        ui.stitchShow3DCheckBox.checked = True
        self.assertTrue(segmentation.GetSegmentation().ContainsRepresentation(surface))
        ui.stitchShow3DCheckBox.checked = False
        self.assertFalse(segmentation.GetSegmentation().ContainsRepresentation(surface))
        ui.stitchSection.collapsed = True

    def test_several_numbers_per_voxel_become_volumes_or_layers(self):
        """Probabilities: a volume each, named after the classes; masks: layers of one segmentation."""
        import numpy as np
        from slab_exporter.mrml.nodes import node_geometry, voxels_kji

        volume, labels = self._exported("left-handed")
        whole = voxels_kji(labels)
        for dtype in ("float32", "uint8"):
            predictions = self._predicted(volume, labels, dtype)
            loaded = self.logic.stitch(self.out / volume.GetName(), self.folder / f"{dtype}.nii.gz", predictions)
            if dtype == "float32":
                self.assertEqual([n.GetName() for n in loaded], ["float32 body", "float32 liver"])
                self.assertEqual(loaded[0].GetDisplayNode().GetWindowLevelMax(), 1)
                self.assertTrue(np.allclose(voxels_kji(loaded[1]), (whole == 2) * 0.5))
                self.assertLess(node_geometry(loaded[0]).difference(node_geometry(volume)).mm, 1e-4)
            else:
                held = loaded.GetSegmentation()
                self.assertEqual((held.GetNumberOfLayers(), held.GetNthSegment(0).GetName()), (2, "body"))
                self.assertEqual(held.GetNumberOfSegments(), 2)
                for number, mask in enumerate((whole > 0, whole == 2)):
                    found = slicer.util.arrayFromSegmentBinaryLabelmap(loaded, held.GetNthSegmentID(number), volume)
                    self.assertTrue(np.array_equal(found > 0, mask))

    def test_a_segmentation_comes_back_with_its_own_names_and_colours(self):
        """Exported, stitched from its label maps, and loaded; no dataset.json is needed."""
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(self.labels, segmentation)
        drawn = segmentation.GetSegmentation()
        for number in range(drawn.GetNumberOfSegments()):
            drawn.GetNthSegment(number).SetName(f"organ {number}")
            drawn.GetNthSegment(number).SetColor(number / 10, 0.2, 1 - number / 10)
        self.logic.exportSlabs(self.volume, self.out, segmentation, thickness=40)
        back = self.logic.stitch(self.out / "Torso", self.folder / "back.nii.gz", labelSet="labels").GetSegmentation()
        self.assertEqual(back.GetNumberOfSegments(), drawn.GetNumberOfSegments())
        for number in range(back.GetNumberOfSegments()):
            one, other = back.GetNthSegment(number), drawn.GetNthSegment(number)
            self.assertEqual((one.GetName(), one.GetLabelValue()), (other.GetName(), other.GetLabelValue()))
            self.assertLess(max(abs(a - b) for a, b in zip(one.GetColor(), other.GetColor(), strict=True)), 0.003)

    def test_labels_of_every_type_become_a_segmentation(self):
        """As programs save them: fractions, and whole numbers of 64 bits, on which Slicer's own reader ends."""
        import numpy as np
        import SimpleITK as sitk
        from slab_exporter.mrml.nodes import voxels_kji

        self.logic.exportSlabs(self.volume, self.out, self.labels, thickness=75)
        for kind in ("Float32", "Int64", "UInt64", "Int8"):
            predictions = self.folder / kind
            predictions.mkdir()
            for path in (self.out / "Torso" / "labels").glob("*.nii.gz"):
                image = sitk.Cast(sitk.ReadImage(str(path)), getattr(sitk, f"sitk{kind}"))
                sitk.WriteImage(image, str(predictions / path.name))
            stitched = self.folder / f"{kind}.nii.gz"
            segmentation = self.logic.stitch(self.out / "Torso", stitched, predictions, blend="vote")
            self.assertTrue(np.array_equal(self._onGridOf(self.labels, segmentation), voxels_kji(self.labels)), kind)

    def test_slabs_of_labels_of_64_bits_are_loaded(self):
        """Left-handed ones, as nibabel and numpy make them by default."""
        import numpy as np
        import SimpleITK as sitk
        import slab_exporter as se
        from slab_exporter.mrml.nodes import node_geometry, voxels_kji

        wide = self.folder / "wide.nii.gz"
        source = sitk.ReadImage(self.labels.GetStorageNode().GetFullNameFromFileName())
        sitk.WriteImage(sitk.Cast(source, sitk.sitkInt64), str(wide))
        se.export(wide, self.out, labels={"organs": wide}, thickness=200)
        self.logic.loadManifest(self.out / "wide" / "manifest.json")
        for name in ("wide_slab-000", "wide_slab-000 organs"):
            node = slicer.util.getNode(name)
            self.assertTrue(np.array_equal(voxels_kji(node), voxels_kji(self.labels)))
            self.assertTrue(node_geometry(node).difference(node_geometry(self.labels)).is_same_grid())

    def _exported(self, orientation):
        """Return a volume and its label map, oblique or as the phantom is, both from files; exported."""
        import numpy as np
        from slab_exporter.mrml.nodes import array_from_matrix, matrix_from_array

        if orientation == "left-handed":
            self.logic.exportSlabs(self.volume, self.out, self.labels, thickness=40, overlap=8)
            return self.volume, self.labels
        angle = np.radians(17)
        turn = np.eye(4)
        turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        nodes = []
        for node, name in ((self.volume, "Oblique"), (self.labels, "Oblique organs")):
            matrix = vtk.vtkMatrix4x4()
            node.GetIJKToRASMatrix(matrix)
            node.SetIJKToRASMatrix(matrix_from_array(turn @ array_from_matrix(matrix)))
            node.SetName(name)
            self.assertTrue(slicer.util.saveNode(node, str(self.folder / f"{name}.nii.gz")))
            nodes.append(node)
        self.logic.exportSlabs(*nodes[:1], self.out, nodes[1], thickness=40, overlap=8)
        return tuple(nodes)

    def _predicted(self, volume, labels, dtype):
        """Write predictions of two numbers per voxel for each slab; return their folder."""
        import SimpleITK as sitk

        case = self.out / volume.GetName()
        folder = self.folder / f"predicted {dtype}"
        folder.mkdir()
        (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "body": 1, "liver": 2}}))
        for path in sorted((case / "labels").glob("*.nii.gz")):
            image = sitk.ReadImage(str(path))
            found = sitk.GetArrayFromImage(image)
            scale = 0.5 if dtype == "float32" else 1
            masks = [(mask * scale).astype(dtype) for mask in (found > 0, found == 2)]
            written = sitk.JoinSeries([sitk.GetImageFromArray(mask) for mask in masks])
            self._copyGrid(written, image)
            sitk.WriteImage(written, str(folder / path.name))
        return folder

    def _copyGrid(self, image, model):
        """Give a 4D image the place of a 3D one."""
        import numpy as np

        directions = np.eye(4)
        directions[:3, :3] = np.reshape(model.GetDirection(), (3, 3))
        image.SetDirection(directions.ravel().tolist())
        image.SetOrigin((*model.GetOrigin(), 0))
        image.SetSpacing((*model.GetSpacing(), 1))

    def _onGridOf(self, labels, segmentation):
        """Return the voxels of a segmentation as Slicer exports it to a label map on another one's grid."""
        from slab_exporter.mrml.nodes import remove_node, voxels_kji

        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "exported")
        ids = list(segmentation.GetSegmentation().GetSegmentIDs())
        slicer.modules.segmentations.logic().ExportSegmentsToLabelmapNode(segmentation, ids, node, labels)
        # Slicer numbers what it exports 1, 2, 3: their own values again
        held = segmentation.GetSegmentation()
        found = voxels_kji(node).copy()
        exported = found.copy()
        for number, name in enumerate(ids, start=1):
            exported[found == number] = held.GetSegment(name).GetLabelValue()
        remove_node(slicer.mrmlScene, node)
        return exported
