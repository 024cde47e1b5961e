"""Runs commands in turns and keeps the turn of median wall time of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from measure import Cost, run_measured


def median_costs(
    commands: dict[str, list[str]],
    repeat: int,
    workdir: Path,
    fault: Callable[[str, Cost], str | None],
    out: Path | None = None,
) -> dict[str, Cost]:
    """Measure commands by name, after one turn of all that is not measured.

    Args:
        commands: name -> command line.
        repeat: turns.
        workdir: for the log.
        fault: what is wrong with a run that has just ended; None if nothing is.
        out: a folder that is removed before each run.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(repeat + 1):
        for name, command in commands.items():
            if out is not None:
                shutil.rmtree(out, ignore_errors=True)
            cost = run_measured(command, workdir / "log.txt")
            if wrong := fault(name, cost):
                raise SystemExit(f"{name}: {wrong}\n{(workdir / 'log.txt').read_text(errors='replace')}")
            if turn:
                costs[name].append(cost)
    return {name: sorted(runs, key=lambda cost: cost.wall)[(len(runs) - 1) // 2] for name, runs in costs.items()}
