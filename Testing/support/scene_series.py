"""DICOM series as volumes of a scene, and as much of Slicer's DICOM database as the library asks for."""

from __future__ import annotations

from pathlib import Path

import pydicom
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import series_of_instances
from slab_exporter.dicom.reading.stacking import make_stack

from .scenes import held


class Database:
    """Stands in for ``ctkDICOMDatabase``: the images below a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = {}
        self._series: dict[str, list[str]] = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            self.files[header.SOPInstanceUID] = str(path)
            self._series.setdefault(header.SeriesInstanceUID, []).append(header.SOPInstanceUID)

    def fileForInstance(self, uid: str) -> str:  # noqa: N802
        return self.files.get(uid, "")

    def instancesForSeries(self, uid: str) -> tuple[str, ...]:  # noqa: N802
        return tuple(self._series.get(uid, ()))


def loaded(scene, folder: Path, name: str = "CT", count: int | None = None):
    """The images of a folder, or the first of them, as Slicer loads them: stacked as if they were regular."""
    from slab_exporter.core.options import SeriesOptions

    series = series_of_instances(sorted(folder.iterdir())[:count])
    if series.verdict.kind.value == "regular volume":
        volume = load_series(series, SeriesOptions())
        array, geometry = volume.voxels_kji, volume.geometry
        slices = volume.dicom.planes
    else:
        from slab_exporter.dicom.reading.load import stacked

        stack, array = stacked(series)
        geometry, slices = make_stack(series.slices).geometry, stack.slices
    node = held(scene, array.T, geometry.affine_ras, name)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(plane.sop_uid for plane in slices))
    return node


def loaded_frames(scene, volumes: list[list[Path]], name: str = "perfusion"):
    """The node that shows frame 1 of a sequence, as Slicer loads one from DICOM: a node of each volume's images."""
    from slab_exporter.core.options import SeriesOptions

    from .sequences import browsed

    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    for number, files in enumerate(volumes):
        volume = load_series(series_of_instances(files), SeriesOptions())
        node = held(scene, volume.voxels_kji.T, volume.geometry.affine_ras, name)
        node.SetAttribute("DICOM.instanceUIDs", " ".join(plane.sop_uid for plane in volume.dicom.planes))
        sequence.SetDataNodeAtValue(node, str(number))
        scene.RemoveNode(node)
    return browsed(scene, sequence)[1]
