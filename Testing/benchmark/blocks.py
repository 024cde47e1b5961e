"""Measures blocks beside peers: one CT-like volume cut into overlapping blocks, and those put back into one volume.

    python blocks.py --repeat 5 --output BLOCKS.md

Whole processes. Where blocks overlap the peers put the mean, SlabExporter the first: of the same voxels
both are the same. Only SlabExporter reads back what it wrote and checks what it puts together.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from machine import describe_machine
from measure import Cost
from peers.blocks import OVERLAP, SIZE
from table import markdown_table
from turns import median_costs

HERE = Path(__file__).parent
OURS = "**SlabExporter, verified**"
PEERS = {
    "nibabel and numpy, a loop": ("nibabel_blocks.py", "nibabel"),
    "TorchIO GridSampler, GridAggregator": ("torchio_blocks.py", "torchio"),
    "MONAI GridPatch, AvgMerger": ("monai_blocks.py", "monai"),
}
SHAPE = ["--block", f"{SIZE},{SIZE},{SIZE}", "--overlap", str(OVERLAP), "--remainder", "shift"]


def cutting(volume: Path, folder: Path) -> dict[str, list[str]]:
    """Return by name the command that writes the blocks, each into a folder of its own."""
    module = [sys.executable, "-m", "slab_exporter", "export", str(volume), "--quiet", "--overwrite"]
    commands = {OURS: [*module, *SHAPE, "-o", str(folder / "ours")]}
    for name, (script, package) in PEERS.items():
        if find_spec(package):
            commands[name] = [sys.executable, str(HERE / "peers" / script), "cut", str(folder / package), str(volume)]
    return commands


def stitching(folder: Path) -> dict[str, list[str]]:
    """Return by name the command that puts them back."""
    manifest = next((folder / "ours").glob("*/manifest.json"))
    module = [sys.executable, "-m", "slab_exporter", "stitch", str(manifest), "--overwrite"]
    commands = {OURS: [*module, "-o", str(folder / "ours.nii.gz")]}
    for name, (script, package) in PEERS.items():
        if (folder / package).is_dir():
            result = str(folder / f"{package}.nii.gz")
            commands[name] = [sys.executable, str(HERE / "peers" / script), "stitch", str(folder / package), result]
    return commands


def fault(_: str, cost: Cost) -> str | None:
    return f"exit code {cost.exit_code}" if cost.exit_code else None


def same_volume(volume: Path, folder: Path) -> list[str]:
    """Return for each result whether it holds the volume's voxels in their places."""
    import nibabel
    import numpy as np

    source = np.asanyarray(nibabel.load(volume).dataobj)
    results = {path: np.asanyarray(nibabel.load(path).dataobj) for path in sorted(folder.glob("*.nii.gz"))}
    return [
        f"{p.name.removesuffix('.nii.gz')} {'yes' if np.array_equal(a, source) else 'no'}" for p, a in results.items()
    ]


def table(costs: dict[str, Cost]) -> list[str]:
    rows = [
        [name, f"{c.wall:.2f}", f"{c.cpu:.2f}", f"{c.largest_process:.0f}", f"{c.wall / costs[OURS].wall:.2f}"]
        for name, c in costs.items()
    ]
    return markdown_table(["", "wall s", "CPU s", "largest process MB", "wall / ours"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("BLOCKS.md"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, tempfile.TemporaryDirectory() as beside:
        folder, volume = Path(temporary), Path(beside) / "ct.nii.gz"
        command = [sys.executable, HERE / "phantom.py", volume, "--slices", str(arguments.slices), "--seed", "0"]
        subprocess.run(command, check=True)
        written = median_costs(cutting(volume, folder), arguments.repeat, folder, fault)
        put_back = median_costs(stitching(folder), arguments.repeat, folder, fault)
        count = len(list((folder / "ours").glob("*/images/*")))
        same = ", ".join(same_volume(volume, folder))
    about = (
        f"- One volume of 512x512x{arguments.slices} int16, {count} blocks of {SIZE}x{SIZE}x{SIZE} with overlap "
        f"{OVERLAP}; whole processes, median of {arguments.repeat} by wall time"
    )
    lines = ["# Blocks", "", *describe_machine(), about, f"- The source's voxels again: {same}"]
    lines += ["", "## Write", "", *table(written), "", "## Stitch", "", *table(put_back)]
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
