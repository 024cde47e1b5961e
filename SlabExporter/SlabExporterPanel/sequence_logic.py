"""What the module's logic brings into the scene as sequences: files of several frames."""

from pathlib import Path

import slicer


class SequenceLogic:
    """Part of ``SlabExporterLogic``."""

    def loadSequence(self, path, name=None, index=None, isLabel=False):
        """Load a file of several frames (4D NIfTI, NRRD or MetaImage) as a sequence with a browser of its own.

        Example::

            from SlabExporter import SlabExporterLogic
            volume = SlabExporterLogic().loadSequence("/data/bold.nii.gz")
            manifest = SlabExporterLogic().exportSlabs(volume, "/data/slabs", frames="all", thickness=16)

        :param path: of the file.
        :param name: of the sequence; the file's name if None.
        :param index: FrameIndex of the frames; None for what the file says.
        :param isLabel: load them as label maps.
        :return: the volume node that shows the frame that the browser selects.
        :raises slab_exporter.core.errors.SlabExporterError: it cannot be read, or holds one volume.
        """
        from slab_exporter.core.naming import volume_stem

        path = Path(path).expanduser()
        name = name or volume_stem(path)
        browser = self.makeBrowser(f"{name} browser")
        try:
            node = self.loadFrames(path, name, browser, index, isLabel)
        except BaseException:
            slicer.mrmlScene.RemoveNode(browser)
            raise
        self.showBrowser(browser)
        return node

    def makeBrowser(self, name):
        """Return a new sequence browser.

        :param name: for the node.
        """
        return slicer.mrmlScene.AddNewNodeByClass(
            "vtkMRMLSequenceBrowserNode", slicer.mrmlScene.GenerateUniqueName(name)
        )

    def loadFrames(self, path, name, browser, index=None, isLabel=False):
        """Add the frames of a file to a browser as a sequence.

        :param path: of the file.
        :param name: of the sequence and of the volume that shows its frames.
        :param browser: sequence browser node.
        :param index: FrameIndex of the frames; None for what the file says.
        :param isLabel: load them as label maps.
        :return: the volume node that shows a frame.
        :raises slab_exporter.core.errors.SlabExporterError: it cannot be read, or holds one volume.
        """
        from slab_exporter.core.errors import InputError
        from slab_exporter.mrml.runtime import open_runtime
        from slab_exporter.mrml.sequence_nodes import add_sequence
        from slab_exporter.volumes.choice import FileVolume
        from slab_exporter.volumes.reading import open_volume

        with open_runtime() as runtime:
            volume = open_volume(runtime, FileVolume(Path(path), frames="all"))
            if volume.frames is None:
                raise InputError(f"{path} holds one volume, not several frames; load it as a volume.")
            sequence = add_sequence(slicer.mrmlScene, volume, name, index, isLabel)
        return _browsed(sequence, browser)

    def hardenedFrames(self, node, browser):
        """Copy the sequence of which a node shows a frame, with the node's linear transform applied to each frame.

        :param node: scalar volume node.
        :param browser: sequence browser node to which the copy is added.
        :return: the volume node that shows a frame of the copy.
        """
        import vtk
        from slab_exporter.mrml.sequences import held_frames

        frames = held_frames(node)
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
        sequence.Copy(frames.kept)
        sequence.SetName(f"{node.GetName()} hardened")
        sequence.SetAndObserveStorageNodeID(None)
        toWorld = vtk.vtkMatrix4x4()
        node.GetParentTransformNode().GetMatrixTransformToWorld(toWorld)
        for number in range(frames.count):
            sequence.GetNthDataNode(number).ApplyTransformMatrix(toWorld)
        return _browsed(sequence, browser)

    def showBrowser(self, browser):
        """Let the sequence toolbar of the main window, if there is one, move through a browser's frames."""
        if slicer.util.mainWindow() is not None and slicer.modules.sequences.autoShowToolBar:
            slicer.modules.sequences.setToolBarActiveBrowserNode(browser)
            slicer.modules.sequences.setToolBarVisible(True)


def _browsed(sequence, browser):
    """Add a sequence to a browser; return the node that shows its frame."""
    if browser.GetMasterSequenceNode() is None:
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    else:
        browser.AddSynchronizedSequenceNode(sequence)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    node = browser.GetProxyNode(sequence)
    node.CreateDefaultDisplayNodes()
    return node


def isInSequence(node):
    """Return whether a node shows a frame of a sequence."""
    from slab_exporter.mrml.sequences import browser_of

    return browser_of(node) is not None


def shownNumber(node):
    """Return the number of the frame that a node shows; 0 for a single volume."""
    from slab_exporter.mrml.sequences import shown_frame

    frame = shown_frame(node)
    return 0 if frame is None else frame.number
