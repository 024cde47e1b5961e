"""What the module's logic brings into the scene: slabs of an export, copies with a hardened transform, the phantom."""

from pathlib import Path

import slicer
import vtk

from .loading import loadFile
from .sequence_logic import SequenceLogic, isInSequence, shownNumber


class SceneLogic(SequenceLogic):
    """Part of ``SlabExporterLogic``."""

    @property
    def dicomDatabase(self):
        """Return Slicer's DICOM database, or None where there is none or it is not open."""
        database = getattr(slicer, "dicomDatabase", None)
        return database if database is not None and database.isOpen else None

    def loadManifest(self, path, labels=True, like=None, progress=None):
        """Load the slabs of a finished export, each where it lies in the patient, into a folder of their own.

        Slabs of several frames become sequences, with one browser for all of them.

        Example::

            from SlabExporter import SlabExporterLogic
            manifest = SlabExporterLogic().loadManifest("/data/slabs/CT/manifest.json")
            first = slicer.util.getNode("CT_slab-000")

        :param path: of a manifest.json, or of the case's folder.
        :param labels: load the label maps too, as label map volumes.
        :param like: volume node whose window, level and colours the slabs get; None for Slicer's choice.
        :param progress: called with a ProgressEvent before every file; may raise Cancelled, and then none stays loaded.
        :return: the manifest.
        :raises slab_exporter.core.errors.SlabExporterError: it cannot be read, or a slab is missing.
        """
        from slab_exporter.core.manifest import read_manifest
        from slab_exporter.core.progress import ProgressEvent, no_progress
        from slab_exporter.mrml.nodes import remove_node
        from slab_exporter.mrml.slab_rois import put_into
        from slab_exporter.pipeline.exported_files import slab_files

        manifest = read_manifest(Path(path))
        files = slab_files(Path(path), manifest, labels)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), f"{manifest.case} {manifest.plan.kind}s")
        browser = self.makeBrowser(f"{manifest.case} browser") if any(file.holds_frames for file in files) else None
        loaded = []
        try:
            for number, file in enumerate(files):
                (progress or no_progress)(ProgressEvent("waiting", manifest.case, number, len(files)))
                if file.holds_frames:
                    node = self.loadFrames(file.path, file.name, browser, manifest.frames.index, file.is_label)
                else:
                    node = loadFile(file.path, file.name, file.dtype, labelmap=file.is_label)
                loaded.append(node)
                put_into(hierarchy, folder, node)
                if like is not None and not file.is_label:
                    showLike(node, like)
        except BaseException:
            if browser is not None:
                sequences = vtk.vtkCollection()
                browser.GetSynchronizedSequenceNodes(sequences, True)
                loaded += [*sequences, browser]
            for node in loaded:
                remove_node(slicer.mrmlScene, node)
            hierarchy.RemoveItem(folder)
            raise
        if browser is not None:
            self.showBrowser(browser)
        return manifest

    def hardenedCopies(self, volumeNode, labelNodes=()):
        """Copy a volume that lies under a linear transform, and apply the transform to the copy.

        No voxel changes: the copy's directions and origin hold what the transform did. Label maps under the same
        transform are copied likewise; others are left out. Of a sequence all frames are copied.

        Example::

            from SlabExporter import SlabExporterLogic
            volume, labels = SlabExporterLogic().hardenedCopies(slicer.util.getNode("CT"))

        :param volumeNode: scalar volume node.
        :param labelNodes: label map nodes.
        :return: the copy of the volume, and a list of those of the label maps.
        :raises slab_exporter.core.errors.InputError: there is no transform, or it is not linear.
        """
        from slab_exporter.core.errors import InputError

        transform = volumeNode.GetParentTransformNode()
        if transform is None or not transform.IsTransformToWorldLinear():
            raise InputError(f"'{volumeNode.GetName()}' lies under no linear transform.")
        moved = [n for n in labelNodes if n.IsA("vtkMRMLVolumeNode") and n.GetParentTransformNode() is transform]
        nodes = [volumeNode, *moved]
        browser = (
            self.makeBrowser(f"{volumeNode.GetName()} hardened browser") if any(map(isInSequence, nodes)) else None
        )
        copies = [self.hardenedFrames(n, browser) if isInSequence(n) else _hardened(n) for n in nodes]
        if browser is not None:
            browser.SetSelectedItemNumber(shownNumber(volumeNode))
            self.showBrowser(browser)
        return copies[0], copies[1:]

    def loadPhantom(self):
        """Make a torso phantom with its label map and load both; no download.

        Example::

            from SlabExporter import SlabExporterLogic
            volume, labels = SlabExporterLogic().loadPhantom()
            SlabExporterLogic().createSlabROIs(volume, thickness=32)

        :return: volume node and label map node.
        """
        from slab_exporter.volumes.phantom import make_demo

        image, labels = make_demo(Path(slicer.util.tempDirectory("SlabExporterTorso")))
        volume = slicer.util.loadVolume(str(image), {"name": "Torso"})
        return volume, slicer.util.loadLabelVolume(str(labels), {"name": "Torso organs", "show": False})


def _hardened(node):
    """Return a copy of a volume node with its transform applied."""
    copy = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, node, f"{node.GetName()} hardened")
    copy.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    copy.HardenTransform()
    return copy


def showLike(node, like):
    """Give a volume node the window, the level and the colours of another one."""
    node.CreateDefaultDisplayNodes()
    display, model = node.GetDisplayNode(), like.GetDisplayNode()
    if model is None:
        return
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(model.GetWindow(), model.GetLevel())
    display.SetAndObserveColorNodeID(model.GetColorNodeID())
