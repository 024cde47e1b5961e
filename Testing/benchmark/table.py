"""Writes the results as markdown."""

from __future__ import annotations

from goals import Verdict, wall_ratio
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
    "CPU / floor",
    "wall / ours",
)


def markdown_table(columns, rows) -> list[str]:
    """Return the lines of a table; all columns but the first are aligned right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows)]


def ratio_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def cost_cells(name: str, runs: dict[str, Run]) -> list[str]:
    """Return the cells of one peer's row after its title."""
    run = runs[name]
    floor = runs.get(FLOOR)
    return [
        f"{run.cost.wall:.2f}",
        f"{run.cost.cpu:.2f}",
        f"{run.cost.largest_process:.0f}",
        f"{run.cost.all_processes:.0f}",
        f"{run.written_mb:.0f}",
        ratio_text(wall_ratio(runs, name, FLOOR)),
        ratio_text(run.cost.cpu / floor.cost.cpu if floor else None),
        ratio_text(wall_ratio(runs, name, OURS)),
    ]


def fault_cells(fault: str) -> list[str]:
    """Return the cells of a peer without a valid run."""
    return [fault, *[""] * (len(COLUMNS) - 2)]


def cost_table(peers: list[Peer], runs: dict[str, Run], faults: dict[str, str]) -> list[str]:
    """Return one row a peer; one without a valid run shows why instead of numbers."""
    rows = [
        [peer.title, *(cost_cells(peer.name, runs) if peer.name in runs else fault_cells(faults[peer.name]))]
        for peer in peers
    ]
    return markdown_table(COLUMNS, rows)


def goal_table(verdicts: list[Verdict]) -> list[str]:
    answers = {True: "yes", False: "**no**", None: "not measured"}
    rows = [[v.goal, v.measured, answers[v.reached]] for v in verdicts]
    return markdown_table(("goal", "measured", "reached"), rows)
