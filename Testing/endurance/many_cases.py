"""130 cases with LiTS' slice counts: memory flat, time linear in slices, two processes against one.

    python Testing/endurance/many_cases.py FOLDER [--cases 130] [--size 96] [--jobs 1 2]

Prints what it measured. Wants Linux, some 3 GB of disk at the default size, and an idle machine
for the comparison of one process with two.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from data_set import make
from processes import Watch, watch

MEGABYTE = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=130)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    counts = make(options.folder / "in", options.cases, options.size)
    print(
        f"{options.cases} cases of {min(counts)} to {max(counts)} slices, {sum(counts):,} in all, {options.size} wide"
    )
    seconds = {}
    for jobs in options.jobs:
        out = options.folder / f"jobs{jobs}" / "out"
        shutil.rmtree(out, ignore_errors=True)
        run = watch("export", options.folder / "in", "-o", out, "--jobs", jobs)
        seconds[jobs] = run.seconds
        print(f"--jobs {jobs}: exit code {run.code}, {run.seconds:.1f} s, {sum(counts) / run.seconds:,.0f} slices/s")
        _memory(run)
        if jobs == 1:
            _linearity(run, counts)
            _growth(run, counts)
    if {1, 2} <= seconds.keys():
        print(f"--jobs 2 is {seconds[1] / seconds[2]:.2f} times as fast as --jobs 1")


def _memory(run: Watch) -> None:
    """Peak of each worker, from the tenth case on and in the last thirty."""
    tenth, late = run.ends[min(10, len(run.ends) - 1)][0], run.ends[max(0, len(run.ends) - 30)][0]
    for number, samples in enumerate(run.samples.values()):
        times, sizes = np.array(samples).T
        first, last = sizes[(times > tenth) & (times <= late)], sizes[times > late]
        if len(first) and len(last):
            print(
                f"  process {number}: peak {first.max() / MEGABYTE:.0f} MB from the tenth case on, "
                f"{last.max() / MEGABYTE:.0f} MB in the last thirty"
            )


def _growth(run: Watch, counts: list[int]) -> None:
    """What a case adds to the peak of those after it, the size of each being allowed for."""
    times, sizes = np.array(next(iter(run.samples.values()))).T
    ends = [when for when, _ in run.ends]
    rows = []
    for number in range(10, len(ends)):
        during = sizes[(times > ends[number - 1]) & (times <= ends[number])]
        if len(during):
            slices = counts[int(run.ends[number][1].split("-")[1])]
            rows.append((1.0, slices, number, during.max() / MEGABYTE))
    table = np.array(rows)
    fit, *_ = np.linalg.lstsq(table[:, :3], table[:, 3], rcond=None)
    print(
        f"  peak of a case: {fit[0]:.0f} MB + {fit[1] * 1000:.0f} kB a slice + {fit[2] * 1000:.0f} kB a case before it"
    )


def _linearity(run: Watch, counts: list[int]) -> None:
    """Seconds a case against its slices; cases run one after the other."""
    ends = [0.0] + [when for when, _ in run.ends]
    seconds = np.diff(ends)[1:]  # the first includes the start of Python and of Slicer's libraries
    slices = np.array([counts[int(name.split("-")[1])] for _, name in run.ends])[1:]
    slope, intercept = np.polyfit(slices, seconds, 1)
    correlation = np.corrcoef(slices, seconds)[0, 1]
    print(f"  time a case: {intercept:.3f} s + {slope * 1000:.2f} ms a slice, r = {correlation:.3f}")


if __name__ == "__main__":
    main()
