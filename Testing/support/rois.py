"""ROI files, as Slicer's Markups module writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_roi(runtime, path: Path, affine_ras: np.ndarray, start, stop) -> Path:
    """A markups file whose ROI lies around the voxels from ``start`` to before ``stop``."""
    from slab_exporter.core.geometry import Box, VolumeGeometry
    from slab_exporter.mrml.nodes import temporary_nodes
    from slab_exporter.mrml.roi import place_roi

    with temporary_nodes(runtime.scene) as nodes:
        roi = runtime.scene.AddNode(runtime.classes.vtkMRMLMarkupsROINode())
        storage = runtime.scene.AddNode(runtime.classes.vtkMRMLMarkupsROIJsonStorageNode())
        nodes += [roi, storage]
        place_roi(roi, VolumeGeometry((64, 64, 64), affine_ras), Box(start, stop))
        storage.SetFileName(str(path))
        assert storage.WriteData(roi)
    return path
