"""Every command block of a page runs, pasted line by line into an empty folder, and prints what the page shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.pasted import commands_of, pasted, programs_in, require_printed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the pages are for a POSIX shell")


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return programs_in(tmp_path)


def test_readme_from_the_demo_to_the_comparison(tmp_path, environment):
    code, output = pasted("slab-exporter demo", tmp_path, environment)
    assert code == 0, output
    commands = commands_of("README.md")
    assert len(commands) >= 7
    for command in commands:
        code, output = pasted(command.line, tmp_path, environment)
        assert code == 0, f"$ {command.line}\n{output}"
        require_printed(command, output)
    assert "result: the same place in the patient" in output
    listed = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").partition("\nslabs/\n")[2]
    for name in (line.split()[0] for line in listed.partition("\n```")[0].splitlines() if line.strip() != "..."):
        assert (tmp_path / "slabs" / name).exists(), name
