"""Label maps and segmentations that are sequences beside the image's: each frame gets its own."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.runtime import slicer_classes
from support.frames import PLACE, SHAPE, frames_phantom
from support.scenes import held, node_geometry, segmentation
from support.sequences import TIMES, browsed, load_sequence, save_sequence, sequence_of

COUNT = 3
LABELS = "vtkMRMLLabelMapVolumeNode"
ONE_SLAB = SlabOptions(thickness=64)


def labels_of(n: int) -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[n : n + 3, 1:4, 2:6] = n + 1
    return labels


@pytest.fixture
def image(scene):
    arrays = [np.ascontiguousarray(frames_phantom(COUNT)[..., n]) for n in range(COUNT)]
    return browsed(scene, sequence_of(scene, arrays, PLACE))[1]


def label_sequence(scene, values=TIMES[:COUNT], order=range(COUNT)):
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "masks")
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("s")
    for n, value in zip(order, values, strict=True):
        node = held(scene, labels_of(n), PLACE, "masks", LABELS)
        sequence.SetDataNodeAtValue(node, value)
        scene.RemoveNode(node)
    return sequence


def slab_of(folder, manifest, name=None) -> np.ndarray:
    slab = manifest.slabs[0]
    return np.asarray(nib.load(folder / manifest.case / (slab.labels[name] if name else slab.image)).dataobj)


@pytest.mark.parametrize("frames", ["all", "2,0"])
def test_a_label_sequence_is_cut_with_the_image(tmp_path, scene, image, frames):
    numbers = range(COUNT) if frames == "all" else (2, 0)
    masks = browsed(scene, label_sequence(scene))[1]
    manifest = export_nodes(image, tmp_path / "out", ExportRequest(slabs=ONE_SLAB, frames=frames), masks)
    expected = np.stack([labels_of(n) for n in numbers], axis=-1)
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), expected)
    (report,) = se.verify(tmp_path / "out")
    assert report.differences == ()


def test_one_frame_gets_the_labels_of_its_time(tmp_path, scene, image):
    masks = browsed(scene, label_sequence(scene))[1]
    manifest = export_nodes(image, tmp_path / "out", ExportRequest(slabs=ONE_SLAB, frame=2), masks)
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), labels_of(2))
    shown = export_nodes(image, tmp_path / "shown", ExportRequest(slabs=ONE_SLAB), masks)
    np.testing.assert_array_equal(slab_of(tmp_path / "shown", shown, "labels"), labels_of(1))


def test_labels_go_by_the_value_of_the_index_and_not_by_their_number(tmp_path, scene, image):
    masks = browsed(scene, label_sequence(scene, ("0", *TIMES[:COUNT]), (0, 0, 1, 2)))[1]
    manifest = export_nodes(image, tmp_path / "out", ExportRequest(slabs=ONE_SLAB, frames="1:3"), masks)
    expected = np.stack([labels_of(n) for n in (1, 2)], axis=-1)
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), expected)
    gap = browsed(scene, label_sequence(scene, ("0.75", "5.75", "9"), (0, 1, 2)))[1]
    with pytest.raises(InputError, match=r"'masks' has no labels for frame 1 of 'bold' \(time 3.25 s\)"):
        export_nodes(image, tmp_path / "gap", ExportRequest(slabs=ONE_SLAB, frames="all"), gap)


@pytest.fixture
def copies_segmentations():
    """Slicer's Segmentations module knows the classes of representations, without which no segmentation is copied."""
    classes = slicer_classes()
    classes.vtkSegmentationConverterFactory.GetInstance().RegisterConverterRule(
        classes.vtkBinaryLabelmapToClosedSurfaceConversionRule()
    )


@pytest.mark.usefixtures("copies_segmentations")
def test_segmentations_of_a_sequence_become_frames_with_their_names(tmp_path, scene, image):
    sequence, geometry = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "organs"), node_geometry(image)
    for n in range(COUNT):
        masks = {"heart": (labels_of(n) > 0).T, "lung": (labels_of(n + 3) > 0).T}
        node = segmentation(scene, geometry, masks, shared=True)
        sequence.SetDataNodeAtValue(node, TIMES[n])
        scene.RemoveNode(node)
    proxy = browsed(scene, sequence)[1]
    request = ExportRequest(slabs=ONE_SLAB, frames="all")
    manifest = export_nodes(image, tmp_path / "out", request, proxy)
    expected = [np.where(labels_of(n + 3) > 0, 2, labels_of(n) > 0) for n in range(COUNT)]
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), np.stack(expected, axis=-1))
    assert manifest.label_sources["labels"].segments == ((1, "heart"), (2, "lung"))
    other = segmentation(scene, geometry, {"heart": (labels_of(0) > 0).T})
    sequence.SetDataNodeAtValue(other, TIMES[1])
    with pytest.raises(InputError, match="at items 0 and 1 do not have the same segments"):
        export_nodes(image, tmp_path / "other", request, proxy)


def test_a_saved_label_sequence_gives_the_bytes_of_its_file(tmp_path, scene):
    (tmp_path / "in").mkdir()
    arrays = [np.ascontiguousarray(frames_phantom(COUNT)[..., n]) for n in range(COUNT)]
    images = save_sequence(scene, sequence_of(scene, arrays, PLACE), tmp_path / "in" / "bold.seq.nrrd")
    masks = save_sequence(scene, label_sequence(scene), tmp_path / "in" / "masks.seq.nrrd")
    proxies = [browsed(scene, load_sequence(scene, path))[1] for path in (images, masks)]
    se.export(images, tmp_path / "file", frames="all", labels=masks, thickness=6)
    request = ExportRequest(slabs=SlabOptions(thickness=6), frames="all")
    export_nodes(proxies[0], tmp_path / "node", request, proxies[1], case="bold.seq")
    ours, theirs = ({p.name: p.read_bytes() for p in (tmp_path / f).rglob("*.nii.gz")} for f in ("node", "file"))
    assert ours == theirs
    assert len(ours) == 2


def test_a_saved_label_sequence_with_other_numbers_is_verified_by_its_own(tmp_path, scene, image):
    path = save_sequence(scene, label_sequence(scene, ("0", *TIMES[:COUNT]), (0, 0, 1, 2)), tmp_path / "masks.seq.nrrd")
    masks = browsed(scene, load_sequence(scene, path))[1]
    manifest = export_nodes(image, tmp_path / "out", ExportRequest(slabs=ONE_SLAB, frames="2,1"), masks)
    record = json.loads((tmp_path / "out" / "bold" / "manifest.json").read_text())["label_sources"]["labels"]
    assert (record["path"], record["frames"], record["frame_numbers"]) == ("../../masks.seq.nrrd", 2, [3, 2])
    expected = np.stack([labels_of(n) for n in (2, 1)], axis=-1)
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), expected)
    (report,) = se.verify(tmp_path / "out")
    assert report.differences == ()


def test_a_label_map_that_is_no_sequence_is_of_every_frame(tmp_path, scene, image):
    mask = held(scene, labels_of(0), PLACE, "mask", LABELS)
    manifest = export_nodes(image, tmp_path / "out", ExportRequest(slabs=ONE_SLAB, frames="all"), mask)
    np.testing.assert_array_equal(slab_of(tmp_path / "out", manifest, "labels"), labels_of(0))
    assert slab_of(tmp_path / "out", manifest).shape == (*SHAPE, COUNT)
