"""Blocks against TorchIO and MONAI: the same boxes, the same values, the same weights."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from scipy import signal
from slab_exporter.core.geometry import Box
from slab_exporter.stitch.blending import Stitcher
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (24, 21, 18)
BLOCK, OVERLAP = (10, 8, 9), (4, 2, 0)


@pytest.fixture
def exported(tmp_path):
    """(source, manifest) of blocks that are shifted back at the end, as both peers do.

    The phantom is RAS: where an axis runs against the patient our numbering, and so the block that
    is shifted, begins at its other end.
    """
    path = save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE, "float32"), affine(oblique=10))
    manifest = se.export(path, tmp_path / "out", block=BLOCK, overlap=OVERLAP, remainder="shift").manifests[0]
    return path, manifest


def test_torchio_samples_the_same_patches_with_the_same_values(exported, tmp_path):
    tio = pytest.importorskip("torchio", reason="TorchIO is not installed (pip install slab-exporter[peers])")
    path, manifest = exported
    sampler = tio.GridSampler(tio.Subject(image=tio.ScalarImage(path)), BLOCK, OVERLAP)
    theirs = {tuple(patch[tio.LOCATION].tolist()): patch["image"] for patch in sampler}
    assert sorted(theirs) == sorted((*block.box.start, *block.box.stop) for block in manifest.slabs)
    for item in se.SlabDataset(tmp_path / "out"):
        patch = theirs[(*item["ijk_start"].tolist(), *item["ijk_stop"].tolist())]
        np.testing.assert_array_equal(item["image"], patch.data.numpy())
        np.testing.assert_allclose(item["affine"], patch.affine, rtol=0, atol=1e-4)


def test_torchio_tiles_without_a_remainder_alike(tmp_path):
    tio = pytest.importorskip("torchio", reason="TorchIO is not installed (pip install slab-exporter[peers])")
    path = save_nifti(tmp_path / "ct.nii.gz", index_phantom((20, 16, 18)), affine())
    manifest = se.export(path, tmp_path / "out", block=(5, 4, 6), remainder="keep").manifests[0]
    sampler = tio.GridSampler(tio.Subject(image=tio.ScalarImage(path)), (5, 4, 6), 0)
    theirs = sorted(tuple(patch[tio.LOCATION].tolist()) for patch in sampler)
    assert theirs == sorted((*block.box.start, *block.box.stop) for block in manifest.slabs)


def test_monai_slides_over_the_same_blocks(exported):
    utils = pytest.importorskip("monai.data.utils", reason="MONAI is not installed (pip install slab-exporter[peers])")
    _, manifest = exported
    step = tuple(size - shared for size, shared in zip(BLOCK, OVERLAP, strict=True))
    slices = utils.dense_patch_slices(SHAPE, BLOCK, step)
    theirs = {tuple((s.start, s.stop) for s in one) for one in slices}
    assert theirs == {tuple(zip(block.box.start, block.box.stop, strict=True)) for block in manifest.slabs}


def test_monai_weighs_a_block_alike():
    """Up to a factor, which cancels out, and MONAI's lower limit, which keeps weights above zero."""
    utils = pytest.importorskip("monai.data.utils", reason="MONAI is not installed (pip install slab-exporter[peers])")
    box = Box((0, 0, 0), BLOCK)
    stitcher = Stitcher(Box((0, 0, 0), SHAPE), [box, Box((6, 6, 9), (16, 14, 18))], "gaussian", np.dtype("f8"))
    ours = np.broadcast_to(stitcher._weight(box, box), BLOCK[::-1]).T
    theirs = utils.compute_importance_map(BLOCK, mode="gaussian", sigma_scale=0.125).numpy()
    above = theirs > theirs.min() * 1.01
    np.testing.assert_allclose(ours[above] / ours.max(), theirs[above] / theirs.max(), rtol=1e-4)


def test_torchios_aggregator_averages_blocks_alike(exported, tmp_path):
    tio = pytest.importorskip("torchio", reason="TorchIO is not installed (pip install slab-exporter[peers])")
    torch = pytest.importorskip("torch")
    path, manifest = exported
    sampler = tio.GridSampler(tio.Subject(image=tio.ScalarImage(path)), BLOCK, OVERLAP)
    aggregator = tio.GridAggregator(sampler, overlap_mode="average")
    numbers = {block.box.start: block.index for block in manifest.slabs}
    rng = np.random.default_rng(0)
    (tmp_path / "predictions").mkdir()
    for patch in sampler:
        location = patch[tio.LOCATION]
        prediction = rng.random((2, *BLOCK)).astype(np.float32)
        aggregator.add_batch(torch.from_numpy(prediction)[None], location[None])
        name = f"ct_block-{numbers[tuple(location[:3].tolist())]:04}.nii.gz"
        nib.save(nib.Nifti1Image(np.moveaxis(prediction, 0, -1), np.eye(4)), tmp_path / "predictions" / name)
    result = se.stitch(
        tmp_path / "out" / "ct", tmp_path / "back.nii",
        predictions=tmp_path / "predictions", blend="mean", trust_names=True,
    )  # fmt: skip
    expected = np.moveaxis(aggregator.get_output_tensor().numpy(), 0, -1)
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), expected, atol=1e-6, rtol=0)


def test_a_gaussian_joins_blocks_as_monais_sliding_window_does(tmp_path):
    """Predictions that differ from block to block, put together by both."""
    inferers = pytest.importorskip("monai.inferers", reason="MONAI is not installed (pip install slab-exporter[peers])")
    torch = pytest.importorskip("torch")
    size, shape = (8, 8, 8), (20, 14, 8)
    volume = index_phantom(shape, "float32")
    path = save_nifti(tmp_path / "ct.nii.gz", volume, affine())
    manifest = se.export(path, tmp_path / "out", block=size, overlap=4, remainder="shift").manifests[0]

    def predict(block):
        """A value of its own for each block: its first voxel, and a ramp over it."""
        first = block[..., :1, :1, :1]
        return (torch.sin(first) + torch.linspace(0, 1, block.shape[-1])).expand(block.shape).clone()

    # MONAI's own map has a floor of a thousandth; without one it is scipy's Gaussian along each axis
    along = signal.windows.gaussian(8, std=0.125 * 8)
    weights = torch.from_numpy(np.einsum("i,j,k", along, along, along).astype(np.float32))
    theirs = inferers.sliding_window_inference(
        torch.from_numpy(volume)[None, None], size, 4, predict, overlap=0.5, roi_weight_map=weights
    )
    (tmp_path / "predictions").mkdir()
    for item in se.SlabDataset(tmp_path / "out"):
        predicted = predict(torch.from_numpy(item["image"].copy())[None])[0, 0].numpy().astype(np.float32)
        nib.save(
            nib.Nifti1Image(predicted, item["affine"]), tmp_path / "predictions" / f"ct_block-{item['index']:04}.nii.gz"
        )
    result = se.stitch(
        tmp_path / "out" / "ct", tmp_path / "back.nii", predictions=tmp_path / "predictions", blend="gaussian"
    )
    assert result.slabs == len(manifest.slabs) == 4 * 3 * 1
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), theirs[0, 0].numpy(), atol=1e-5)
