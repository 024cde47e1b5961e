"""A short run over contradicting series; the long one is ``python Testing/fuzz/dicom_headers.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("dicom_headers.py")


def test_no_image_of_a_series_is_read_differently_or_lost_in_silence():
    command = [sys.executable, SCRIPT, "--count", "30", "--seed", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stdout
    assert "30 series of" in run.stdout
    assert "images, 0 findings" in run.stdout
