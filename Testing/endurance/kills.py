"""Kill an export with SIGKILL at random moments and resume it, many times; the end is always the same.

    python Testing/endurance/kills.py FOLDER [--kills 50] [--seed 0]

By turns the whole process group is killed and the parent alone. After each kill nothing may look
finished that is not; each time an export has got to its end, its tree must equal the undisturbed
one byte for byte, and the next one begins.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import data_set
from processes import command, environment

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.trees import assert_nothing_half_done_looks_finished, complete_cases, tree

CASES, SIZE = 8, 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data_set.make(options.folder / "in", CASES, SIZE)
    reference = options.folder / "undisturbed" / "out"
    shutil.rmtree(reference, ignore_errors=True)
    process = subprocess.Popen(_export(options.folder, reference), env=environment())
    _wait_for_work(process, reference)
    began = time.monotonic()
    process.wait()
    usual = time.monotonic() - began
    print(f"undisturbed: {CASES} cases in {usual:.1f} s from the first file on")
    print(disturb(options.folder, tree(reference), options.kills, usual, random.Random(options.seed)))


def _wait_for_work(process: subprocess.Popen, out: Path) -> None:
    """Until a case is begun, or the process has ended."""
    before = set(out.glob("*/.partial"))
    while process.poll() is None and not set(out.glob("*/.partial")) - before:
        time.sleep(0.005)


def _export(folder: Path, out: Path) -> list[str]:
    return command("export", folder / "in", "-o", out, "--jobs", 2, "--resume", "--quiet")


def disturb(folder: Path, expected: dict[str, bytes], kills: int, usual: float, moments: random.Random) -> str:
    """Kill and resume; returns a sentence with what was seen, or fails."""
    killed = finished = mid_case = 0
    usual = max(usual, 0.5)
    out = folder / "disturbed" / "out"
    shutil.rmtree(out, ignore_errors=True)
    while killed < kills:
        process = subprocess.Popen(_export(folder, out), env=environment(), start_new_session=True)
        try:
            # One in five dies while it starts, the others at work.
            if killed % 5:
                _wait_for_work(process, out)
            process.wait(moments.uniform(0, usual / 2))
        except subprocess.TimeoutExpired:
            if killed % 2:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
            if out.exists():
                assert_nothing_half_done_looks_finished(out)
                mid_case += len([p for p in out.iterdir() if p.is_dir()]) > len(complete_cases(out))
            continue
        assert process.returncode == 0
        assert tree(out) == expected
        finished += 1
        shutil.rmtree(out)
    subprocess.run(_export(folder, out), env=environment(), check=True)
    assert tree(out) == expected
    return (
        f"killed {killed} times, {mid_case} of them in the middle of a case; {finished + 1} exports got to their end, "
        "each with the same bytes as the undisturbed one; nothing looked finished that was not"
    )


if __name__ == "__main__":
    main()
