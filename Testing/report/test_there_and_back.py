"""A U-Net learns on blocks of two channels, made ready, and its predictions come back onto the sources' grids."""

from __future__ import annotations

from itertools import cycle, islice

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from support.phantoms import affine, save_nifti

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'train')")
for package in ("monai", "torchio"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra 'train')")

CHANNELS = ("t1", "t2")
BLOCK, OVERLAP, STEPS = (16, 16, 16), 6, 40
PLACES = {
    "P0": affine((0, 1, 2), (-1, 1, 1), spacing=(1.2, 1.0, 1.5)),
    "P1": affine((2, 0, 1), (1, -1, 1), spacing=(1.0, 1.3, 1.1), oblique=12),
    "P2": affine((1, 2, 0), (-1, -1, 1), spacing=(1.4, 1.1, 1.0), oblique=25),
}
SHAPE = (30, 28, 26)


def make_case(folder, name, seed):
    """Two blobs, each bright in one channel; what is bright in both is labelled."""
    rng = np.random.default_rng(seed)
    u, v, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    shift = rng.uniform(-0.1, 0.1, 3)
    one = (u - shift[0] - 0.2) ** 2 + (v - shift[1]) ** 2 + (w - shift[2]) ** 2 < 0.45
    other = (u - shift[0] + 0.25) ** 2 + (v - shift[1]) ** 2 + (w + shift[2]) ** 2 < 0.45
    for channel, blob in zip(CHANNELS, (one, other), strict=True):
        values = 400 * blob + rng.normal(0, 25, SHAPE)
        save_nifti(folder / f"{name}_{channel}.nii.gz", values.astype(np.int16), PLACES[name])
    label = (one & other).astype(np.uint8)
    save_nifti(folder / f"{name}_seg.nii.gz", label, PLACES[name])
    return label


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "in").mkdir()
    labels = {name: make_case(folder / "in", name, seed) for seed, name in enumerate(PLACES)}
    patterns = {name: f"{{case}}_{name}.nii.gz" for name in CHANNELS}
    options = {"orient": "RAS", "spacing": 1.2, "block": BLOCK, "overlap": OVERLAP, "remainder": "shift"}
    result = se.export(folder / "in", folder / "out", channels=patterns, jobs=1, **options)
    assert not result.failures, result.failures[0].error
    assert not result.problems
    assert all(not report.differences for report in se.verify(folder / "out"))
    return folder / "out", labels


def by_slab_dataset(out):
    for item in se.SlabDataset(out):
        yield torch.as_tensor(item["image"].astype(np.float32)), torch.as_tensor(item["label"].astype(np.int64))


def by_monai(out):
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    load = Compose([LoadImaged(["image", "label"]), EnsureChannelFirstd("label")])
    for item in se.SlabDataset(out).data_list():
        found = load(item)
        image = found["image"] if found["image"].ndim == 4 else found["image"][None]
        yield image.as_tensor().float(), found["label"].as_tensor().long()


def by_torchio(out):
    for subject in se.SlabDataset(out).subjects():
        yield subject["image"].data.float(), subject["label"].data.long()


ROUTES = {"SlabDataset": by_slab_dataset, "MONAI": by_monai, "TorchIO": by_torchio}


def network():
    from monai.networks.nets import UNet

    torch.manual_seed(0)
    return UNet(3, in_channels=2, out_channels=2, channels=(8, 16), strides=(2,))


def trained(blocks):
    from monai.losses import DiceCELoss

    model, loss_of, losses = network(), DiceCELoss(to_onehot_y=True, softmax=True), []
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for image, label in islice(cycle(blocks), STEPS):
        optimizer.zero_grad()
        loss = loss_of(model(image[None] / 400), label[None])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), losses


def test_every_route_gives_the_same_blocks(export):
    out, _ = export
    routes = [list(read(out)) for read in ROUTES.values()]
    assert len({len(blocks) for blocks in routes}) == 1
    for blocks in zip(*routes, strict=True):
        for image, label in blocks[1:]:
            assert torch.equal(image, blocks[0][0])
            assert torch.equal(label, blocks[0][1])
        assert blocks[0][0].shape == (2, *BLOCK)


def test_predictions_of_blocks_come_back_onto_the_sources_grid(export, tmp_path):
    out, labels = export
    blocks = [block for block in by_slab_dataset(out) if block[1].any()]
    model, losses = trained(blocks)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    for item in se.SlabDataset(out):
        with torch.no_grad():
            chances = torch.softmax(model(torch.as_tensor(item["image"].astype(np.float32))[None] / 400), 1)[0]
        place = nib.load(item["paths"]["image"][0]).affine
        name = item["paths"]["image"][0].rsplit("/", 1)[1]
        nib.save(nib.Nifti1Image(chances.permute(1, 2, 3, 0).numpy(), place), tmp_path / name)
    for name, expected in labels.items():
        case = next(folder for folder in out.iterdir() if folder.name.startswith(name))
        result = se.stitch(
            case, tmp_path / f"{name}.nii.gz", predictions=tmp_path, blend="gaussian", grid="source", argmax=True
        )
        back = nib.load(result.path)
        found = np.asanyarray(back.dataobj)
        assert (result.channels, result.blend, found.shape, found.dtype) == (1, "gaussian", SHAPE, np.uint8)
        np.testing.assert_array_equal(back.affine, nib.load(out.parent / "in" / f"{name}_t1.nii.gz").affine)
        overlap = 2 * np.count_nonzero((found == 1) & (expected == 1)) / (found.sum() + expected.sum())
        assert overlap > 0.8, (name, overlap)
