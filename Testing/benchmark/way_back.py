"""Measures the way back: stitch and compare beside their floors, on one CT-like volume.

    python way_back.py --repeat 3 --output WAY_BACK.md

The floor of stitch: igzip decodes the slabs once and encodes the volume once, in one thread. That of compare:
igzip decodes both files once, in one thread, and the voxels are compared in the one arrangement that is right.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe_machine
from measure import Cost
from table import markdown_table
from turns import median_costs

HERE = Path(__file__).parent
OURS = [sys.executable, "-m", "slab_exporter"]
STITCH = "stitch"
FLOOR_OF = "floor of "

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
        FLOOR_OF + STITCH: [
            sys.executable,
            str(HERE / "peers" / "stitch_floor.py"),
            str(workdir / "floor.nii.gz"),
            *slabs,
        ],
        STITCH: [*OURS, "stitch", str(next(out.glob("*/manifest.json"))), "-o", str(workdir / "b.nii.gz")],
    }
    commands[STITCH].append("--overwrite")
    for name in ("flipped", "part"):
        files, row = [str(volume), str(workdir / f"{name}.nii.gz")], f"compare, {name}"
        commands[FLOOR_OF + row] = [sys.executable, str(HERE / "peers" / "compare_floor.py"), *files]
        commands[row] = [*OURS, "compare", *files]
    return commands


def fault(name: str, cost: Cost) -> str | None:
    """compare ends with 1: the affines were made to be wrong."""
    expected = 1 if name.startswith("compare") else 0
    return None if cost.exit_code == expected else f"exit code {cost.exit_code}"


def table(costs: dict[str, Cost]) -> list[str]:
    """One row a command, against its floor."""
    rows = []
    for name, cost in costs.items():
        floor = costs[FLOOR_OF + name.removeprefix(FLOOR_OF)]
        ratio = f"{cost.wall / floor.wall:.2f}"
        rows.append([name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.largest_process:.0f}", ratio])
    return markdown_table(["", "wall s", "CPU s", "largest process MB", "wall / floor"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("WAY_BACK.md"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = median_costs(prepare(Path(folder), arguments.slices), arguments.repeat, Path(folder), fault)
    title = (
        f"One volume of 512x512x{arguments.slices} int16; whole processes, median of {arguments.repeat} by wall time"
    )
    text = "\n".join(["# The way back", "", *describe_machine(), f"- {title}", "", *table(costs)]) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
