"""Train a small 3D U-Net for a few steps on an export, through MONAI or through TorchIO.

    slab-exporter export LiTS/ -o slabs --thickness 64 --split 0.8,0.1,0.1
    python train_on_slabs.py slabs --with monai --steps 100

Needs: pip install "slab-exporter[train]". Both routes take the training part of the export, and the slabs
of one patient are in one part only. A start, not a recipe: network, patches and learning rate are
small enough for a laptop without a graphics card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import slab_exporter as se
import torch
from monai.data import DataLoader, Dataset
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    RandCropByPosNegLabeld,
    ScaleIntensityRanged,
    SpatialPadd,
)

# Soft tissue in Hounsfield units, as for the liver.
WINDOW = (-160.0, 240.0)
Batch = tuple[torch.Tensor, torch.Tensor]


def monai_batches(export: Path, patch: tuple[int, int, int]) -> Iterator[Batch]:
    """Patches of (image, label), each (batch, 1, i, j, k), without end."""
    items = se.SlabDataset(export, part="training").data_list()
    keys = ["image", "label"]
    transforms = Compose(
        [
            LoadImaged(keys),
            EnsureChannelFirstd(keys),
            ScaleIntensityRanged("image", *WINDOW, 0.0, 1.0, clip=True),
            # The last slab of a case may be thinner than the others.
            SpatialPadd(keys, patch),
            RandCropByPosNegLabeld(keys, label_key="label", spatial_size=patch, num_samples=2),
        ]
    )
    while True:
        for batch in DataLoader(Dataset(items, transforms), batch_size=1, shuffle=True):
            yield batch["image"].as_tensor(), batch["label"].as_tensor()


def torchio_batches(export: Path, patch: tuple[int, int, int]) -> Iterator[Batch]:
    """The same through TorchIO: slabs become subjects, patches are drawn where labels are."""
    import torchio as tio

    if int(tio.__version__.partition(".")[0]) > 1:
        raise SystemExit(f"This example is written for TorchIO 1, not {tio.__version__}: pip install 'torchio<2'.")
    subjects = se.SlabDataset(export, part="training").subjects()
    prepare = tio.Compose(
        [
            tio.RescaleIntensity(out_min_max=(0, 1), in_min_max=WINDOW),
            tio.CropOrPad(patch, mask_name="label"),
        ]
    )
    while True:
        for start in torch.randperm(len(subjects)).tolist():
            subject = prepare(subjects[start])
            yield subject["image"].data[None].float(), subject["label"].data[None]


def train(batches: Iterator[Batch], classes: int, steps: int) -> list[float]:
    """Train a new network; returns the loss of every step."""
    network = UNet(3, in_channels=1, out_channels=classes, channels=(8, 16, 32), strides=(2, 2))
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for image, label in islice(batches, steps):
        optimizer.zero_grad()
        loss = loss_of(network(image), label)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        print(f"step {len(losses)}: loss {losses[-1]:.4f}", flush=True)
    return losses


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train a small 3D U-Net on an export for a few steps.")
    parser.add_argument("export", type=Path, help="output folder of slab-exporter export, made with --labels")
    parser.add_argument("--with", dest="route", choices=("monai", "torchio"), default="monai")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--patch", type=int, nargs=3, default=(64, 64, 32), metavar=("I", "J", "K"))
    options = parser.parse_args()
    torch.manual_seed(0)
    document = json.loads((options.export / "dataset.json").read_text())
    classes = 1 + max(int(value) for value in document["labels"])
    batches = {"monai": monai_batches, "torchio": torchio_batches}[options.route]
    train(batches(options.export, tuple(options.patch)), classes, options.steps)


if __name__ == "__main__":
    main()
