"""4D label maps beside 4D images: cut frame by frame, verified, and put back; a 3D one is of every frame."""

from __future__ import annotations

import json

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.manifest import SCHEMA_PATH
from support.frames import PLACE, SHAPE, frames_phantom, save_frames
from support.phantoms import save_nifti

COUNT = 4


def labels_phantom() -> np.ndarray:
    """(i, j, k, frame): a cube that moves and changes its value with the frame."""
    labels = np.zeros((*SHAPE, COUNT), np.uint8)
    for n in range(COUNT):
        labels[n + 1 : n + 4, 2:5, 2 * n : 2 * n + 3, n] = n + 1
    return labels


@pytest.fixture
def files(tmp_path):
    image = save_frames(tmp_path / "bold.nii.gz", frames_phantom(COUNT))
    return image, save_frames(tmp_path / "masks.nii.gz", labels_phantom())


def exported(source, out, **options):
    result = se.export(source, out, **options)
    assert not result.failures, result.failures[0].error
    (report,) = se.verify(out)
    assert report.differences == ()
    return result.manifests[0]


def box_of(slab) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(slab.box.start, slab.box.stop, strict=True))


@pytest.mark.parametrize("frames", ["all", "2,0"])
def test_each_frame_gets_its_own_labels(tmp_path, files, frames):
    image, masks = files
    numbers = list(range(COUNT)) if frames == "all" else [2, 0]
    manifest = exported(image, tmp_path / "out", frames=frames, labels=masks, thickness=6)
    expected = labels_phantom()[..., numbers]
    for slab in manifest.slabs:
        found = nib.load(tmp_path / "out" / "bold" / slab.labels["labels"])
        np.testing.assert_array_equal(np.asarray(found.dataobj), expected[box_of(slab)])
        assert found.get_data_dtype() == np.uint8
        counted = {int(value): int(n) for value, n in slab.statistics["labels"]["labels"].items() if int(value)}
        values, counts = np.unique(expected[box_of(slab)], return_counts=True)
        assert counted == {int(v): int(n) for v, n in zip(values, counts, strict=True) if v}
    document = json.loads((tmp_path / "out" / "bold" / "manifest.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(document)
    assert document["label_sources"]["labels"]["frames"] == len(numbers)
    assert se.read_manifest(tmp_path / "out" / "bold").to_json() == document
    slab = se.SlabDataset(tmp_path / "out")[0]
    assert slab["label"].shape == slab["image"].shape == (len(numbers), *manifest.slabs[0].geometry.shape_ijk)
    back = se.stitch(tmp_path / "out" / "bold", tmp_path / "back.nii.gz", labels="labels")
    np.testing.assert_array_equal(np.asarray(nib.load(back.path).dataobj), expected)
    assert back.is_labels
    assert back.frames == tuple(numbers)


def test_a_change_in_the_labels_of_any_frame_is_found(tmp_path, files):
    image, masks = files
    manifest = exported(image, tmp_path / "out", frames="all", labels=masks, format="nii")
    path = tmp_path / "out" / "bold" / manifest.slabs[0].labels["labels"]
    slab = nib.load(path)
    voxels = np.asarray(slab.dataobj).copy()
    voxels[3, 3, 3, 2] ^= 5
    nib.save(nib.Nifti1Image(voxels, slab.affine, slab.header), path)
    (report,) = se.verify(tmp_path / "out")
    assert "has been changed since it was written" in str(report.differences[0])
    labels = labels_phantom()
    labels[..., 3] += 1
    save_frames(masks, labels)
    assert any("masks.nii.gz has been changed" in str(text) for text in se.verify(tmp_path / "out")[0].differences)


def test_one_frame_takes_the_labels_of_that_frame(tmp_path, files):
    image, masks = files
    manifest = exported(image, tmp_path / "out", frame=2, labels=masks)
    found = np.asarray(nib.load(tmp_path / "out" / "bold" / manifest.slabs[0].labels["labels"]).dataobj)
    np.testing.assert_array_equal(found, labels_phantom()[..., 2])
    assert manifest.label_sources["labels"].frame == 2
    assert manifest.label_sources["labels"].frames is None


def test_a_single_label_map_is_of_every_frame(tmp_path, files):
    mask = save_nifti(tmp_path / "mask.nii.gz", labels_phantom()[..., 1], PLACE)
    manifest = exported(files[0], tmp_path / "out", frames="all", labels=mask)
    assert nib.load(tmp_path / "out" / "bold" / manifest.slabs[0].labels["labels"]).shape == SHAPE
    assert manifest.label_sources["labels"].frames is None


def test_labels_are_oriented_and_resampled_with_the_image(tmp_path, files):
    image, masks = files
    manifest = exported(image, tmp_path / "out", frames="all", labels=masks, orient="RAS", block=(5, 5, 5))
    back = se.stitch(tmp_path / "out" / "bold", tmp_path / "back.nii.gz", labels="labels", grid="source")
    np.testing.assert_array_equal(np.asarray(nib.load(back.path).dataobj), labels_phantom())
    assert manifest.geometry.orientation == "RAS"
    turned = save_frames(tmp_path / "turned.nii.gz", labels_phantom()[:, ::-1], _reversed_j())
    manifest = exported(image, tmp_path / "turned", frames="all", labels=turned)
    found = np.asarray(nib.load(tmp_path / "turned" / "bold" / manifest.slabs[0].labels["labels"]).dataobj)
    np.testing.assert_array_equal(found, labels_phantom())
    spaced = exported(image, tmp_path / "spaced", frames="1:3", labels=masks, spacing=0.4)
    found = nib.load(tmp_path / "spaced" / "bold" / spaced.slabs[0].labels["labels"])
    assert sorted(np.unique(np.asarray(found.dataobj)[..., 0]).tolist()) == [0, 2]
    assert sorted(np.unique(np.asarray(found.dataobj)[..., 1]).tolist()) == [0, 3]


def _reversed_j() -> np.ndarray:
    place = PLACE.copy()
    place[:3, 3] += (SHAPE[1] - 1) * PLACE[:3, 1]
    place[:3, 1] *= -1
    return place


def test_labels_that_vanish_from_any_frame_are_named(tmp_path, files):
    labels = labels_phantom()
    labels[7, 7, 9, 2] = 9
    masks = save_frames(tmp_path / "points.nii.gz", labels)
    manifest = exported(files[0], tmp_path / "out", frames="all", labels=masks, spacing=4.5)
    (said,) = [text for text in manifest.warnings if "vanish" in text]
    files_of_labels = (tmp_path / "out" / "bold" / slab.labels["labels"] for slab in manifest.slabs)
    kept = set().union(*(np.unique(np.asarray(nib.load(path).dataobj)).tolist() for path in files_of_labels))
    assert {0, 1, 2, 3, 4, 9} - kept == {4, 9}
    assert said.startswith("Resampling loses labels of 'labels': the values 4, 9 vanish")


def test_what_is_labelled_in_any_frame_is_kept(tmp_path, files):
    image, masks = files
    manifest = exported(image, tmp_path / "out", frames="all", labels=masks, crop_to="labels", crop=True)
    assert manifest.slabs[0].box.start == (1, 2, 0)
    assert manifest.slabs[0].box.stop == (7, 5, 9)
    kept = exported(image, tmp_path / "kept", frames="all", labels=masks, axis="k", thickness=3, keep="labelled")
    assert [slab.index for slab in kept.slabs] == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "options", "sentence"),
    [
        (3, {"frames": "0:2"}, "holds 3 frames, .*bold.nii.gz 4: it must hold one for each frame of the image"),
        (3, {"frame": 1}, "holds 3 frames, .*bold.nii.gz 4: it must hold one for each frame of the image"),
        (COUNT, {"channels": "4d"}, "other.nii.gz is 4D"),
        (COUNT, {"frames": "all", "format": "dicom"}, "in DICOM each frame of the image is a series"),
    ],
)
def test_labels_that_are_not_of_these_frames_are_refused(tmp_path, files, count, options, sentence):
    masks = save_frames(tmp_path / "other.nii.gz", labels_phantom()[..., :count])
    with pytest.raises(se.SlabExporterError, match=sentence):
        raise se.export(files[0], tmp_path / "out", labels=masks, **options).failures[0].error


def test_the_dry_run_looks_at_4d_labels(tmp_path, files, run_cli):
    image, masks = files
    out = tmp_path / "out"
    assert run_cli("export", image, "-o", out, "--frames", "all", "--labels", masks, "--dry-run")[0] == 0
    assert run_cli("export", image, "-o", out, "--labels", masks, "--dry-run")[0] == 2
