"""Writes the results as markdown."""

from __future__ import annotations

from statistics import median

from goals import Turns, Verdict, wall_ratios
from peer_list import FLOOR, OURS, Peer
from runs import Run

COLUMNS = (
    "",
    "wall s",
    "CPU s",
    "largest process MB",
    "all processes MB",
    "written MB",
    "wall / floor",
    "wall / ours",
)


def markdown_table(columns, rows) -> list[str]:
    """Return the lines of a table; all columns but the first are aligned right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows)]


def ratio_text(ratios: list[float]) -> str:
    """Return the median of all turns, and the smallest and the largest."""
    if not ratios or ratios[0] == ratios[-1] == 1:
        return "1" if ratios else ""
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def cost_cells(name: str, runs: dict[str, Run], turns: Turns) -> list[str]:
    """Return the cells of one peer's row after its title: the costs of the turn that was taken, ratios of all."""
    run = runs[name]
    return [
        f"{run.cost.wall:.2f}",
        f"{run.cost.cpu:.2f}",
        f"{run.cost.largest_process:.0f}",
        f"{run.cost.all_processes:.0f}",
        f"{run.written_mb:.0f}",
        ratio_text(wall_ratios(turns, name, FLOOR)),
        ratio_text(wall_ratios(turns, name, OURS)),
    ]


def fault_cells(fault: str) -> list[str]:
    """Return the cells of a peer without a valid run."""
    return [fault, *[""] * (len(COLUMNS) - 2)]


def cost_table(peers: list[Peer], runs: dict[str, Run], turns: Turns, faults: dict[str, str]) -> list[str]:
    """Return one row a peer; one without a valid run shows why instead of numbers."""
    rows = [
        [peer.title, *(cost_cells(peer.name, runs, turns) if peer.name in runs else fault_cells(faults[peer.name]))]
        for peer in peers
    ]
    return markdown_table(COLUMNS, rows)


def goal_table(verdicts: list[Verdict]) -> list[str]:
    answers = {True: "yes", False: "**no**", None: "not measured"}
    rows = [[v.goal, v.measured, answers[v.reached]] for v in verdicts]
    return markdown_table(("goal", "measured", "reached"), rows)
