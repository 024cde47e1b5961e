"""Predictions as programs write them: channels first, last and fifth, vector images, nnU-Net's .npz, .npy, one-hot."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.core.errors import InputError
from slab_exporter.core.text import command_words, in_words
from slab_exporter.stitch.channel_axes import channels_first
from slab_exporter.stitch.predictions import Predictions
from slab_exporter.stitch.stitching import StitchRequest, stitch_case
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (7, 9, 10)
MATRIX = affine((1, 0, 2), (-1, 1, 1), oblique=12.0)


@pytest.fixture
def manifest(run_cli, tmp_path) -> Path:
    save_nifti(tmp_path / "case.nii.gz", index_phantom(SHAPE), MATRIX)
    assert run_cli("export", tmp_path / "case.nii.gz", "-o", tmp_path / "out", "--axis", "k", "--thickness", 4)[0] == 0
    return tmp_path / "out" / "case" / "manifest.json"


def truth() -> np.ndarray:
    """Two channels (i, j, k, channel)."""
    first = np.random.default_rng(7).random(SHAPE).astype(np.float32)
    return np.stack([first, 1 - first], axis=-1)


def write_all(manifest: Path, write, values=None, suffix: str = ".nii.gz") -> Path:
    """One prediction for each slab, by ``write(path, channels last, affine)``."""
    values = truth() if values is None else values
    folder = manifest.parents[2] / "predictions"
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, SHAPE[2], 4)):
        place = MATRIX @ nib.affines.from_matvec(np.eye(3), (0, 0, start))
        write(folder / f"case_slab-{number:03d}{suffix}", values[:, :, start : start + 4], place)
    return folder


def nifti(path: Path, array: np.ndarray, matrix: np.ndarray, intent: int = 0) -> None:
    image = nib.Nifti1Image(array, matrix)
    image.header["intent_code"] = intent
    nib.save(image, path)


def vector_image(path: Path, array: np.ndarray, matrix: np.ndarray) -> None:
    """A vector image by SimpleITK: a list in NRRD, a fifth axis in NIfTI."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(np.transpose(array, (2, 1, 0, 3))), isVector=True)
    lps = np.diag([-1.0, -1, 1, 1]) @ matrix
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))


KINDS = {
    "channels last": (nifti, ".nii.gz"),
    "channels first": (lambda path, array, matrix: nifti(path, np.moveaxis(array, -1, 0), matrix), ".nii.gz"),
    "fifth axis": (lambda path, array, matrix: nifti(path, array[:, :, :, None], matrix, 1007), ".nii.gz"),
    "vectors of ITK, NIfTI": (vector_image, ".nii.gz"),
    "vectors of ITK, NRRD": (vector_image, ".nrrd"),
    "vectors of ITK, MetaImage": (vector_image, ".mha"),
}


@pytest.mark.parametrize("name", KINDS)
def test_two_channels_come_back_from_every_layout(tmp_path, manifest, name):
    write, suffix = KINDS[name]
    folder = write_all(manifest, write, suffix=suffix)
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    back = nib.load(result.path)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), truth())
    np.testing.assert_allclose(back.affine, MATRIX, rtol=0, atol=1e-4)
    assert result.channels == 2
    assert not result.warnings


def test_torchio_writes_what_is_stitched(tmp_path, manifest):
    torch, torchio = pytest.importorskip("torch"), pytest.importorskip("torchio")

    def write(path, array, matrix):
        tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 0)))
        torchio.ScalarImage(tensor=tensor, affine=matrix).save(path)

    folder = write_all(manifest, write)
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), truth(), rtol=0, atol=1e-7)


def probabilities(path: Path, array: np.ndarray, _matrix: np.ndarray) -> None:
    np.savez_compressed(path, probabilities=np.transpose(array, (3, 2, 1, 0)))


