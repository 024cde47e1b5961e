"""Runs every peer on the same volumes, turn by turn, and keeps what each run cost."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, run_measured
from outputs import find_fault, written_megabytes
from peer_list import Peer


@dataclass(frozen=True)
class Run:
    """One finished run of one peer; `fault` says why it does not count, None if it does."""

    cost: Cost
    written_mb: float
    fault: str | None


def run_once(peer: Peer, volumes: list[Path], workdir: Path) -> Run:
    """Run one peer into an empty folder, check what it wrote, and remove it."""
    out, log = workdir / "out", workdir / "log.txt"
    shutil.rmtree(out, ignore_errors=True)
    cost = run_measured(peer.command(volumes, out), log)
    failed = f"exit code {cost.exit_code}" if cost.exit_code else None
    fault = failed or find_fault(volumes, out, peer.writes_manifest)
    if fault:
        print(f"{peer.name}: {fault}\n{log.read_text(errors='replace')}", flush=True)
    run = Run(cost, written_megabytes(out), fault)
    shutil.rmtree(out, ignore_errors=True)
    return run


def run_in_turns(peers: list[Peer], volumes: list[Path], repeat: int, workdir: Path) -> dict[str, list[Run]]:
    """Run all peers one after the other, `repeat` times over, so that noise hits all alike."""
    runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    for turn in range(repeat):
        for peer in peers:
            run = run_once(peer, volumes, workdir)
            runs[peer.name].append(run)
            print(f"{len(volumes)} volumes, turn {turn + 1}, {peer.name}: {run.cost}", flush=True)
    return runs


def representative(runs: list[Run], take: str) -> Run:
    """Return the run of best or median wall time, or a faulty one if there is any."""
    for run in runs:
        if run.fault:
            return run
    ordered = sorted(runs, key=lambda run: run.cost.wall)
    return ordered[0 if take == "best" else (len(ordered) - 1) // 2]
