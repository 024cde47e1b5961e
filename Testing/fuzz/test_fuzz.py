"""A short run of the fuzzer; the long one is ``python Testing/fuzz/run.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "fuzz" / "run.py"


def test_damaged_files_give_a_sentence_or_the_right_voxels():
    command = [sys.executable, SCRIPT, "--count", "60", "--seed", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stdout
    assert "60 files, 0 findings" in run.stdout
