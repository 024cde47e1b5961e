"""Measures SlabExporter beside its peers on CT-like volumes, in one run.

    python run.py --volumes 1 4 --repeat 3 --output RESULTS.md

Each peer is a process of its own. README.md says what each row does and what to install.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from goals import judge_goals
from machine import describe_machine
from peer_list import PEERS, Peer
from runs import representative, run_in_turns, run_once
from table import cost_table, goal_table

PHANTOM = Path(__file__).with_name("phantom.py")
MATRIX, GOAL_SLICES, WARM_UP_SLICES = 512, 300, 16


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [peer.name for peer in PEERS]
    parser.add_argument("--volumes", type=int, nargs="+", default=[1, 4], metavar="N")
    parser.add_argument("--slices", type=int, default=GOAL_SLICES)
    parser.add_argument("--repeat", type=int, default=3, help="turns of all peers (default 3)")
    parser.add_argument("--take", choices=("best", "median"), default="median")
    parser.add_argument("--peers", default=",".join(names), help="separated by commas")
    parser.add_argument("--output", type=Path, default=Path("RESULTS.md"))
    parser.add_argument("--workdir", type=Path, help="default: a temporary folder")
    arguments = parser.parse_args()
    unknown = set(arguments.peers.split(",")) - set(names)
    if unknown:
        parser.error(f"unknown peer {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return arguments


def make_volume(file: Path, slices: int, seed: int) -> Path:
    """Make a volume in a process of its own, so that this one stays small."""
    command = [sys.executable, PHANTOM, file, "--slices", str(slices), "--seed", str(seed)]
    subprocess.run(command, check=True)
    return file


def warm_up(peers: list[Peer], workdir: Path) -> None:
    """Run every peer once on a thin volume: libraries come off the disk before the clock runs."""
    volume = make_volume(workdir / "warm-up.nii.gz", WARM_UP_SLICES, seed=99)
    for peer in peers:
        run_once(peer, [volume], workdir)


def measure_section(arguments, peers: list[Peer], files: list[Path], workdir: Path):
    """Measure all peers on the files; return the markdown lines and whether all runs counted."""
    installed = [peer for peer in peers if not peer.missing]
    turns = run_in_turns(installed, files, arguments.repeat, workdir)
    taken = {name: representative(runs, arguments.take) for name, runs in turns.items()}
    valid = {name: run for name, run in taken.items() if not run.fault}
    faults = {name: f"failed: {run.fault}" for name, run in taken.items() if run.fault}
    all_counted = not faults
    for peer in peers:
        if peer.missing:
            faults[peer.name] = "not installed"
    raw_megabytes = MATRIX * MATRIX * arguments.slices * 2 / 1e6
    counted = {name: turns[name] for name in valid}
    verdicts = judge_goals(len(files), counted, raw_megabytes)
    title = f"## {len(files)} volume{'s' if len(files) > 1 else ''}"
    lines = ["", title, "", *cost_table(peers, valid, counted, faults), "", *goal_table(verdicts)]
    return lines, all_counted


def describe_run(arguments, volume: Path) -> list[str]:
    """Return markdown list items about the volumes and the turns."""
    raw = MATRIX * MATRIX * arguments.slices * 2
    ratio = raw / volume.stat().st_size
    lines = [
        f"- Volumes: {MATRIX}x{MATRIX}x{arguments.slices} int16 .nii.gz, {raw / 1e6:.0f} MB raw, "
        f"compressed {ratio:.2f} to 1; slabs of 64 slices as .nii.gz",
        f"- Of {arguments.repeat} turns the {arguments.take} by wall time; whole processes",
    ]
    if arguments.slices != GOAL_SLICES:
        lines.append(f"- The goals hold for {GOAL_SLICES} slices: here they decide nothing")
    return lines


def run_benchmark(arguments, workdir: Path) -> bool:
    """Measure and write the results file; return whether every run counted."""
    peers = [peer for peer in PEERS if peer.name in arguments.peers.split(",")]
    lines = ["# Benchmark results", "", *describe_machine()]
    files = [
        make_volume(workdir / f"ct-{seed}.nii.gz", arguments.slices, seed) for seed in range(max(arguments.volumes))
    ]
    lines += describe_run(arguments, files[0])
    warm_up([peer for peer in peers if not peer.missing], workdir)
    all_counted = True
    for count in arguments.volumes:
        section, counted = measure_section(arguments, peers, files[:count], workdir)
        lines += section
        all_counted &= counted
    text = "\n".join(lines) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)
    return all_counted


def main() -> int:
    arguments = parse_arguments()
    if arguments.workdir:
        arguments.workdir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.workdir) as folder:
        return 0 if run_benchmark(arguments, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
