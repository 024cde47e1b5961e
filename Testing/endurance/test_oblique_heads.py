"""A short run of the oblique heads; the long one is ``python Testing/endurance/oblique_heads.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("oblique_heads.py")


def test_no_oblique_head_fails_its_own_verification_or_moves():
    command = [sys.executable, SCRIPT, "--count", "60", "--seed", "2"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stdout
    assert "60 heads, 180 slabs, 0 findings" in run.stdout
