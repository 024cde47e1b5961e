"""Command blocks of a page, run as a reader pastes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.command_line import LIBRARY

ROOT = Path(__file__).parents[2]
_SECONDS = re.compile(r"\(\d+\.\d s\)")


@dataclass(frozen=True)
class Command:
    """A line behind ``$``, and the lines printed below it; none where the page does not show them."""

    line: str
    printed: tuple[str, ...]


def commands_of(page: str) -> list[Command]:
    """The commands of a page's console blocks, in order."""
    found: list[Command] = []
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], ()))
            elif line.strip() and block.startswith("$ "):
                found[-1] = Command(found[-1].line, (*found[-1].printed, line))
    return found


def programs_in(folder: Path) -> dict[str, str]:
    """The environment of a shell in which ``slab-exporter`` is the library under test."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    (programs / "slab-exporter").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m slab_exporter "$@"\n')
    (programs / "slab-exporter").chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    library = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": library, "PATH": path, "COLUMNS": "80"}


def pasted(line: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run one line in a folder; returns its exit code and all that it printed."""
    shell = ["bash", "-c", line]
    done = subprocess.run(
        shell, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    return done.returncode, done.stdout


def require_printed(command: Command, output: str) -> None:
    """Refuse an output that lacks a line of the page, or has it in another place; ``...`` stands for any lines."""
    left = _plain(output)
    for line in command.printed:
        if line.strip() == "...":
            continue
        _, found, left = left.partition(_plain(line))
        assert found, f"$ {command.line}\nprints no line like\n{line}\nbut\n{output}"


def _plain(text: str) -> str:
    """A text on one line, however it was wrapped, without the time that a run took."""
    return _SECONDS.sub("(0.0 s)", " ".join(text.split()))
