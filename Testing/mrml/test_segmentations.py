"""Segmentations as label maps on the volume's grid."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.segmentations import segmentation_volume
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import held, load, node_count, node_geometry, put_under_transform, segmentation

SHAPE = (12, 10, 14)


def masks() -> dict[str, np.ndarray]:
    liver = np.zeros(SHAPE[::-1], bool)
    liver[2:9, 1:6, 3:8] = True
    spleen = np.zeros(SHAPE[::-1], bool)
    spleen[4:13, 6:9, 0:5] = True
    return {"liver": liver, "spleen": spleen}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("oblique", [0, 25])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_segments_keep_every_voxel_on_grids_of_any_orientation(scene, runtime, signs, oblique, shared):
    geometry = VolumeGeometry(SHAPE, affine(signs=signs, oblique=oblique))
    node = segmentation(scene, geometry, masks(), shared)
    volume = segmentation_volume(runtime, node, geometry)
    expected = masks()["liver"] + 2 * masks()["spleen"].astype(np.uint8)
    np.testing.assert_array_equal(volume.voxels_kji, expected)
    assert volume.voxels_kji.dtype == np.uint8
    assert volume.segments == ((1, "liver"), (2, "spleen"))
    assert volume.warnings == ()


def test_segments_keep_their_colours_as_a_file_of_them_does(tmp_path, scene, runtime, run_cli):
    pytest.importorskip("highdicom")
    (tmp_path / "in").mkdir()
    image = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), affine(oblique=12))
    volume = load(scene, image)
    drawn = segmentation(scene, node_geometry(volume), masks())
    for number, colour in enumerate([(0.5, 0.2, 0.1), (0.1, 0.9, 1.0)]):
        drawn.GetSegmentation().GetNthSegment(number).SetColor(*colour)
    found = segmentation_volume(runtime, drawn, node_geometry(volume))
    assert found.colours == ((1, (128, 51, 26)), (2, (26, 230, 255)))
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "case.seg.nrrd"))
    assert storage.WriteData(drawn)
    request = ExportRequest(slabs=SlabOptions(thickness=6), format="dicom")
    export_nodes(volume, tmp_path / "gui", request, drawn, case="case")
    options = ["--labels", tmp_path / "case.seg.nrrd", "--thickness", 6, "--format", "dicom", "--quiet"]
    assert run_cli("export", image, "-o", tmp_path / "cli", *options)[0] == 0
    written = [
        {path.name: path.read_bytes() for path in (tmp_path / route / "case" / "labels").iterdir()}
        for route in ("gui", "cli")
    ]
    assert written[0] == written[1]
    assert all(name.endswith(".dcm") for name in written[0])


def test_a_segmentation_drawn_on_what_slicer_shows_fits_the_files_order(scene, runtime):
    drawn = VolumeGeometry(SHAPE, affine(oblique=10))
    node = segmentation(scene, drawn, masks())
    volume = segmentation_volume(runtime, node, drawn.k_reversed())
    np.testing.assert_array_equal(volume.voxels_kji[::-1] == 1, masks()["liver"])


def test_where_segments_overlap_the_later_one_wins_and_a_sentence_says_so(scene, runtime):
    geometry = VolumeGeometry(SHAPE, affine())
    body = np.ones(SHAPE[::-1], bool)
    node = segmentation(scene, geometry, {"body": body, **masks()})
    volume = segmentation_volume(runtime, node, geometry)
    assert int((volume.voxels_kji == 2).sum()) == int(masks()["liver"].sum())
    assert "'body' and 'liver' overlap in 175 voxels, which go to 'liver'" in volume.warnings[0]
    assert len(volume.warnings) == 2


def test_values_of_an_imported_label_map_are_kept(scene, runtime):
    values = np.zeros(SHAPE, np.int16)
    values[1:4], values[6:9] = 5, 300
    labels = held(scene, values, affine(), "labels", "vtkMRMLLabelMapVolumeNode")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "imported")
    logic = runtime.classes.vtkSlicerSegmentationsModuleLogic
    assert logic.ImportLabelmapToSegmentationNode(labels, node, "")
    volume = segmentation_volume(runtime, node, node_geometry(labels))
    assert [value for value, _ in volume.segments] == [5, 300]
    assert volume.voxels_kji.dtype == np.uint16
    np.testing.assert_array_equal(volume.voxels_kji.T, values)


def test_a_segmentation_made_of_a_surface_is_converted_on_the_volumes_grid(scene, runtime):
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    logic = runtime.classes.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)  # registers the conversion, as Slicer's module does
    geometry = VolumeGeometry((40, 40, 40), np.diag([0.5, 0.5, 0.5, 1.0]))
    sphere = vtkSphereSource()
    sphere.SetCenter(10, 10, 10)
    sphere.SetRadius(6)
    sphere.SetThetaResolution(64)
    sphere.SetPhiResolution(64)
    sphere.Update()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surface")
    node.SetSourceRepresentationToClosedSurface()
    segment = runtime.classes.vtkSegment()
    segment.SetName("ball")
    segment.AddRepresentation("Closed surface", sphere.GetOutput())
    node.GetSegmentation().AddSegment(segment)
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")
    volume = segmentation_volume(runtime, node, geometry)
    assert float((volume.voxels_kji == 1).sum()) * 0.125 == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.05)
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")  # the user's node is untouched


def test_a_segmentation_is_exported_with_names_and_values_in_the_manifest(tmp_path, scene):
    (tmp_path / "in").mkdir()
    path = save_nifti(tmp_path / "in" / "ct.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))
    volume = load(scene, path)
    node = segmentation(scene, node_geometry(volume), masks())
    count = node_count(scene)
    request = ExportRequest(slabs=SlabOptions(thickness=5))
    export_nodes(volume, tmp_path / "out", request, {"organs": node})
    assert node_count(scene) == count
    manifest = json.loads((tmp_path / "out" / "ct" / "manifest.json").read_text())
    record = manifest["label_sources"]["organs"]
    grey = [128, 128, 128]  # of a segment to which nobody has given a colour
    named = [{"value": 1, "name": "liver", "rgb": grey}, {"value": 2, "name": "spleen", "rgb": grey}]
    assert record["segments"] == named
    assert record["node"] == "Segmentation"
    parts = [nib.load(tmp_path / "out" / "ct" / s["labels"]["organs"]) for s in manifest["slabs"]]
    whole = np.concatenate([np.asanyarray(p.dataobj) for p in parts], axis=2)
    np.testing.assert_array_equal(whole.T[::-1] == 1, masks()["liver"])
    np.testing.assert_array_equal(whole.T[::-1] == 2, masks()["spleen"])


def test_a_segment_outside_the_volume_and_an_empty_one_are_no_obstacle(scene, runtime):
    geometry = VolumeGeometry(SHAPE, affine())
    node = segmentation(scene, geometry, masks())
    far = VolumeGeometry((4, 4, 4), affine(origin=(900, 900, 900)))
    away = segmentation(scene, far, {"away": np.ones((4, 4, 4), bool)})
    assert int(segmentation_volume(runtime, away, geometry).voxels_kji.max()) == 0
    node.GetSegmentation().AddEmptySegment("empty", "empty")
    volume = segmentation_volume(runtime, node, geometry)
    assert [name for _, name in volume.segments] == ["liver", "spleen", "empty"]
    np.testing.assert_array_equal(volume.voxels_kji == 1, masks()["liver"])


def test_an_empty_segmentation_and_one_under_a_transform_are_refused(scene, runtime):
    geometry = VolumeGeometry(SHAPE, affine())
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nothing")
    with pytest.raises(InputError, match="'nothing' holds no segment"):
        segmentation_volume(runtime, empty, geometry)
    node = segmentation(scene, geometry, masks())
    put_under_transform(scene, node)
    with pytest.raises(InputError, match="Harden transform"):
        segmentation_volume(runtime, node, geometry)
