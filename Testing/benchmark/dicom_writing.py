"""Measures how fast DICOM slabs are written, beside a minimal SimpleITK series writer and nii2dcm.

    python dicom_writing.py --slices 300 600 --repeat 3 --output DICOM_WRITING.md

Whole processes: each reads the same .nii.gz and writes one file a slice. Only SlabExporter reads
back and compares what it has written.
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
from table import markdown_table
from turns import median_costs

HERE = Path(__file__).parent
OURS = [sys.executable, "-m", "slab_exporter", "export", "--format", "dicom", "--quiet"]
WRITER = "SimpleITK series writer"


def commands(volume: Path, out: Path) -> dict[str, list[str]]:
    """Name -> command line that writes the volume's slices below ``out``."""
    found = {
        "**SlabExporter, verified**": [*OURS, str(volume), "-o", str(out)],
        "SlabExporter `--no-verify`": [*OURS, "--no-verify", str(volume), "-o", str(out)],
        WRITER: [sys.executable, str(HERE / "peers" / "simpleitk_series.py"), str(out), str(volume)],
    }
    if find_spec("nii2dcm") is not None:
        found["nii2dcm"] = [sys.executable, str(HERE / "peers" / "nii2dcm_series.py"), str(out), str(volume)]
    return found


def is_dicom(path: Path) -> bool:
    """By its preamble: nii2dcm's files have no extension."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def section(slices: int, repeat: int, workdir: Path) -> list[str]:
    """Measure one volume; the lines of its table."""
    volume, out = workdir / "ct.nii.gz", workdir / "out"
    subprocess.run([sys.executable, HERE / "phantom.py", volume, "--slices", str(slices), "--seed", "0"], check=True)

    def fault(_: str, cost: Cost) -> str | None:
        written = sum(map(is_dicom, out.rglob("*")))
        return None if cost.exit_code == 0 and written == slices else f"{written} files, exit code {cost.exit_code}"

    costs = median_costs(commands(volume, out), repeat, workdir, fault, out)
    rows = [
        [
            name,
            f"{cost.wall:.2f}",
            f"{cost.cpu:.2f}",
            f"{cost.largest_process:.0f}",
            f"{cost.wall / costs[WRITER].wall:.2f}",
        ]
        for name, cost in costs.items()
    ]
    table = markdown_table(["", "wall s", "CPU s", "largest process MB", f"wall / {WRITER}"], rows)
    return ["", f"## {slices} slices", "", *table]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, nargs="+", default=[300, 600])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("DICOM_WRITING.md"))
    arguments = parser.parse_args()
    title = f"Volumes of 512x512 int16 .nii.gz; whole processes, median of {arguments.repeat} by wall time"
    lines = ["# Writing DICOM slabs", "", *describe_machine(), f"- {title}"]
    for slices in arguments.slices:
        with tempfile.TemporaryDirectory() as folder:
            lines += section(slices, arguments.repeat, Path(folder))
    text = "\n".join(lines) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
