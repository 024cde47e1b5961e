"""Run the command line and watch its worker processes (Linux: memory is read from /proc)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "SlabExporter"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(LIBRARY)}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "slab_exporter", *(str(a) for a in arguments)]


@dataclass
class Watch:
    """A run of the command line with ``--json``, watched.

    Attributes:
        seconds: of the whole process.
        code: its exit code.
        samples: of each worker process, (seconds since the start, bytes of resident memory).
        ends: (seconds since the start, name) of each case, in the order in which they ended.
    """

    seconds: float = 0.0
    code: int = 0
    samples: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    ends: list[tuple[float, str]] = field(default_factory=list)


def watch(*arguments: object) -> Watch:
    """Run to the end, sampling the memory of every worker some fifty times a second."""
    result = Watch()
    began = time.monotonic()
    process = subprocess.Popen(
        command(*arguments, "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    )
    stop = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, result, began, stop))
    sampler.start()
    for line in process.stdout or ():
        event = json.loads(line)
        if event["event"] in ("case-finished", "case-failed"):
            result.ends.append((time.monotonic() - began, event["case"]))
    result.code = process.wait()
    result.seconds = time.monotonic() - began
    stop.set()
    sampler.join()
    return result


def _sample(parent: int, result: Watch, began: float, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        for pid in _children(parent):
            memory = _resident(pid)
            if memory:
                result.samples.setdefault(pid, []).append((time.monotonic() - began, memory))


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
