"""The goals set for the speed and memory of SlabExporter, and whether a run reached them.

They hold for volumes of 512x512x300 int16 on two cores, with full verification on.
"""

from __future__ import annotations

from dataclasses import dataclass

from peer_list import FLOOR, OURS
from runs import Run

AT_LEAST_TIMES_FASTER = {
    1: {"cropvolume": 4, "nibabel": 1.5, "simpleitk": 3.5},
    4: {"cropvolume": 8, "nibabel": 3, "simpleitk": 7, "dicom-road": 10, "torchio": 10},
}
AT_MOST_TIMES_FLOOR = {4: 1.5}
MEMORY_PER_RAW, MEMORY_BASE_MB = 1.3, 300


@dataclass(frozen=True)
class Verdict:
    """One goal beside what was measured; `reached` is None where something was not measured."""

    goal: str
    measured: str
    reached: bool | None


def judge(goal: str, value: float | None, unit: str, reached: bool | None) -> Verdict:
    if value is None:
        return Verdict(goal, "not measured", None)
    return Verdict(goal, f"{value:.{0 if unit == ' MB' else 2}f}{unit}", reached)


def wall_ratio(runs: dict[str, Run], slower: str, faster: str) -> float | None:
    """Return how many times longer `slower` took, None if one of them was not measured."""
    if slower not in runs or faster not in runs:
        return None
    return runs[slower].cost.wall / runs[faster].cost.wall


def judge_goals(volumes: int, runs: dict[str, Run], raw_megabytes: float) -> list[Verdict]:
    """Compare the successful runs over so many volumes with the goals for that number."""
    verdicts = []
    for peer, factor in AT_LEAST_TIMES_FASTER.get(volumes, {}).items():
        ratio = wall_ratio(runs, peer, OURS)
        goal = f"at least {factor}x faster than {peer}"
        verdicts.append(judge(goal, ratio, "x", ratio is not None and ratio >= factor))
    if volumes in AT_MOST_TIMES_FLOOR:
        factor = AT_MOST_TIMES_FLOOR[volumes]
        ratio = wall_ratio(runs, OURS, FLOOR)
        goal = f"within {factor}x of the floor"
        verdicts.append(judge(goal, ratio, "x", ratio is not None and ratio <= factor))
    limit = MEMORY_PER_RAW * raw_megabytes + MEMORY_BASE_MB
    peak = runs[OURS].cost.largest_process if OURS in runs else None
    goal = f"peak memory of a process at most {limit:.0f} MB"
    verdicts.append(judge(goal, peak, " MB", peak is not None and peak <= limit))
    return verdicts
