"""Runs one command and measures what it cost: wall time, CPU time and memory (Linux).

CPU time is user + system of the process and of all its children that it waited for, from
`os.wait4`. The kernel hands a parent's peak memory down through fork, so whoever imports this
must stay small: no numpy here or in run.py.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLING_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """What one run cost; times in seconds, memory in MB (10^6 bytes)."""

    wall: float
    cpu: float
    largest_process: float
    all_processes: float
    exit_code: int


def process_tree(pid: int) -> list[int]:
    """Return the process and all its living descendants."""
    tree = [pid]
    for parent in tree:
        try:
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                tree.extend(map(int, children.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return tree


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, 0 if it has just ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


class MemorySampler(threading.Thread):
    """Notes the highest sum of the resident memory of a process and its descendants.

    Shared pages count once per process, so that the sum is rather too high than too low.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(SAMPLING_SECONDS):
            total = sum(map(resident_bytes, process_tree(self.pid)))
            self.peak_bytes = max(self.peak_bytes, total)


def run_measured(command: list[str], log: Path) -> Cost:
    """Run the command to its end, its output going to the log file."""
    os.sync()  # so that it does not pay for what the run before it left unwritten
    with log.open("wb") as stream:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        sampler = MemorySampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    sampler.ended.set()
    sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    largest_bytes = usage.ru_maxrss * 1024
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        largest_process=largest_bytes / 1e6,
        all_processes=max(sampler.peak_bytes, largest_bytes) / 1e6,
        exit_code=process.returncode,
    )
