"""Measures exports from and to a slow network file system, which is simulated with a delay in each call.

    python slow_files.py --milliseconds 2 --repeat 3 --output SLOW_FILES.md

``slow_files.c`` is compiled (a C compiler is needed, Linux) and loaded before the C library: each call on a file
below the measured folder sleeps one round trip. Each row is a whole process, once without and once with the delay.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from machine import describe_machine
from measure import run_measured
from peer_list import FLOOR, OURS, PEERS, Peer
from table import markdown_table

HERE = Path(__file__).parent
MEASURED = (FLOOR, OURS, "expert", "nibabel", "simpleitk", "cropvolume")
COLUMNS = ("", "opened", "reads", "writes", "other", "round trips", "wall s", "wall s, slow", "slow / fast")


def compile_delay(folder: Path) -> Path:
    """Return the library that slows files down."""
    library = folder / "slow_files.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "slow_files.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


def run_slowly(peer: Peer, volume: Path, library: Path, milliseconds: float) -> tuple[float, list[int]]:
    """Return wall seconds, and the calls of all processes by kind, of one run."""
    folder = volume.parent
    with tempfile.TemporaryDirectory() as beside:
        counts, out = Path(beside) / "counts", Path(tempfile.mkdtemp(dir=folder)) / "out"
        os.environ |= {
            "LD_PRELOAD": str(library),
            "SLOW_FOLDER": str(folder),
            "SLOW_MICROS": str(round(1000 * milliseconds)),
            "SLOW_COUNT": str(counts),
        }
        cost = run_measured(peer.command([volume], out), Path(beside) / "log")
        del os.environ["LD_PRELOAD"]
        if cost.exit_code:
            raise SystemExit(f"{peer.name}: {(Path(beside) / 'log').read_text(errors='replace')}")
        lines = [list(map(int, line.split())) for line in counts.read_text().splitlines()]
    return cost.wall, [sum(column) for column in zip(*lines, strict=True)]


def row(peer: Peer, volume: Path, library: Path, arguments: argparse.Namespace) -> list[str]:
    """Measure one peer, fast and slow in turns."""
    fast, slow, calls = [], [], []
    for _ in range(arguments.repeat):
        fast.append(run_slowly(peer, volume, library, 0)[0])
        seconds, calls = run_slowly(peer, volume, library, arguments.milliseconds)
        slow.append(seconds)
    ratio = median(b / a for a, b in zip(fast, slow, strict=True))
    return [peer.title, *map(str, calls), f"{median(fast):.2f}", f"{median(slow):.2f}", f"{ratio:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--milliseconds", type=float, default=2, help="one round trip (default 2)")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("SLOW_FILES.md"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as beside:
        volume = Path(folder) / "ct.nii.gz"
        command = [sys.executable, HERE / "phantom.py", volume, "--slices", str(arguments.slices), "--seed", "0"]
        subprocess.run(command, check=True)
        library = compile_delay(Path(beside))
        rows = [row(p, volume, library, arguments) for p in PEERS if p.name in MEASURED and not p.missing]
    about = (
        f"- One volume of 512x512x{arguments.slices} int16 .nii.gz; {arguments.milliseconds:g} ms for each call that "
        f"would go to the server and for each megabyte; no cache; median of {arguments.repeat} whole processes"
    )
    lines = ["# A slow network file system", "", *describe_machine(), about, "", *markdown_table(COLUMNS, rows)]
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
