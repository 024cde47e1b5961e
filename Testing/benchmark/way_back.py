"""Measures the way back: stitch beside its floor, and compare, on one CT-like volume.

    python way_back.py --repeat 3 --output WAY_BACK.md

The floor of stitch: igzip decodes the slabs once and encodes the volume once, in one thread.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe_machine
from measure import Cost, run_measured
from table import markdown_table

HERE = Path(__file__).parent
OURS = [sys.executable, "-m", "SlabExporterLib"]
FLOOR, STITCH = "floor of stitch", "stitch"

# Other storage orders of the same voxels, and a part; the affine stays as it is, which is wrong.
OTHERS = """
import sys
import nibabel as nib
import numpy as np
image = nib.load(sys.argv[1])
voxels = np.asanyarray(image.dataobj)
for name, array in (("flipped", voxels[::-1, ::-1]), ("part", np.rot90(voxels)[:, :, 100:164])):
    nib.save(nib.Nifti1Image(np.ascontiguousarray(array), image.affine), f"{sys.argv[2]}/{name}.nii.gz")
"""


def prepare(workdir: Path, slices: int) -> dict[str, list[str]]:
    """Make the files; return the commands to be measured, by name."""
    volume, out = workdir / "ct.nii.gz", workdir / "slabs"
    subprocess.run([sys.executable, HERE / "phantom.py", volume, "--slices", str(slices), "--seed", "0"], check=True)
    subprocess.run([*OURS, "export", volume, "-o", out, "--quiet"], check=True)
    subprocess.run([sys.executable, "-c", OTHERS, volume, workdir], check=True)
    slabs = sorted(map(str, out.glob("*/images/*.nii.gz")))
    commands = {
        FLOOR: [sys.executable, str(HERE / "peers" / "stitch_floor.py"), str(workdir / "floor.nii.gz"), *slabs],
        STITCH: [*OURS, "stitch", str(next(out.glob("*/manifest.json"))), "-o", str(workdir / "b.nii.gz")],
    }
    commands[STITCH].append("--overwrite")
    for name in ("flipped", "part"):
        commands[f"compare, {name}"] = [*OURS, "compare", str(volume), str(workdir / f"{name}.nii.gz")]
    return commands


def measure(commands: dict[str, list[str]], repeat: int, workdir: Path) -> dict[str, Cost]:
    """The turn of median wall time of each command, after one that is not measured."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(repeat + 1):
        for name, command in commands.items():
            cost = run_measured(command, workdir / "log.txt")
            # compare ends with 1: the affines were made to be wrong
            if cost.exit_code != (1 if name.startswith("compare") else 0):
                raise SystemExit(f"{name} failed:\n{(workdir / 'log.txt').read_text()}")
            if turn:
                costs[name].append(cost)
    return {name: sorted(runs, key=lambda cost: cost.wall)[(len(runs) - 1) // 2] for name, runs in costs.items()}


def table(costs: dict[str, Cost]) -> list[str]:
    """One row a command; stitch also against its floor."""
    rows = []
    for name, cost in costs.items():
        ratio = f"{cost.wall / costs[FLOOR].wall:.2f}" if name in (FLOOR, STITCH) else ""
        rows.append([name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.largest_process:.0f}", ratio])
    return markdown_table(["", "wall s", "CPU s", "largest process MB", "wall / floor"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("WAY_BACK.md"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(prepare(Path(folder), arguments.slices), arguments.repeat, Path(folder))
    title = (
        f"One volume of 512x512x{arguments.slices} int16; whole processes, median of {arguments.repeat} by wall time"
    )
    text = "\n".join(["# The way back", "", *describe_machine(), f"- {title}", "", *table(costs)]) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