def test_the_probabilities_of_nnunet_are_channels_z_y_x(tmp_path, manifest):
    folder = write_all(manifest, probabilities, suffix=".npz")
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), truth())
    assert "axes are taken for channels, z, y, x" in result.warnings[0]
    # as nnU-Net leaves them: with segmentations beside them, which state the geometry
    labels = (truth()[..., 1] > 0.5).astype(np.uint8)
    write_all(manifest, nifti, labels)
    result = stitch_case(manifest, tmp_path / "labels.nii.gz", StitchRequest(), Predictions(folder))
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), labels)
    chosen = Predictions(folder / "*.npz")
    result = stitch_case(manifest, tmp_path / "both.nii.gz", StitchRequest(), chosen)
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), truth())
    assert not result.warnings


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 1, 0, 3), (3, 0, 1, 2), (3, 2, 1, 0)])
def test_arrays_without_geometry_need_their_names_to_be_trusted(tmp_path, manifest, order):
    folder = write_all(manifest, lambda path, array, _: np.save(path, np.transpose(array, order)), suffix=".npy")
    with pytest.raises(InputError) as caught:
        stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    assert "add --trust-names" in in_words(caught.value.sentence, command_words)
    request = StitchRequest(trust_names=True)
    result = stitch_case(manifest, tmp_path / "back.nii.gz", request, Predictions(folder))
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), truth())
    assert "state no geometry" in result.warnings[0]


def test_nothing_is_unpickled(tmp_path, manifest):
    folder = write_all(
        manifest, lambda path, array, _: np.save(path, np.array([array], object), allow_pickle=True), suffix=".npy"
    )
    with pytest.raises(InputError, match="holds Python objects"):
        stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(trust_names=True), Predictions(folder))
    assert not (tmp_path / "back.nii.gz").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04nothing", "is damaged"),
        (b"nothing at all", "is not a file of numpy arrays"),
        ({"logits": np.zeros((2, 4, 9, 7))}, "holds logits; of .npz files the array 'probabilities'"),
        ({"probabilities": np.array([None], object)}, "holds Python objects"),
        ({"probabilities": np.zeros((4, 9, 7))}, "not \\(channels, z, y, x\\)"),
    ],
)
def test_an_npz_that_is_not_nnunets_is_refused(tmp_path, manifest, content, told):
    folder = write_all(manifest, probabilities, suffix=".npz")
    path = folder / "case_slab-001.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(InputError, match=told):
        stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))


def test_a_one_hot_prediction_stays_one_hot(tmp_path, manifest):
    labels = (index_phantom(SHAPE) % 3).astype(np.uint8)
    one_hot = np.stack([labels == value for value in range(3)], axis=-1).astype(np.uint8)
    folder = write_all(manifest, KINDS["channels first"][0], one_hot)
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), one_hot)


def test_whole_numbers_of_mixed_types_are_joined(tmp_path, manifest):
    labels = (index_phantom(SHAPE) % 300).astype(np.int32)
    types = iter((np.uint8, np.int16, np.uint16))
    labels[:, :, :4] %= 200
    folder = write_all(manifest, lambda path, array, matrix: nifti(path, array.astype(next(types)), matrix), labels)
    result = stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))
    assert result.dtype == "int32"
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), labels)


def test_a_shape_that_fits_nothing_is_named_as_it_is(tmp_path, manifest):
    folder = write_all(manifest, lambda path, array, matrix: nifti(path, np.moveaxis(array, -1, 1), matrix))
    with pytest.raises(InputError, match=r"has \(7, 2, 9, 4\) voxels, its slab .* has \(7, 9, 4\)"):
        stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest(), Predictions(folder))


def test_axes_that_cannot_be_told_by_the_shape_are_said():
    with pytest.raises(InputError, match="fits several orders of axes"):
        channels_first(np.zeros((5, 6, 5)), (5, 6, 5), "a.npy")
    with pytest.raises(InputError, match=r"has the shape \(5, 7, 4\)"):
        channels_first(np.zeros((5, 7, 4)), (5, 6, 4), "a.npy")
