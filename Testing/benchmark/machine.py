"""What a reader must know about the machine to judge the numbers; no names, no paths."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "slab-exporter",
    "slicer-core",
    "numpy",
    "isal",
    "SimpleITK",
    "nibabel",
    "torchio",
    "monai",
    "torch",
    "pydicom",
    "dicom2nifti",
    "nii2dcm",
)


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def describe_machine() -> list[str]:
    """Return markdown list items."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    packages = ", ".join(f"{package} {package_version(package)}" for package in PACKAGES)
    return [
        f"- Date: {date.today().isoformat()}",
        f"- CPU: {cpu_model()}, {len(os.sched_getaffinity(0))} cores; memory {memory:.0f} GB",
        f"- System: {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        f"- Load from other work when the run began: {os.getloadavg()[0]:.1f}",
        f"- Packages: {packages}",
    ]
