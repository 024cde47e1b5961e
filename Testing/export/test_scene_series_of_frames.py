"""Sequences that Slicer loaded from its DICOM database: the command line's bytes, and what is left of changed ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import slab_exporter as se
from pydicom.uid import generate_uid
from slab_exporter.core.options import ExportRequest, SeriesOptions, SlabOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import series_of_instances
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.nodes import node_geometry, voxels_kji
from slab_exporter.mrml.sequences import held_frames
from support.dicom_phantoms import voxels, write_series
from support.scene_series import Database, loaded_frames
from support.scenes import held
from support.sequences import browsed, multi_volume

COUNT = 3


@pytest.fixture
def series(tmp_path) -> Path:
    """A series of three volumes, with a patient."""
    for number in range(COUNT):
        write_series(
            tmp_path / "in" / "dce" / str(number), voxels() + np.int16(number), SeriesInstanceUID="1.2.3",
            SOPInstanceUID=lambda _: generate_uid(), TemporalPositionIdentifier=number + 1,
            AcquisitionNumber=number + 1, Exposure=lambda n, number=number: 100 * number + n,
        )  # fmt: skip
    return tmp_path / "in" / "dce"


def volumes_of(series: Path) -> list[list[Path]]:
    return [sorted((series / str(number)).iterdir()) for number in range(COUNT)]


def request_for(format: str = "nii.gz", frames: str | None = "all", frame: int | None = None) -> ExportRequest:
    return ExportRequest(slabs=SlabOptions(thickness=3), format=format, frames=frames, frame=frame)


def files_of(folder: Path) -> dict[str, bytes]:
    found = (*folder.rglob("*.dcm"), *folder.rglob("*.nii.gz"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


@pytest.mark.parametrize("format", ["nii.gz", "dicom"])
@pytest.mark.parametrize(("frames", "frame"), [("all", None), ("2,0", None), (None, 2)])
def test_a_loaded_sequence_gives_the_bytes_of_its_series(tmp_path, scene, series, format, frames, frame):
    node = loaded_frames(scene, volumes_of(series))
    request = request_for(format, frames, frame)
    manifest = export_nodes(node, tmp_path / "node", request, case="dce", database=Database(series))
    assert not [text for text in manifest.warnings if "Slicer" in text]
    (tmp_path / "list.csv").write_text(f"case,image\ndce,{series}\n")
    result = se.export(tmp_path / "list.csv", tmp_path / "file", frames=frames, frame=frame, thickness=3, format=format)
    assert not result.failures, result.failures[0].error
    assert files_of(tmp_path / "node") == files_of(tmp_path / "file")
    assert manifest.source.to_json() == result.manifests[0].source.to_json()
    assert se.verify(tmp_path / "node")[0].differences == ()


def test_a_loaded_multi_volume_gives_the_bytes_of_its_series(tmp_path, scene, series):
    parts = [load_series(series_of_instances(files), SeriesOptions()) for files in volumes_of(series)]
    node = multi_volume(scene, [part.voxels_kji.T for part in parts], parts[0].geometry.affine_ras)
    uids = [plane.sop_uid for part in parts for plane in part.dicom.planes]
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    manifest = export_nodes(node, tmp_path / "node", request_for("dicom"), case="dce", database=Database(series))
    (tmp_path / "list.csv").write_text(f"case,image\ndce,{series}\n")
    se.export(tmp_path / "list.csv", tmp_path / "file", frames="all", thickness=3, format="dicom")
    assert files_of(tmp_path / "node") == files_of(tmp_path / "file")
    assert manifest.channel_names == ("frame-000", "frame-001", "frame-002")


def test_frames_go_by_what_they_hold_where_slicer_orders_them_otherwise(tmp_path, scene, series):
    node = loaded_frames(scene, volumes_of(series)[::-1])
    manifest = export_nodes(node, tmp_path / "out", request_for(frames="0:2"), case="dce", database=Database(series))
    assert manifest.frames.numbers == (2, 1)
    image = se.SlabDataset(tmp_path / "out")[0]["image"]
    np.testing.assert_array_equal(image[0], image[1] + 1)


def test_labels_go_by_the_scenes_order_where_the_series_has_another(tmp_path, scene, series):
    node = loaded_frames(scene, volumes_of(series)[::-1])
    place, labels = node_geometry(node), scene.AddNewNodeByClass("vtkMRMLSequenceNode", "labels")
    for number in range(COUNT):
        array = np.full(place.shape_ijk, number + 1, np.uint8)
        one = held(scene, array, place.affine_ras, "labels", "vtkMRMLLabelMapVolumeNode")
        labels.SetDataNodeAtValue(one, str(number))
        scene.RemoveNode(one)
    asked = (browsed(scene, labels)[1], None, "dce")
    for frames, frame, expected in (("0:2", None, [1, 2]), ("2,0", None, [3, 1]), (None, 2, [3])):
        request = request_for(frames=frames, frame=frame)
        export_nodes(node, tmp_path / f"{frame}", request, *asked, replace=True, database=Database(series))
        found = np.asarray(se.SlabDataset(tmp_path / f"{frame}")[0]["label"])
        assert [int(value) for value in np.unique(found)] == sorted(expected)
        assert [int(one.max()) for one in found.reshape(len(expected), -1)] == expected


def test_a_changed_frame_keeps_the_patient_and_claims_no_image(tmp_path, scene, series):
    node = loaded_frames(scene, volumes_of(series))
    voxels_kji(held_frames(node).node(2))[0, 0, 0] += 500
    manifest = export_nodes(node, tmp_path / "out", request_for("dicom"), case="dce", database=Database(series))
    assert manifest.source.path is None
    assert any("was changed in Slicer since it was loaded from DICOM" in text for text in manifest.warnings)
    before = pydicom.dcmread(volumes_of(series)[0][0])
    for path in (tmp_path / "out").rglob("*.dcm"):
        header = pydicom.dcmread(path)
        assert (header.PatientID, header.StudyInstanceUID) == (before.PatientID, before.StudyInstanceUID)
        assert "SourceImageSequence" not in header


def test_images_that_are_gone_are_told(tmp_path, scene, series):
    node = loaded_frames(scene, volumes_of(series))
    database = Database(series)
    volumes_of(series)[1][0].unlink()
    manifest = export_nodes(node, tmp_path / "out", request_for(), case="dce", database=database)
    assert any(
        "1 of its" in text and "is not where Slicer's DICOM database had them" in text for text in manifest.warnings
    )


def test_a_part_of_a_series_keeps_what_each_image_says(tmp_path, scene, series):
    node = loaded_frames(scene, volumes_of(series)[:2])
    manifest = export_nodes(node, tmp_path / "out", request_for("dicom"), case="dce", database=Database(series))
    assert any("of a DICOM series that has more" in text for text in manifest.warnings)
    exposures = sorted(pydicom.dcmread(path).Exposure for path in (tmp_path / "out").rglob("*.dcm"))
    planes = len(volumes_of(series)[0])
    assert exposures == [*range(planes), *range(100, 100 + planes)]
