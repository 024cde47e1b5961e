"""The goals set for the speed and memory of SlabExporter, and whether a run reached them.

They hold for volumes of 512x512x300 int16 on two cores, with full verification on.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from peer_list import FLOOR, OURS
from runs import Run

AT_LEAST_TIMES_FASTER = {
    1: {"expert": 0.8, "nibabel": 1.5, "simpleitk": 3.5, "cropvolume": 4},
    4: {"expert": 1.15, "nibabel": 3, "simpleitk": 7, "cropvolume": 7},
}
AT_MOST_TIMES_FLOOR = {1: 1.6, 4: 0.9}
MEMORY_PER_RAW, MEMORY_BASE_MB = 1.5, 300

Turns = dict[str, list[Run]]  # of each peer, in the order of the turns


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


def wall_ratios(turns: Turns, slower: str, faster: str) -> list[float]:
    """Return how many times longer `slower` took in each turn, the smallest first; none if one was not measured."""
    pairs = zip(turns.get(slower, []), turns.get(faster, []), strict=False)
    return sorted(a.cost.wall / b.cost.wall for a, b in pairs)


def wall_ratio(turns: Turns, slower: str, faster: str) -> float | None:
    """Return the median of `wall_ratios`."""
    ratios = wall_ratios(turns, slower, faster)
    return median(ratios) if ratios else None


def judge_goals(volumes: int, turns: Turns, raw_megabytes: float) -> list[Verdict]:
    """Compare the successful runs over so many volumes with the goals for that number."""
    verdicts = []
    for peer, factor in AT_LEAST_TIMES_FASTER.get(volumes, {}).items():
        ratio = wall_ratio(turns, peer, OURS)
        goal = f"at least {factor}x faster than {peer}"
        verdicts.append(judge(goal, ratio, "x", ratio is not None and ratio >= factor))
    if volumes in AT_MOST_TIMES_FLOOR:
        factor = AT_MOST_TIMES_FLOOR[volumes]
        ratio = wall_ratio(turns, OURS, FLOOR)
        goal = f"within {factor}x of the floor"
        verdicts.append(judge(goal, ratio, "x", ratio is not None and ratio <= factor))
    limit = MEMORY_PER_RAW * raw_megabytes + MEMORY_BASE_MB
    peak = max((run.cost.largest_process for run in turns.get(OURS, [])), default=None)
    goal = f"peak memory of a process at most {limit:.0f} MB"
    verdicts.append(judge(goal, peak, " MB", peak is not None and peak <= limit))
    return verdicts
