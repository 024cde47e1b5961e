"""A small U-Net learns from blocks of two channels; its predictions go back onto the source's grid."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from support.phantoms import affine, save_nifti

monai, torch, torchio = (
    pytest.importorskip(package, reason=f"{package} is not installed (extra 'train')")
    for package in ("monai", "torch", "torchio")
)

PLACE = affine((2, 0, 1), (-1, 1, -1), spacing=(1.0, 1.0, 1.0), oblique=8.0)
SHAPE = (28, 24, 26)
STEPS = 40


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    """Two patients: a sphere is bright in t1 and dark in t2, another object is bright in both."""
    folder = tmp_path_factory.mktemp("unet")
    (folder / "in").mkdir()
    noise = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    for patient, centre in enumerate(((9, 9, 10), (18, 14, 15))):
        sphere = np.linalg.norm(grid - centre, axis=-1) < 7
        other = np.linalg.norm(grid - np.array(SHAPE) + centre, axis=-1) < 6
        t1 = 100.0 * (sphere | other) + noise.normal(0, 5, SHAPE)
        t2 = 100.0 * (other & ~sphere) + noise.normal(0, 5, SHAPE)
        save_nifti(folder / "in" / f"P{patient}_t1.nii.gz", t1.astype(np.int16), PLACE)
        save_nifti(folder / "in" / f"P{patient}_t2.nii.gz", t2.astype(np.float32), PLACE)
        save_nifti(folder / "in" / f"P{patient}_seg.nii.gz", sphere.astype(np.uint8), PLACE)
    result = se.export(
        folder / "in",
        folder / "out",
        channels="auto",
        spacing=(1.25, 1, 1),
        block=(16, 16, 16),
        overlap=6,
        remainder="shift",
        jobs=1,
    )
    assert not result.failures, result.failures[0].error
    return folder / "out"


def through_slab_dataset(out: Path):
    slabs = se.SlabDataset(out, transform=lambda item: (item["image"].astype(np.float32), item["label"]))
    yield from torch.utils.data.DataLoader(slabs, batch_size=8)


def through_monai(out: Path):
    data = monai.data.load_decathlon_datalist(str(out / "dataset.json"), True, "training")
    load = monai.transforms.LoadImaged(("image", "label"), image_only=True, ensure_channel_first=True)
    files = [{"image": entry["image"], "label": entry["label"]} for entry in data]
    for batch in monai.data.DataLoader(monai.data.Dataset(files, load), batch_size=8):
        yield batch["image"].as_tensor().float(), batch["label"].as_tensor()


def through_torchio(out: Path):
    subjects = torchio.SubjectsDataset(se.SlabDataset(out).subjects())
    for batch in torchio.SubjectsLoader(subjects, batch_size=8):
        yield batch["image"][torchio.DATA].float(), batch["label"][torchio.DATA]


def trained(out: Path, batches):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = monai.networks.nets.UNet(3, in_channels=2, out_channels=2, channels=(8, 16), strides=(2,))
    optimiser, loss = torch.optim.Adam(net.parameters(), 0.02), torch.nn.CrossEntropyLoss()
    seen = list(batches(out))
    losses = []
    for step in range(STEPS):
        images, labels = seen[step % len(seen)]
        assert images.shape[1:] == (2, 16, 16, 16)
        optimiser.zero_grad()
        value = loss(net(images / 100), labels[:, 0].long())
        value.backward()
        optimiser.step()
        losses.append(float(value))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    return net.eval()


@pytest.mark.parametrize("batches", [through_slab_dataset, through_monai, through_torchio])
def test_predictions_of_a_net_come_back_onto_the_sources_grid(export, tmp_path, batches):
    net = trained(export, batches)
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for item in se.SlabDataset(export):
        with torch.no_grad():
            image = torch.from_numpy(item["image"].astype(np.float32))[None]
            found = torch.softmax(net(image / 100), dim=1)[0].numpy()
        name = Path(item["paths"]["image"][0]).name
        nib.save(nib.Nifti1Image(np.moveaxis(found, 0, -1), item["affine"]), predictions / name)
    for patient in range(2):
        back = se.stitch(
            export / f"P{patient}", tmp_path / f"P{patient}.nii.gz", predictions=predictions, blend="gaussian",
            grid="source", argmax=True,
        )  # fmt: skip
        found, truth = nib.load(back.path), nib.load(export.parent / "in" / f"P{patient}_seg.nii.gz")
        assert found.shape == truth.shape
        np.testing.assert_allclose(found.affine, truth.affine, atol=1e-5)
        ours, theirs = np.asarray(found.dataobj) > 0, np.asarray(truth.dataobj) > 0
        assert 2 * np.count_nonzero(ours & theirs) / (np.count_nonzero(ours) + np.count_nonzero(theirs)) > 0.85
