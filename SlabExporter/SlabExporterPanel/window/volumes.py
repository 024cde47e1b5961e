"""Volumes of the scene that can be cut."""

import slicer

# As the panel's list of volumes shows them; label maps, which Slicer derives from volumes, are not among them.
CLASSES = ("vtkMRMLScalarVolumeNode", "vtkMRMLMultiVolumeNode")


def isVolume(node):
    """Return whether the panel's list of volumes shows a node."""
    return node is not None and node.GetClassName() in CLASSES and not node.GetHideFromEditors()


def firstVolume():
    """Return the first volume of the scene; None if there is none."""
    return next((node for node in slicer.util.getNodesByClass(CLASSES[0]) if isVolume(node)), None)
