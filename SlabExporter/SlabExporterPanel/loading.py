"""Files as nodes of Slicer's scene."""

import slicer


def loadFile(path, name, dtype, show=False, labelmap=False):
    """Return a node of a volume file with one number per voxel.

    :param path: of the file.
    :param name: for the node.
    :param dtype: of its voxels, by numpy's name; None where it is not known.
    :param show: in the slice views.
    :param labelmap: make it a label map.
    """
    from .wide import is_wide

    if is_wide(dtype):  # Slicer ends at once on a left-handed file of such numbers
        return readNode(path, name, "vtkMRMLLabelMapVolumeNode" if labelmap else "vtkMRMLScalarVolumeNode")
    properties = {"name": name, "singleFile": True, "show": show, "labelmap": labelmap}
    return slicer.util.loadVolume(str(path), properties)


def readNode(path, name, kind, number=None):
    """Return a node of a file, with k in the order in which Slicer loads files, without Slicer's own reader.

    :param path: of the file.
    :param name: for the node.
    :param kind: class of the node.
    :param number: which of the numbers per voxel, from 0; None for the only one.
    """
    from slab_exporter.mrml.nodes import as_slicer_loads, matrix_from_array
    from slab_exporter.mrml.runtime import open_runtime
    from slab_exporter.volumes.choice import FileVolume
    from slab_exporter.volumes.reading import open_volume

    from .wide import narrowed

    with open_runtime() as runtime:
        stored = open_volume(runtime, FileVolume(path, frame=number))
        voxels, geometry = as_slicer_loads(narrowed(stored.voxels_kji), stored.geometry)
        node = slicer.util.addVolumeFromArray(voxels, nodeClassName=kind, name=name)
        node.SetIJKToRASMatrix(matrix_from_array(geometry.affine_ras))
    return node
