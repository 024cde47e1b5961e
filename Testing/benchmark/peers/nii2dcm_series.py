"""nii2dcm: one DICOM file a slice; nothing is checked."""

from __future__ import annotations

from pathlib import Path

from nii2dcm.run import run_nii2dcm
from slabs import run_peer


def export_volume(volume: Path, case_folder: Path) -> None:
    run_nii2dcm(str(volume), str(case_folder), "MR")


if __name__ == "__main__":
    run_peer(export_volume)
