"""Interrupt the replacing of finished cases at random moments; every case stays whole, the old one or the new.

    python Testing/endurance/replacements.py FOLDER [--moments 40] [--seed 0]

By turns ``--overwrite`` and ``--resume`` with other options, ended by INT, TERM, KILL of the parent,
KILL of all its processes, and a disk that is suddenly full (where one can be mounted: as root on Linux).
After each, every case must be whole and equal to its old or its new state, the user's own files must
lie in it, and dataset.json and slabs.csv must name exactly the slabs that are there. What is left
aside must be gone after the next run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import data_set
from processes import command, environment

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.interrupts import INTERRUPTIBLE
from support.trees import assert_nothing_half_done_looks_finished, assert_tables_agree, complete_cases, tree

CASES, SIZE = 6, 48
USERS_FILE = "predictions/mine.nii.gz"
ENDS = ("INT", "TERM", "KILL", "KILL all", "disk full")
DISK_BYTES = 64 << 20
MODES = ("--overwrite", "--resume")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data_set.make(options.folder / "in", CASES, SIZE)
    began = time.monotonic()
    states = {thickness: _undisturbed(options.folder, thickness) for thickness in (32, 20)}
    usual = (time.monotonic() - began) / 2
    print(f"undisturbed: {CASES} cases in {usual:.1f} s", flush=True)
    with _small_disk(options.folder / "disk") as can_be_full:
        ends = ENDS if can_be_full else ENDS[:-1]
        print(interrupt(options.folder, states, options.moments, usual, random.Random(options.seed), ends))


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of its own; yields whether that was possible."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def _undisturbed(folder: Path, thickness: int) -> dict[str, dict[str, bytes]]:
    """Case -> its files, as an export makes them that nobody disturbs."""
    out = folder / f"undisturbed-{thickness}"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(_export(folder, out, thickness, "--overwrite"), env=environment(), check=True)
    return {name: tree(out / name) for name in complete_cases(out)}


def _export(folder: Path, out: Path, thickness: int, mode: str) -> list[str]:
    return command("export", folder / "in", "-o", out, "--thickness", thickness, "--jobs", 2, mode, "--quiet")


def interrupt(
    folder: Path,
    states: dict[int, dict[str, dict[str, bytes]]],
    moments: int,
    usual: float,
    moment: random.Random,
    ends: tuple[str, ...],
) -> str:
    """Replace and interrupt; returns a sentence with what was seen, or fails."""
    out = folder / "disk" / "disturbed"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(_export(folder, out, 32, "--overwrite"), env=environment(), check=True)
    for name in complete_cases(out):
        (out / name / USERS_FILE).parent.mkdir()
        (out / name / USERS_FILE).write_bytes(name.encode())
    seen: Counter[str] = Counter()
    thickness = 20
    while seen["interrupted"] < moments:
        how, mode = ends[seen["interrupted"] % len(ends)], MODES[seen["interrupted"] // len(ends) % len(MODES)]
        process = subprocess.Popen(
            _export(folder, out, thickness, mode),
            env=environment(),
            start_new_session=True,
            stderr=subprocess.DEVNULL,
            preexec_fn=INTERRUPTIBLE,
        )
        try:
            process.wait(moment.uniform(0.2 * usual, 1.1 * usual))
        except subprocess.TimeoutExpired:
            _end(process, how, out.parent)
            seen["interrupted"] += 1
            seen[f"{how} ({mode})"] += 1
            new = _judge(out, states, thickness)
            seen["in the middle of the cases"] += 0 < new < CASES
            thickness = 52 - thickness
            continue
        assert process.returncode == 0
        assert _judge(out, states, thickness) == CASES
        assert not list(out.glob(".partial*"))
        seen["ran to their end"] += 1
        thickness = 52 - thickness
    return ", ".join(f"{count} {name}" for name, count in seen.items())


def _end(process: subprocess.Popen, how: str, disk: Path) -> None:
    if how == "disk full":
        _fill_until_ended(disk, process)
        return
    if how == "KILL all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.send_signal(getattr(signal, f"SIG{how}"))
    process.wait()
    time.sleep(0.2)  # workers notice that their parent has gone


def _fill_until_ended(disk: Path, process: subprocess.Popen) -> None:
    """Take all room of a disk, also what is set free meanwhile, until a process has ended."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while process.poll() is None:
            with contextlib.suppress(OSError):
                while file.write(bytes(1 << 16)):
                    pass
            time.sleep(0.01)
    assert process.returncode in (0, 1, 2)
    filler.unlink()


def _judge(out: Path, states: dict[int, dict[str, dict[str, bytes]]], thickness: int) -> int:
    """Fail if a case is neither old nor new; returns how many are as this thickness makes them."""
    assert_nothing_half_done_looks_finished(out)
    assert complete_cases(out) == sorted(states[32])
    new = 0
    for name in complete_cases(out):
        files = tree(out / name)
        assert files.pop(USERS_FILE) == name.encode()
        allowed = [n for n, cases in states.items() if _slabs(cases[name]) == _slabs(files)]
        assert allowed, f"{name} is neither old nor new"
        new += allowed == [thickness]
    assert_tables_agree(out)
    return new


def _slabs(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.endswith(".nii.gz")}


if __name__ == "__main__":
    main()
